package main

import (
	"encoding/json"
	"math"
	"slices"
)

// spread is what a figure was over the rounds.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// spreadOf sums up; values must not be empty.
func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	median := sorted[middle]
	if len(sorted)%2 == 0 {
		median = (sorted[middle-1] + median) / 2
	}
	return spread{Median: median, Min: sorted[0], Max: sorted[len(sorted)-1]}
}

// MarshalJSON implements json.Marshaler. It is printed rounded, and compared as
// it is.
func (s spread) MarshalJSON() ([]byte, error) {
	type rounded spread
	return json.Marshal(rounded{round(s.Median), round(s.Min), round(s.Max)})
}

// round keeps as many digits as a measurement has at most.
func round(f float64) float64 { return math.Round(f*1e4) / 1e4 }

// sample is what one measurement of one subject found, by figure.
type sample map[string]float64

// series is the samples of a subject, a round each.
type series []sample

// spreads sums up every figure.
func (s series) spreads() map[string]spread {
	values := make(map[string][]float64)
	for _, one := range s {
		for name, value := range one {
			values[name] = append(values[name], value)
		}
	}
	summed := make(map[string]spread, len(values))
	for name, all := range values {
		summed[name] = spreadOf(all)
	}
	return summed
}

// against compares two series figure by figure, within each round.
func (s series) against(other series, compare func(a, b float64) float64) series {
	compared := make(series, len(s))
	for i := range s {
		compared[i] = make(sample)
		for name, value := range s[i] {
			compared[i][name] = compare(value, other[i][name])
		}
	}
	return compared
}

func difference(a, b float64) float64 { return a - b }

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
