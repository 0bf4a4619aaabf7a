package admission_test

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/actors/actortest"
	"example.com/parley/actors/admission"
	"example.com/parley/messages"
)

// providers is a capacity with a provider for each model, named like it. A model
// that it does not list has no limit.
type providers struct {
	mu    sync.Mutex
	free  map[string]int
	each  time.Duration
	watch func()
}

func (p *providers) Floor() int64 { return 0 }

func (p *providers) Line(model string) admission.Line {
	return admission.Line{Name: model, Places: 1, Each: p.each}
}

func (p *providers) Claim(model string) (release func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if free, limited := p.free[model]; !limited {
		return nil, true
	} else if free == 0 {
		return nil, false
	}
	p.free[model]--
	return func() { p.end(model) }, true
}

func (p *providers) Watch(f func()) { p.watch = f }

// end has a call of the model's provider end.
func (p *providers) end(model string) {
	p.mu.Lock()
	p.free[model]++
	p.mu.Unlock()
	p.watch()
}

// newLimitedDoor returns a gate with room for many turns, whose providers have
// not.
func newLimitedDoor(t *testing.T, p *providers) *door {
	t.Helper()
	d := &door{}
	d.gate = admission.NewGate(admission.Config{MaxRunning: 100, MaxWaiting: 4, TenantShare: 1}, p, d.let)
	system := actortest.NewSystem(t)
	d.gate.Attach(system.Root, actortest.Spawn(t, system, d.gate.Props()))
	return d
}

func (d *door) let(m *messages.StartTurn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.in = append(d.in, m)
}

func (d *door) ask(name byte, model string, priority messages.Priority, within time.Duration) *messages.StartTurn {
	m := messages.NewStartTurn(context.Background(), messages.TurnSpec{
		ID: messages.TurnID{name}, Model: model, Priority: priority, Deadline: time.Now().Add(within),
	})
	d.gate.Enter(m)
	synctest.Wait()
	return m
}

func TestFullProviderHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &providers{free: map[string]int{"full": 0, "roomy": 2}}
		d := newLimitedDoor(t, p)
		for _, name := range "abcd" { // the queue is full of them
			d.ask(byte(name), "full", messages.PriorityInteractive, time.Minute)
		}
		d.ask('x', "roomy", messages.PriorityBatch, time.Minute)
		d.ask('y', "unlimited", messages.PriorityBatch, time.Minute)
		if got := d.names(); got != "xy" {
			t.Errorf("let in as %q, want xy", got)
		}
		p.end("full")
		synctest.Wait()
		if got := d.names(); got != "xya" || d.gate.Waiting() != 3 {
			t.Errorf("let in as %q, %d wait", got, d.gate.Waiting())
		}
	})
}

func TestProvidersPlacesGoByClass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &providers{free: map[string]int{"m": 0}}
		d := newLimitedDoor(t, p)
		d.ask('b', "m", messages.PriorityBatch, time.Minute)
		d.ask('s', "m", messages.PriorityStandard, time.Minute)
		d.ask('i', "m", messages.PriorityInteractive, time.Minute)
		for range 3 {
			p.end("m")
			synctest.Wait()
		}
		if got := d.names(); got != "isb" {
			t.Errorf("let in as %q, want isb", got)
		}
	})
}

func TestClaimIsGivenBackOnceWhenTheCallBeginsOrTheTurnEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &providers{free: map[string]int{"m": 1}}
		d := newLimitedDoor(t, p)
		called := d.ask('c', "m", 0, time.Minute)
		called.Began()
		called.Began()
		called.Admitted()
		never := d.ask('n', "m", 0, time.Minute)
		never.Admitted()
		if p.free["m"] != 1 || d.gate.Running() != 0 {
			t.Errorf("%d places are free, %d turns run", p.free["m"], d.gate.Running())
		}
	})
}

func TestTurnThatWouldWaitTooLongIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &providers{free: map[string]int{"m": 0}, each: 10 * time.Second}
		d := newLimitedDoor(t, p)
		d.ask('a', "m", messages.PriorityStandard, time.Minute) // 10 s until its place, and 10 s for itself
		d.ask('b', "m", messages.PriorityStandard, time.Minute)
		refused := d.ask('c', "m", messages.PriorityStandard, 35*time.Second)
		f := messages.AsFailure((<-refused.Reply).Err)
		if f.Code != messages.CodeProviderBusy || f.RetryAfter != 5*time.Second {
			t.Errorf("got %v, retry after %s", f, f.RetryAfter)
		}
		first := d.ask('i', "m", messages.PriorityInteractive, 35*time.Second)
		if len(first.Reply) > 0 || d.gate.Waiting() != 3 {
			t.Errorf("%d wait", d.gate.Waiting())
		}
	})
}

func TestWhoGivesUpInTheQueueIsRefusedSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &providers{free: map[string]int{"m": 0}}
		d := newLimitedDoor(t, p)
		late := d.ask('a', "m", 0, 1500*time.Millisecond)
		d.ask('b', "m", 0, time.Minute)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if got := <-late.Reply; messages.CodeOf(got.Err) != messages.CodeDeadline || d.gate.Waiting() != 1 {
			t.Errorf("got %v, %d wait", got.Err, d.gate.Waiting())
		}
	})
}

// roomy is a capacity of which nobody is near the limit.
type roomy struct{ *providers }

func (roomy) Floor() int64 { return math.MaxInt64 }

func BenchmarkEnterBelowTheLimits(b *testing.B) {
	benchmarkEnter(b, roomy{})
}

func BenchmarkEnterWithAClaim(b *testing.B) {
	benchmarkEnter(b, &providers{free: map[string]int{"m": 1}, watch: func() {}})
}

func benchmarkEnter(b *testing.B, capacity admission.Capacity) {
	gate := admission.NewGate(admission.DefaultConfig(), capacity, func(m *messages.StartTurn) { m.Admitted() })
	m := messages.NewStartTurn(context.Background(), messages.TurnSpec{Model: "m"})
	b.ReportAllocs()
	for b.Loop() {
		m.Began, m.Admitted = nil, nil
		gate.Enter(m)
	}
}

// The doc comment of Gate says so.
func TestEnteringBelowTheLimitsAllocatesNothing(t *testing.T) {
	gate := admission.NewGate(admission.DefaultConfig(), roomy{}, func(m *messages.StartTurn) { m.Admitted() })
	m := messages.NewStartTurn(context.Background(), messages.TurnSpec{Model: "m"})
	if n := testing.AllocsPerRun(100, func() { gate.Enter(m) }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

// A gate that is full while its providers have room leaves the actor in peace: what
// it claims and gives back again is no news.
func TestFullGateDoesNotKeepItsActorBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &counting{providers: &providers{free: map[string]int{"m": 10}}}
		d := &door{}
		d.gate = admission.NewGate(admission.Config{MaxRunning: 1, MaxWaiting: 10, TenantShare: 1}, p, d.let)
		system := actortest.NewSystem(t)
		d.gate.Attach(system.Root, actortest.Spawn(t, system, d.gate.Props()))
		for _, name := range "abc" {
			d.ask(byte(name), "m", messages.PriorityStandard, time.Minute)
		}
		before := p.claims.Load()
		time.Sleep(10 * time.Millisecond)
		if more := p.claims.Load() - before; more > 0 {
			t.Errorf("%d claims while nothing happened", more)
		}
		d.end(0)
		d.end(1)
		if got := d.names(); got != "abc" {
			t.Errorf("let in as %q", got)
		}
	})
}

// counting counts claims.
type counting struct {
	*providers
	claims atomic.Int64
}

func (c *counting) Claim(model string) (release func(), ok bool) {
	c.claims.Add(1)
	return c.providers.Claim(model)
}
