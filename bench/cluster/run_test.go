package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"example.com/parley/bench/report"
)

// A short run, on whatever this machine lets it do, finds that nothing is lost,
// doubled or forked. How long anything takes is not for a test to say.
func TestShortRunLosesNothing(t *testing.T) {
	t.Parallel()
	o := options{
		nodes: 3, faults: 4, crew: 4, hold: 3 * time.Second, seed: rand.Uint64N(1 << 32), loopback: true,
		only: report.Only{Names: []string{"kill", "redis_loss", "postgres_restart", "rolling_restart"}},
	}
	t.Logf("go run ./bench/cluster -loopback -faults 4 -conversations 4 -hold 3s -only kill,redis_loss,postgres_restart,rolling_restart -seed %d", o.seed)
	line := report.New(t.Context(), "cluster")
	if err := drill(t.Context(), &o, newNetwork("", hostNames(o.most())), line); err != nil {
		t.Fatal(err)
	}
	for _, target := range line.Targets {
		switch target.Name {
		case "acknowledged_lost", "doubled", "forks", "conversations_unread", "errors_not_to_be_retried", "stream_gaps", "stream_repeats", "streams_lost", "streams_untrue":
			if !target.OK {
				t.Errorf("%s is %v, want %s", target.Name, target.Got, target.Want)
			}
		}
	}
	if seen := line.Figures["history"].(verdict); seen.Told < 50 || seen.Conversations < 4 {
		t.Errorf("%+v: too little was written", seen)
	}
	if seen := line.Figures["streams"].(streamFigures); seen.Whole < 5 {
		t.Errorf("%+v: too little was read", seen)
	}
	if line.Figures["faults_injected"] != 4 {
		t.Errorf("%v faults were injected", line.Figures["faults_injected"])
	}
}

// An edge node has the nodes speak TLS and cache, which no other part wants: it is
// there where it is named alone.
func TestAnEdgeNodeIsThereWhereItIsNamed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		arguments []string
		want      bool
	}{
		{arguments: nil},
		{arguments: []string{"-quick"}},
		{arguments: []string{"-only", "kill,capacity"}},
		{arguments: []string{"-faults", "0", "-only", edgePart, "-edge-cut", "10s"}, want: true},
	} {
		o, err := parseOptions(test.arguments)
		if err != nil || o.hasEdge() != test.want {
			t.Errorf("%q: an edge node: %t, %v", test.arguments, o.hasEdge(), err)
		}
	}
	if _, err := parseOptions([]string{"-only", edgePart, "-edge-cut", "1ms"}); err == nil {
		t.Error("it may be cut off for no time at all")
	}
}
