package main

import (
	"errors"
	"testing"
	"time"

	"example.com/parley/bench/load"
	"example.com/parley/bench/report"
)

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	o, err := parseOptions([]string{"-quick", "-only", "batch"})
	if err != nil || o.rounds != 1 || o.duration != time.Second || !o.only.Has("batch") || o.only.Has("places") {
		t.Errorf("%+v %v", o, err)
	}
	for _, wrong := range [][]string{{"x"}, {"-postgres", ""}, {"-only", "nodes", "-postgres", ""}, {"-only", "batch", "-parallel", "0"}, {"-only", "batch", "-duration", "1ms"}, {"-only", "batch", "-rounds", "0"}, {"-only", "batch", "-rounds", "100"}, {"-only", "everything"}} {
		if _, err := parseOptions(wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}

func TestBothTenantsAreAddedUp(t *testing.T) {
	t.Parallel()
	b := &bench{options: options{duration: 3 * time.Second}}
	one := b.sum([2]load.Result{
		{Within: 30, Failed: 2, Latencies: load.Latencies{50 * time.Millisecond, 70 * time.Millisecond}, Statuses: map[int]int{200: 38, 429: 2}},
		{Within: 300, Failed: 50, FirstFail: errors.New("x"), Statuses: map[int]int{200: 400, 429: 20, 503: 28, 0: 2}},
	}, b.duration)
	want := seen{Offered: 122.5, Goodput: 110, Limited: 5.5, Refused: 7, Other: 2, Polite: 70, Denied: 2, answered: 438}
	if one != want {
		t.Errorf("got %+v, want %+v", one, want)
	}
}

func TestTargetsAreOfTheMedianRound(t *testing.T) {
	t.Parallel()
	b := &bench{line: report.New(t.Context(), "overload")}
	rounds := make(map[string][]seen)
	for _, f := range factors() {
		rounds[f.name] = []seen{{OfPeak: 0.5, ToQuiet: 9}, {OfPeak: 0.85, ToQuiet: 1.4}, {OfPeak: 1, ToQuiet: 1}}
	}
	b.tell(scenario{name: "places", factors: factors(), polite: true}, rounds)
	missed := 0
	for _, target := range b.line.Targets {
		if !target.OK {
			missed++
			if target.Name != "places_at_2x_goodput_to_peak" {
				t.Errorf("%+v", target)
			}
		}
	}
	if len(b.line.Targets) != 6 || missed != 1 {
		t.Errorf("%d targets, %d missed", len(b.line.Targets), missed)
	}
	b.line.Targets = nil
	if b.tell(processor(), rounds); len(b.line.Targets) != 2 { // goodput alone
		t.Errorf("%+v", b.line.Targets)
	}
}

func TestMedianIsTheLowerOfTwo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		of   []float64
		want float64
	}{{nil, 0}, {[]float64{7}, 7}, {[]float64{9, 1}, 1}, {[]float64{9, 1, 4}, 4}} {
		if got := median(tt.of); got != tt.want {
			t.Errorf("%v: %g, want %g", tt.of, got, tt.want)
		}
	}
}

func TestWhatPassesIsComparedWithTheLimit(t *testing.T) {
	t.Parallel()
	r := counted{took: 15 * time.Second}
	for i, passed := range []int{1030, 1000, 1000} {
		r.statuses[i] = map[int]int{200: passed, 429: 100, 0: i}
	}
	got := sharedOf(&r)
	if got.Passed != 3030 || got.Refused != 300 || got.Other != 3 || got.Overshoot != 1 || got.Nodes[0] != 34.333 {
		t.Errorf("%+v", got)
	}
}
