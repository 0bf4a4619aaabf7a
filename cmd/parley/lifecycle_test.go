package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	parleyhttp "example.com/parley/http"
)

// diary notes what happens to parts, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) part(name string) part {
	return part{
		name: name,
		run: func(ctx context.Context) error {
			<-ctx.Done()
			d.note(name + " returns")
			return nil
		},
		stop: func(context.Context) error {
			d.note(name + " stops")
			return nil
		},
	}
}

var silent = slog.New(slog.DiscardHandler)

func TestPartsEndInReverse(t *testing.T) {
	t.Parallel()
	var d diary
	ctx, stop := context.WithCancel(t.Context())
	stop()
	resting := d.part("ledger")
	resting.run = nil
	if err := runParts(ctx, time.Second, silent, d.part("store"), resting, d.part("http")); err != nil {
		t.Fatal(err)
	}
	want := []string{"http returns", "http stops", "ledger stops", "store returns", "store stops"}
	if diff := cmp.Diff(want, d.lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAPartThatFailsEndsTheOthers(t *testing.T) {
	t.Parallel()
	var d diary
	broken := errors.New("broken")
	failing := part{name: "http", run: func(context.Context) error { return broken }}
	err := runParts(t.Context(), time.Second, silent, d.part("store"), failing)
	if !errors.Is(err, broken) {
		t.Errorf("runParts returned %v, want what the part returned", err)
	}
	if !slices.Contains(d.lines, "store stops") {
		t.Errorf("the store was not stopped: %v", d.lines)
	}
}

func TestAPartThatEndsByItselfIsAFailure(t *testing.T) {
	t.Parallel()
	err := runParts(t.Context(), time.Second, silent, part{name: "http", run: func(context.Context) error { return nil }})
	const want = "http ended by itself: it was not told to"
	if err == nil || err.Error() != want {
		t.Errorf("runParts returned %v, want %q", err, want)
	}
}

func TestClientsAreHurriedWhereThisNodeIsNoMemberAnyMore(t *testing.T) {
	t.Parallel()
	for name, told := range map[string]bool{"when it is told to end": true, "when it was removed": false} {
		ctx, stop := context.WithCancel(t.Context())
		removed := errors.New("removed")
		var hurried []time.Duration
		drain := func(d time.Duration) parleyhttp.Draining {
			hurried = append(hurried, d)
			return parleyhttp.Draining{}
		}
		if told {
			stop()
		}
		if err := hurrying(drain, func(context.Context) error { return removed })(ctx); !errors.Is(err, removed) || (len(hurried) == 1) == told {
			t.Errorf("%s: hurried %v: %v", name, hurried, err)
		}
		stop()
	}
}

func TestAPartThatCannotStopIsReportedAndTheOthersStop(t *testing.T) {
	t.Parallel()
	var d diary
	stuck := part{name: "ledger", stop: func(context.Context) error { return errors.New("disk full") }}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	err := runParts(ctx, time.Second, silent, d.part("store"), stuck)
	const want = "stop ledger: disk full"
	if err == nil || err.Error() != want {
		t.Errorf("runParts returned %v, want %q", err, want)
	}
	if !slices.Contains(d.lines, "store stops") {
		t.Errorf("the store was not stopped: %v", d.lines)
	}
}

func TestPartsStopWithinWhatIsLeftOfTheTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var left time.Duration
		slow := part{name: "http", run: func(ctx context.Context) error {
			<-ctx.Done()
			<-time.After(3 * time.Second)
			return nil
		}}
		last := part{name: "actors", stop: func(ctx context.Context) error {
			until, _ := ctx.Deadline()
			left = time.Until(until)
			return nil
		}}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if err := runParts(ctx, 10*time.Second, silent, last, slow); err != nil {
			t.Fatal(err)
		}
		if left != 7*time.Second {
			t.Errorf("the actors have %s, want the 7s that the listener left of 10s", left)
		}
	})
}
