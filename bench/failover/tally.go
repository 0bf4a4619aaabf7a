package main

import (
	"math"
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
