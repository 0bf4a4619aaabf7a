package provider

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/messages"
)

// command is what an operator has the provider do.
func (b *bench) command(do func(context.Context) error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Second)
	defer cancel()
	if err := do(ctx); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) trip(length time.Duration) {
	b.t.Helper()
	b.command(func(ctx context.Context) error { return b.handle.Trip(ctx, length) })
}

// refuses checks that a call is not made, and what its caller is told.
func (b *bench) refuses(wait time.Duration) {
	b.t.Helper()
	before := b.upstream.calls
	f := messages.AsFailure(b.call())
	if f.Code != messages.CodeProviderUnavailable || f.RetryAfter != wait || b.upstream.calls != before {
		b.t.Errorf("got %v, retry after %s, want %s", f, f.RetryAfter, wait)
	}
	if refusal := b.handle.Refusal("m"); refusal == nil || refusal.RetryAfter != wait {
		b.t.Errorf("the router is told %v", refusal)
	}
}

func TestDrainedProviderTakesNoNewCallsAndEndsThoseThatRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		running, err := b.handle.Open(t.Context(), "m", &messages.Call{})
		if err != nil {
			t.Fatal(err)
		}
		b.command(b.handle.Drain)
		b.command(b.handle.Drain) // once more does no harm
		b.refuses(operatorPatience)
		if s := b.handle.Snapshot(); !s.Drained || s.State != messages.BreakerClosed || s.InFlight != 1 {
			t.Errorf("got %+v", s)
		}
		if r := read(running); r != nil {
			t.Errorf("the call that ran: %v", r)
		}
		b.command(b.handle.Reset)
		b.refuses(operatorPatience) // a reset is no resume
		b.command(b.handle.Resume)
		if err := b.call(); err != nil || b.handle.Snapshot().Drained {
			t.Errorf("after it was resumed: %v", err)
		}
	})
}

func TestTrippedProviderStaysOpenUntilItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.trip(time.Hour)
		b.refuses(time.Hour)
		if s := b.handle.Snapshot(); s.State != messages.BreakerOpen || s.Reason != causeOperator.String() || time.Until(s.NextProbe) != time.Hour {
			t.Errorf("got %+v", s)
		}
		time.Sleep(time.Hour)
		if err := b.call(); err != nil {
			t.Errorf("the probe: %v", err)
		}
		synctest.Wait()
		if b.state() != messages.BreakerClosed {
			t.Errorf("after the probe it is %s", b.state())
		}
	})
}

func TestTrippedProviderStaysOpenUntilItsReset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		running, err := b.handle.Open(t.Context(), "m", &messages.Call{})
		if err != nil {
			t.Fatal(err)
		}
		b.trip(0)
		_ = read(running) // says nothing any more
		time.Sleep(1000 * time.Hour)
		b.refuses(operatorPatience)
		if s := b.handle.Snapshot(); s.State != messages.BreakerOpen || !s.NextProbe.IsZero() {
			t.Errorf("got %+v", s)
		}
		b.command(b.handle.Reset)
		if err := b.call(); err != nil || b.state() != messages.BreakerClosed {
			t.Errorf("after its reset: %v, it is %s", err, b.state())
		}
	})
}

func TestResetForgetsFailuresAndWhatIsParked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.upstream.set(func(s *scripted) {
			s.fail = &messages.Failure{Code: messages.CodeProviderLimited, RetryAfter: time.Minute}
		})
		_ = b.call()
		b.command(b.handle.Reset)
		b.fail(4)
		b.command(b.handle.Reset)
		b.fail(4)
		if err := b.call(); err != nil {
			t.Errorf("after its reset: %v", err)
		}
		b.fail(5)
		b.refuses(5 * time.Second) // as the first time
	})
}

// A probe that is slow belongs to the state that let it through. What it comes
// to must not let a second probe go beside that of a later one.
func TestProbeOfAnEarlierStateFreesNoClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.fail(5)
		time.Sleep(5 * time.Second)
		b.upstream.set(func(s *scripted) { s.hang, s.chunks = true, nil })
		ctx, cancel := context.WithCancel(t.Context())
		slow, err := b.handle.Open(ctx, "m", &messages.Call{})
		if err != nil {
			t.Fatal(err)
		}
		b.trip(time.Second)
		time.Sleep(time.Second)
		if _, err := b.handle.Open(t.Context(), "m", &messages.Call{}); err != nil {
			t.Fatalf("the probe of now: %v", err)
		}
		cancel()
		_ = read(slow)
		synctest.Wait()
		b.refuses(probePatience)
		b.command(b.handle.Drain)
		b.command(b.handle.Resume)
		b.refuses(probePatience)
	})
}

func TestWhatOperatorsWantLastsOverARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.trip(0)
		b.command(b.handle.Drain)
		b.system.Root.Send(b.pid, (*ended)(nil)) // a fault
		synctest.Wait()
		if s := b.handle.Snapshot(); s.State != messages.BreakerOpen || !s.Drained {
			t.Errorf("got %+v", s)
		}
		b.command(b.handle.Reset)
		b.command(b.handle.Resume)
		if err := b.call(); err != nil {
			t.Error(err)
		}
	})
}

func TestOperatorsHearOfAnActorThatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		_ = b.system.Root.StopFuture(b.pid).Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.handle.Drain(ctx); messages.CodeOf(err) != messages.CodeOverloaded {
			t.Errorf("got %v", err)
		}
	})
}
