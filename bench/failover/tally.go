package main

import (
	"math"
	"slices"
	"time"

	"example.com/parley/bench/load"
)

// tally is what became of a number of requests.
type tally struct {
	Requests int `json:"requests"`
	Whole    int `json:"whole"`
	Told     int `json:"told_after_text"` // ended with an error that says so, after some text
	Lost     int `json:"lost"`            // a client saw an error, or half an answer, although a provider was left
}

func (t *tally) add(answers []answer) {
	for _, a := range answers {
		t.Requests++
		switch a.end {
		case whole:
			t.Whole++
		case told:
			t.Told++
		default:
			t.Lost++
		}
	}
}

// quantiles are of times, in milliseconds.
type quantiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

func quantilesOf(answers []answer) quantiles {
	took := make([]time.Duration, len(answers))
	for i := range answers {
		took[i] = answers[i].took
	}
	sorted := load.Sorted(took)
	return quantiles{milliseconds(sorted.Quantile(.5)), milliseconds(sorted.Quantile(.99))}
}

// roundOf is how many requests are compared with as many others at a time.
const roundOf = 100

// addedBy compares failing requests with those that were asked in between, round
// by round, and returns the median over the rounds: whatever else holds the
// machine up for a moment does so in one of them.
func addedBy(failing, base []answer, limit time.Duration) quantiles {
	var p50, p99 []float64
	for len(failing) > 0 {
		n := min(roundOf, len(failing))
		if len(failing) < 2*roundOf {
			n = len(failing) // the last round takes the rest
		}
		added := quantilesOf(failing[:n]).beyond(quantilesOf(base[:n]), limit)
		p50, p99 = append(p50, added.P50), append(p99, added.P99)
		failing, base = failing[n:], base[n:]
	}
	return quantiles{median(p50), median(p99)}
}

// median is of one value at least, and the lower one in the middle of an even
// number.
func median(values []float64) float64 {
	slices.Sort(values)
	return values[(len(values)-1)/2]
}

// beyond is what q has more than a healthy provider and a limit account for.
func (q quantiles) beyond(base quantiles, limit time.Duration) quantiles {
	return quantiles{round(q.P50 - base.P50 - milliseconds(limit)), round(q.P99 - base.P99 - milliseconds(limit))}
}

func milliseconds(d time.Duration) float64 { return round(float64(d) / float64(time.Millisecond)) }

// round keeps as many digits as a measurement has at most.
func round(f float64) float64 { return math.Round(f*1e3) / 1e3 }

// share is a count of each request, 0 of none.
func share(count float64, requests int) float64 {
	if requests == 0 {
		return 0
	}
	return round(count / float64(requests))
}
