package main

import (
	"testing"

	"example.com/parley/bench/report"
	"example.com/parley/bench/upstream/fake"
)

func startedFake(t *testing.T) *fake.Server {
	t.Helper()
	return fake.ForTest(t, fake.Config{})
}

// A small run finds that nothing is lost. How long anything takes is not for a
// test to say.
func TestSmallRunLosesNothing(t *testing.T) {
	t.Parallel()
	line := report.New(t.Context(), "failover")
	o := options{requests: 10, only: report.Only{Names: []string{"status_500", "limited", "cut", "malformed", "restarted"}}}
	if err := failover(t.Context(), o, line); err != nil {
		t.Fatal(err)
	}
	for _, target := range line.Targets {
		switch target.Name {
		case "closed_calls_per_request", "open_calls_per_request", "requests_lost", "not_continued", "billed_twice":
			if !target.OK {
				t.Errorf("%s is %v, want %s", target.Name, target.Got, target.Want)
			}
		}
	}
	for _, name := range o.only.Names {
		if line.Figures[name] == nil {
			t.Errorf("there are no figures of %s", name)
		}
	}
	cut := line.Figures["cut"].(*found)
	if got := cut.Closed.tally; got != (tally{Requests: 10, Told: 10}) {
		t.Errorf("replies that are cut after some text: %+v", got)
	}
	if got := cut.Continued.tally; got != (tally{Requests: 10, Whole: 10}) {
		t.Errorf("replies that another provider goes on with: %+v", got)
	}
}
