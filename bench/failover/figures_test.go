package main

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"example.com/parley/bench/report"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1")) // one a process, for good
}

func TestCrowdAsksAsOftenAsItIsTold(t *testing.T) {
	t.Parallel()
	var calls, sum atomic.Int64
	crowd{clients: 3, requests: 50, pause: time.Microsecond, stagger: time.Millisecond}.each(t.Context(), func(n int) {
		calls.Add(1)
		sum.Add(int64(n))
	})
	if calls.Load() != 50 || sum.Load() != 49*50/2 {
		t.Errorf("%d requests whose numbers come to %d", calls.Load(), sum.Load())
	}
}

func TestAddedIsTheDifferenceOfQuantilesLessTheLimit(t *testing.T) {
	t.Parallel()
	failing, base := make([]answer, 100), make([]answer, 100)
	for i := range failing {
		took := time.Duration(i+1) * time.Millisecond
		failing[i].took, base[i].took = 2*took, took
	}
	got := quantilesOf(failing).beyond(quantilesOf(base), 10*time.Millisecond)
	if want := (quantiles{P50: 40, P99: 89}); got != want {
		t.Errorf("added %+v, want %+v", got, want)
	}
}

func TestOneSlowMomentIsNotWhatAFaultAdds(t *testing.T) {
	t.Parallel()
	failing, base := make([]answer, 350), make([]answer, 350)
	for i := range failing {
		failing[i].took, base[i].took = 3*time.Millisecond, time.Millisecond
	}
	for i := range 50 {
		failing[120+i].took = time.Second // in the second round
	}
	if got := addedBy(failing, base, time.Millisecond); got != (quantiles{P50: 1, P99: 1}) {
		t.Errorf("added %+v, want 1 ms", got)
	}
}

func TestWhateverIsNeitherWholeNorToldIsLost(t *testing.T) {
	t.Parallel()
	var got tally
	got.add([]answer{{end: whole}, {end: told}, {end: lost}, {end: whole}})
	if want := (tally{Requests: 4, Whole: 2, Told: 1, Lost: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestBillCountsWhatWasPaidTwice(t *testing.T) {
	t.Parallel()
	rows := []used{
		{Provider: "cut-closed", Model: "cut-closed", Attempts: 10, Input: 3 * questionTokens},
		{Provider: "spare", Model: "cut-closed-7", Attempts: 10, Input: 10 * questionTokens},
		{Provider: "spare", Model: "cutter-closed", Attempts: 99, Input: 99},
		{Provider: "spare", Model: "cut-continued", Attempts: 99, Input: 99},
		{Provider: "healthy", Model: "healthy", Attempts: 99, Input: 99},
	}
	f := fault{name: "cut"}
	got := billOf(&f, rows, &tally{Requests: 10, Whole: 9, Told: 1})
	if diff := cmp.Diff(bill{Rows: 2, Billed: 13, Twice: 3}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := billOf(&f, rows[:1], &tally{Requests: 10, Whole: 10}); got.Twice != 0 {
		t.Errorf("what is paid less than once: %+v", got)
	}
}

func TestEveryModelHasASpareButTheHealthyOne(t *testing.T) {
	t.Parallel()
	b := &bench{options: options{requests: 20}, seen: make(map[string]*tally)}
	b.spare = startedFake(t)
	for _, f := range faults() {
		b.sites = append(b.sites, &site{fault: f, address: "127.0.0.1:1"})
	}
	text := b.configure("ca.pem")
	for _, want := range []string{
		"  healthy: [{target: healthy/healthy}]\n",
		"  refused-open: [{target: refused-open/refused-open}, {target: spare/refused-open}]\n",
		"  limited-closed-19: [{target: limited-closed/limited-closed-19}, {target: spare/limited-closed-19}]\n",
		"  cut_when_priced-heal:\n    kind: anthropic\n    base_url: \"http://127.0.0.1:1\"\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q", want)
		}
	}
	if _, models, _ := strings.Cut(text, "models:\n"); strings.Count(models, "\n") != 1+4*len(faults())+19 {
		t.Errorf("models:\n%s", models)
	}
}

func TestTargetsAreHeldToTheWorst(t *testing.T) {
	t.Parallel()
	one := func(name string, within, closed, open, twice float64) *found {
		return &found{
			fault: &fault{name: name, within: within}, Closed: phase{Added: quantiles{P99: closed}, Failing: 1, Spare: 1},
			Open: &phase{Added: quantiles{P99: open}, Spare: 1}, RecoveryMS: 900, Bill: bill{Twice: twice},
		}
	}
	broken := one("broken", 0, 0, 0, 0)
	broken.Continued = &phase{tally: tally{Told: 1}}
	b := &bench{line: report.New(t.Context(), "failover"), seen: map[string]*tally{"a": {Lost: 1}, "b": {Lost: 2}}}
	b.fill([]*found{one("a", 10, 9, 1, 0), one("b", 5, 6, 3, 1), broken})
	var missed []string
	for _, target := range b.line.Targets {
		if !target.OK {
			missed = append(missed, target.Name)
		}
	}
	want := []string{"b_closed_added_p99_ms", "b_open_added_p99_ms", "requests_lost", "not_continued", "billed_twice"}
	if diff := cmp.Diff(want, missed); diff != "" {
		t.Errorf("missed (-want +got):\n%s", diff)
	}
}

func TestCommandLineIsChecked(t *testing.T) {
	t.Parallel()
	for _, wrong := range [][]string{{"x"}, {"-requests", "9"}, {"-only", "cut,nothing"}, {"-unknown"}} {
		if _, err := parseOptions(wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
	o, err := parseOptions([]string{"-quick", "-only", "cut,restarted"})
	if err != nil || !slices.Equal(o.only.Names, []string{"cut", "restarted"}) || o.requests >= 300 || !o.only.Has("cut") || o.only.Has("slow") {
		t.Errorf("got %+v, %v", o, err)
	}
}
