package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"example.com/parley/bench/load"
	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
	"example.com/parley/bench/upstream/canned"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEverySubjectIsMeasuredOnceARoundAndBeginsOneInTurn(t *testing.T) {
	t.Parallel()
	var order []string
	subjects := []subject{{name: "a"}, {name: "b"}, {name: "c"}}
	found, err := interleave(t.Context(), subjects, 4, func(_ context.Context, s subject) (sample, error) {
		order = append(order, s.name)
		return sample{"n": float64(len(order))}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, ""); got != "abcbcacababc" {
		t.Errorf("order %s", got)
	}
	want := map[string]series{
		"a": {{"n": 1}, {"n": 6}, {"n": 8}, {"n": 10}}, "b": {{"n": 2}, {"n": 4}, {"n": 9}, {"n": 11}}, "c": {{"n": 3}, {"n": 5}, {"n": 7}, {"n": 12}},
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err = interleave(t.Context(), subjects, 1, func(context.Context, subject) (sample, error) { return nil, errors.ErrUnsupported })
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("error %v", err)
	}
}

// process pretends to use half a core.
type process struct{ began time.Time }

func (p process) Usage() (program.Usage, error) {
	return program.Usage{CPU: time.Since(p.began) / 2}, nil
}

func newBench(t *testing.T) (*bench, subject) {
	t.Helper()
	upstream, err := canned.Start(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = upstream.Close() })
	b := &bench{
		options: options{duration: 200 * time.Millisecond, rounds: 1}, key: "key", line: report.New(t.Context(), "overhead"),
		rig: &rig{upstreamAt: upstream.Address(), settings: &program.Parley{Address: upstream.Address()}},
	}
	return b, subject{direct, upstream.Address(), process{time.Now()}}
}

func TestCapacityIsMeasuredOfAWindow(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]request{"requests": plain, "streams": streamed} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, s := newBench(t)
			got, err := b.capacity(4, kind)(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if got["per_s"] <= 0 || got["cpu_us"] <= 0 || got["per_cpu_s"] <= got["per_s"] || got["busy"] < .3 || got["busy"] > .7 {
				t.Errorf("of a process that uses half a core: %v", got)
			}
			if b.answered == 0 || b.failed > 0 {
				t.Errorf("%d answered, %d failed", b.answered, b.failed)
			}
		})
	}
}

func TestCapacityOfSomebodyElsesTimeIsLeftOut(t *testing.T) {
	t.Parallel()
	got, err := capacitySample(&load.Result{Requests: 1000, Elapsed: time.Second}, 250*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample{"per_s": 1000, "cpu_us": 250, "busy": .25, "per_cpu_s": 4000}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := capacitySample(&load.Result{Failed: 3, FirstFail: errors.ErrUnsupported}, time.Second); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("where nothing was answered: %v", err)
	}
}

func TestLatenciesAreMeasured(t *testing.T) {
	t.Parallel()
	b, s := newBench(t)
	slow, err := b.waiting(2, request{model: "gpt-fake-delay-20ms"})(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if slow["p50_ms"] < 20 || slow["p99_ms"] < slow["p50_ms"] {
		t.Errorf("of a model that takes 20 ms: %v", slow)
	}
	steady, err := b.constant(100, plain)(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if steady["per_s"] != 100 {
		t.Errorf("at 100 a second: %v", steady)
	}
}

func TestFailuresMissATarget(t *testing.T) {
	t.Parallel()
	b, s := newBench(t)
	b.only.Names = []string{"none"}
	if err := b.runParts(t.Context()); err != nil || !b.line.OK() {
		t.Fatalf("with no failures: %v, %v", err, b.line.Targets)
	}
	s.address = "127.0.0.1:1"
	if _, err := b.waiting(1, plain)(t.Context(), s); err == nil {
		t.Error("a subject that is not there is no error")
	}
	b.count(&load.Result{Requests: 5, Failed: 1, FirstFail: errors.ErrUnsupported})
	if err := b.runParts(t.Context()); err != nil || b.line.OK() {
		t.Errorf("with a failure: %v, %v", err, b.line.Targets)
	}
}

func TestTargetsAreThoseThatAreWanted(t *testing.T) {
	t.Parallel()
	rounds := func(values ...float64) (s series) {
		for _, v := range values {
			s = append(s, sample{"per_s": v, "per_cpu_s": v, "cpu_us": 1e6 / v})
		}
		return s
	}
	b, _ := newBench(t)
	got := b.compare("requests", map[string]series{
		direct: rounds(200, 200, 200), bareproxy: rounds(100, 100, 100), server: rounds(70, 60, 80),
	})
	if got["per_s"].Median != .7 || round(got["cpu_us"].Median) != 1.4286 {
		t.Errorf("server to bare proxy: %v", got)
	}
	added := b.added("users", map[string]series{
		direct: {{"p95_ms": 2}, {"p95_ms": 3}}, bareproxy: {{"p95_ms": 3}, {"p95_ms": 4}}, server: {{"p95_ms": 5}, {"p95_ms": 8}},
	})
	if added["p95_ms"] != (spread{4, 3, 5}) {
		t.Errorf("added: %v", added)
	}
	if b.target("x", atMost(1.15), 1.15000001); b.line.OK() {
		t.Error("rounding hides that a target is missed")
	}
}

func TestRequestsAreOfOneSize(t *testing.T) {
	t.Parallel()
	for _, kind := range []request{plain, streamed, pacedStream, slowModel} {
		body := kind.body()
		var read struct {
			Model  string
			Stream bool
			Store  *bool
		}
		if err := json.Unmarshal([]byte(body), &read); err != nil {
			t.Fatal(err)
		}
		if len(body) != bodySize || read.Model != kind.model || read.Stream != kind.stream || read.Store == nil || *read.Store {
			t.Errorf("%d bytes: %+v", len(body), read)
		}
	}
}

func TestKeptTurnsAreAllDifferent(t *testing.T) {
	t.Parallel()
	b, _ := newBench(t)
	if one, other := b.renderTurn(1), b.renderTurn(2); slices.Equal(one.Bytes, other.Bytes) {
		t.Error("two conversations are held with one request")
	}
}

func TestCommandLineIsChecked(t *testing.T) {
	t.Parallel()
	for _, wrong := range [][]string{
		{"x"}, {"-duration", "1ms"}, {"-rounds", "0"}, {"-conversations", "0"}, {"-only", "requests,nothing"}, {"-unknown"},
	} {
		if _, err := parseOptions(wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
	o, err := parseOptions([]string{"-only", "requests,users"})
	if err != nil || !slices.Equal(o.only.Names, []string{"requests", "users"}) || o.rounds < 5 || o.conversations != 100_000 {
		t.Errorf("got %+v, %v", o, err)
	}
	quick, err := parseOptions([]string{"-quick"})
	if err != nil || quick.duration >= o.duration || quick.rounds >= o.rounds || quick.conversations >= o.conversations {
		t.Errorf("quick: %+v, %v", quick, err)
	}
}
