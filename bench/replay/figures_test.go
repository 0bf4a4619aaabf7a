package main

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/bench/report"
)

func writeJSON(w http.ResponseWriter, value any) {
	if err := json.NewEncoder(w).Encode(value); err != nil {
		panic(err)
	}
}

// smallRun is a run of five turns: a whole turn, a stream, one that a kill cut, one that
// broke off by itself, and one that nobody answered.
func smallRun() *outcome {
	start := time.Unix(1000, 0)
	took := func(d time.Duration) *turn { return &turn{Tries: 1, Began: start, Ended: start.Add(d)} }
	plain, streamed, cut, broken, unanswered := took(10*time.Millisecond), took(20*time.Millisecond), took(time.Second), took(time.Second), took(time.Minute)
	plain.End, streamed.End, cut.End, broken.End = endWhole, endWhole, endCut, endCut
	plain.Model, streamed.Model, cut.Model = "m1", "m2", "m1"
	streamed.Stream, streamed.First = true, 5*time.Millisecond
	cut.Tries, cut.Outages = 3, 1
	return &outcome{
		conversations: []*conversation{
			{script: script{Way: wayChat}, Turns: []*turn{plain, streamed}},
			{script: script{Way: wayChain}, Turns: []*turn{cut, broken, unanswered}},
		},
		findings: findings{Shortened: []shortening{{Bytes: 3, Chunks: 9, Age: time.Second}, {Bytes: 5, Chunks: 1, Age: time.Minute}}},
		elapsed:  time.Second, recovery: []time.Duration{time.Second},
	}
}

func TestTurnsAreCountedByWhatBecameOfThem(t *testing.T) {
	t.Parallel()
	want := counts{
		Conversations: 2, Turns: 5, Streamed: 1, Whole: 2, Cut: 1, Broken: 1, Unanswered: 1, Touched: 1, Retried: 1,
		Ways: map[string]int{"chat": 2, "chain": 3}, Models: map[string]int{"m1": 2, "m2": 1, "": 2},
	}
	if diff := cmp.Diff(want, count(smallRun().conversations)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLatenciesAreOfTurnsThatNothingBefell(t *testing.T) {
	t.Parallel()
	want := map[string]quantiles{
		"plain":             {Count: 1, P50: 10, P95: 10, P99: 10, Max: 10},
		"stream":            {Count: 1, P50: 20, P95: 20, P99: 20, Max: 20},
		"stream_first_text": {Count: 1, P50: 5, P95: 5, P99: 5, Max: 5},
	}
	if diff := cmp.Diff(want, latencies(smallRun().conversations)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestShorteningsAreSummed(t *testing.T) {
	t.Parallel()
	want := shortenings{Turns: 2, Bytes: 8, MaxBytes: 5, MaxChunks: 9, MaxAge: 60_000}
	if diff := cmp.Diff(want, sum(smallRun().findings.Shortened)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEveryFaultMissesATarget(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*outcome){
		"lost":       func(o *outcome) { o.findings.Lost++ },
		"different":  func(o *outcome) { o.findings.Different++ },
		"duplicated": func(o *outcome) { o.findings.Duplicated++ },
		"unanswered": func(o *outcome) { o.conversations[1].Turns = append(o.conversations[1].Turns[:1], &turn{}) },
		"broken":     func(o *outcome) { o.conversations[1].Turns[0].Outages = 0 },
		"":           func(*outcome) {},
	} {
		o := smallRun()
		o.conversations[1].Turns = o.conversations[1].Turns[:1]
		change(o)
		r := report.New(t.Context(), "replay")
		o.fill(r)
		for _, target := range r.Targets {
			if target.OK != (target.Name != name) {
				t.Errorf("after %q, target %s is %t", name, target.Name, target.OK)
			}
		}
		if err := r.Print(io.Discard); err != nil {
			t.Error(err)
		}
	}
}

func TestCommandLineIsChecked(t *testing.T) {
	t.Parallel()
	for _, wrong := range [][]string{{"x"}, {"-concurrency", "0"}, {"-kills", "-1"}, {"-kills", "1000"}, {"-unknown"}} {
		if _, err := parseOptions(wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
	o, err := parseOptions([]string{"-questions", "f", "-seed", "7"})
	if err != nil || o.seed != 7 || o.concurrency != 64 || o.kills != 2 || o.column != "query" || o.store != "sqlite" {
		t.Errorf("got %+v, %v", o, err)
	}
	if again, err := parseOptions(nil); err != nil || again.seed == 0 {
		t.Errorf("without a seed: %+v, %v", again, err)
	}
}
