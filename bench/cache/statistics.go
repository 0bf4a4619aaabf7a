package main

import (
	"math"
	"slices"
)

// ranks are the places of values, from 1, ties sharing the mean of theirs.
func ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case values[a] < values[b]:
			return -1
		case values[a] > values[b]:
			return 1
		default:
			return 0
		}
	})
	out := make([]float64, len(values))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && values[order[j]] == values[order[i]] {
			j++
		}
		for _, place := range order[i:j] {
			out[place] = float64(i+j+1) / 2
		}
		i = j
	}
	return out
}

// spearman is the correlation of ranks.
func spearman(a, b []float64) float64 { return pearson(ranks(a), ranks(b)) }

func pearson(a, b []float64) float64 {
	n := float64(len(a))
	var sumA, sumB, squareA, squareB, product float64
	for i := range a {
		sumA, sumB = sumA+a[i], sumB+b[i]
		squareA, squareB, product = squareA+a[i]*a[i], squareB+b[i]*b[i], product+a[i]*b[i]
	}
	return (product - sumA*sumB/n) / math.Sqrt((squareA-sumA*sumA/n)*(squareB-sumB*sumB/n))
}

// areaUnderCurve is the chance that a pair that is one scores above a pair that is
// none (Mann-Whitney).
func areaUnderCurve(scores []float64, is []bool) float64 {
	places := ranks(scores)
	var sum, yes float64
	for i := range is {
		if is[i] {
			sum += places[i]
			yes++
		}
	}
	return (sum - yes*(yes+1)/2) / (yes * (float64(len(is)) - yes))
}
