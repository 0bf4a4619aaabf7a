package main

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSpreadIsMedianLeastAndMost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		values []float64
		want   spread
	}{
		"of one":  {[]float64{3}, spread{3, 3, 3}},
		"of two":  {[]float64{3, 1}, spread{2, 1, 3}},
		"of odd":  {[]float64{9, 1, 5}, spread{5, 1, 9}},
		"of even": {[]float64{4, 1, 2, 3}, spread{2.5, 1, 4}},
		"exact":   {[]float64{1.23456}, spread{1.23456, 1.23456, 1.23456}},
		"outlier": {[]float64{1, 1, 1, 1, 1000}, spread{1, 1, 1000}},
	} {
		if got := spreadOf(test.values); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

func TestSpreadIsPrintedRounded(t *testing.T) {
	t.Parallel()
	printed, err := json.Marshal(spread{1.23456, 1, 2.00001})
	if err != nil || string(printed) != `{"median":1.2346,"min":1,"max":2}` {
		t.Errorf("%s, %v", printed, err)
	}
}

func TestSeriesAreComparedWithinARound(t *testing.T) {
	t.Parallel()
	// The machine became half as fast in the second round: the ratio did not.
	ours := series{{"per_s": 60}, {"per_s": 30}, {"per_s": 64}}
	bare := series{{"per_s": 100}, {"per_s": 50}, {"per_s": 80}}
	got := ours.against(bare, ratio).spreads()
	if diff := cmp.Diff(map[string]spread{"per_s": {.6, .6, .8}}, got); diff != "" {
		t.Errorf("ratio (-want +got):\n%s", diff)
	}
	got = ours.against(bare, difference).spreads()
	if diff := cmp.Diff(map[string]spread{"per_s": {-20, -40, -16}}, got); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
	if ratio(1, 0) != 0 {
		t.Error("a ratio to nothing is no number, and cannot be printed")
	}
}

func TestWhatIsMeasuredHasACoreToItself(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cores []int
		want  layout
	}{
		"unknown":       {nil, layout{}},
		"one":           {[]int{3}, layout{[]int{3}, []int{3}, []int{3}}},
		"two":           {[]int{0, 1}, layout{[]int{0}, []int{1}, []int{1}}},
		"three":         {[]int{0, 1, 2}, layout{[]int{0}, []int{1}, []int{2}}},
		"more for load": {[]int{2, 4, 6, 8}, layout{[]int{2}, []int{4}, []int{6, 8}}},
	} {
		if diff := cmp.Diff(test.want, layoutOf(test.cores)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
