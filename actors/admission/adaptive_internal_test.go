package admission

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
)

// machine has so many turns that want to run, and a delay that follows from those
// that do, and so does the work that is done.
type machine struct {
	wanted int64
	busy   float64
	delay  func(running int64) time.Duration
	work   func(running int64) int64 // nil: each turn does as much as if it were alone
}

// run lets the limit learn from the machine, for so many windows, and returns the
// limits that it had.
func (m machine) run(a *adaptive, windows int) (limits []int64) {
	limit := int64(a.now)
	for range windows {
		running := min(limit, m.wanted)
		work := running
		if m.work != nil {
			work = m.work(running)
		}
		limit = a.learn(reading{delay: m.delay(running), busy: m.busy, running: running, work: work})
		limits = append(limits, limit)
	}
	return limits
}

func mean(of []int64) float64 {
	sum := int64(0)
	for _, n := range of {
		sum += n
	}
	return float64(sum) / float64(len(of))
}

// saturated is a machine that carries 200 turns well, and lets each wait longer for
// each one beyond that.
func saturated(running int64) time.Duration {
	noise := 1 + rand.Float64()/10 // #nosec G404 -- a test
	return time.Duration(float64(time.Millisecond) * noise * (1 + max(0, float64(running-200))/4))
}

// full is a machine on which more than 200 turns do no more than those.
func full(running int64) int64 {
	noise := 1 + rand.Float64()/10 // #nosec G404 -- a test
	return int64(noise * float64(min(running, 200)*10))
}

func TestLimitFollowsWhatTheProcessorsCarry(t *testing.T) {
	t.Parallel()
	a := newAdaptive(4096, 2)
	limits := machine{wanted: 4096, busy: 1, delay: saturated, work: full}.run(&a, 600)
	if got := mean(limits[300:]); got < 150 || got > 300 {
		t.Errorf("it ends at %.0f, where 200 are carried well and 236 are tolerated", got)
	}
	limits = machine{wanted: 100, busy: 0.3, delay: saturated, work: full}.run(&a, 600)
	if got := limits[599]; got != 4096 {
		t.Errorf("in quiet times it comes back to %d, want 4096", got)
	}
}

// Goroutines wait long before the processors have no more time for further turns:
// what counts is the work that is done.
func TestLimitKeepsWhatWorkNeeds(t *testing.T) {
	t.Parallel()
	a := newAdaptive(4096, 1)
	late := func(running int64) time.Duration { return time.Duration(running) * time.Millisecond }
	limits := machine{wanted: 1000, busy: 1, delay: late, work: full}.run(&a, 3000)
	work := make([]int64, 0, len(limits))
	for _, limit := range limits[300:] {
		work = append(work, min(limit, 200))
	}
	if got := mean(work); got < 190 {
		t.Errorf("work for %.0f turns at once is done, and there could be work for 200", got)
	}
	if got := mean(limits[300:]); got > 300 {
		t.Errorf("%.0f turns run, and 200 do as much", got)
	}
}

// While turns take their time to end nothing is known of what fewer would do.
func TestTrialWaitsForTurnsToEnd(t *testing.T) {
	t.Parallel()
	a := newAdaptive(4096, 1)
	late := reading{delay: time.Second, busy: 1, running: 1000, work: 1000}
	for range steadily {
		a.learn(late)
	}
	lower := int64(step * 1000)
	for i := range drainIn {
		if got := a.learn(late); got != lower {
			t.Fatalf("window %d: %d, want %d for as long as none ends", i, got, lower)
		}
	}
	if got := a.learn(late); got <= 1000 {
		t.Errorf("and then it is %d, of 1,000 that run", got)
	}
}

func TestDelayThatTurnsDoNotMakeLeavesTheLimit(t *testing.T) {
	t.Parallel()
	a := newAdaptive(4096, 2)
	late := func(int64) time.Duration { return 50 * time.Millisecond }
	limits := machine{wanted: 1000, busy: 1, delay: late}.run(&a, 3000)
	low := 0
	for _, limit := range limits {
		if limit < 1000 {
			low++
		}
	}
	if share := float64(low) / float64(len(limits)); share > 0.1 {
		t.Errorf("too low in %.0f %% of the windows", 100*share)
	}
	if limits = (machine{wanted: 1000, busy: 0.2, delay: late}).run(&a, 300); limits[299] != 4096 {
		t.Errorf("with processors idle the limit is %d", limits[299])
	}
}

func TestLimitHasBounds(t *testing.T) {
	t.Parallel()
	a := newAdaptive(4096, 2)
	limits := machine{wanted: 4096, busy: 1, delay: func(running int64) time.Duration { return time.Duration(running) * time.Second }}.run(&a, 2000)
	for i, limit := range limits {
		if limit < 32 || limit > 4096 {
			t.Fatalf("window %d: %d", i, limit)
		}
	}
	small := newAdaptive(4, 2)
	if limits := (machine{wanted: 4, busy: 1, delay: func(int64) time.Duration { return time.Second }}).run(&small, 100); limits[99] != 4 {
		t.Errorf("an operator's limit of 4 became %d", limits[99])
	}
}

func TestShortDelaysAreNone(t *testing.T) {
	t.Parallel()
	a := newAdaptive(100, 2)
	once := 0
	limits := machine{wanted: 100, busy: 1, delay: func(int64) time.Duration {
		if once++; once%3 == 0 { // never three windows in a row
			return time.Millisecond
		}
		return time.Second
	}}.run(&a, 1000)
	for i, limit := range limits {
		if limit != 100 {
			t.Fatalf("window %d: %d", i, limit)
		}
	}
}

func TestMemoryShedsTheLowestClassesFirst(t *testing.T) {
	t.Parallel()
	at := func(percent int64) reading { return reading{memory: percent, limit: 100} }
	for _, tt := range []struct {
		percent      int64
		before, want int
	}{{79, 0, 0}, {80, 0, 1}, {89, 1, 1}, {90, 1, 2}, {95, 0, 3}, {99, 3, 3}, {94, 3, 3}, {92, 3, 2}, {89, 2, 2}, {87, 2, 1}, {79, 1, 1}, {77, 1, 0}, {50, 3, 0}} {
		if got := shed(at(tt.percent), tt.before); got != tt.want {
			t.Errorf("%d %%, %d before: %d, want %d", tt.percent, tt.before, got, tt.want)
		}
	}
	if got := shed(reading{memory: 1 << 40}, 0); got != 0 {
		t.Errorf("without a limit %d classes are shed", got)
	}
}

func TestShortMemoryRefusesAndEmptiesClasses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []any
		g := NewGate(Config{MaxRunning: 1, MaxWaiting: 10, TenantShare: 1}, nil, func(*messages.StartTurn) {})
		Register(prometheus.NewRegistry(), g)
		g.tell = func(m any) { told = append(told, m) }
		room := &waitingRoom{gate: g}
		enter := func(class messages.Priority) *messages.StartTurn {
			m := messages.NewStartTurn(t.Context(), messages.TurnSpec{Priority: class, Deadline: time.Now().Add(time.Minute)})
			g.Enter(m)
			for _, one := range told {
				switch one := one.(type) {
				case *messages.StartTurn:
					room.arrive(one)
				case shedding:
					room.remove(room.shed)
				}
			}
			told = nil
			return m
		}
		enter(messages.PriorityInteractive)
		batch, standard := enter(messages.PriorityBatch), enter(messages.PriorityStandard)
		g.heed(reading{memory: 91, limit: 100}, 1)
		refused := enter(messages.PriorityStandard)
		waits := enter(messages.PriorityInteractive)
		for name, m := range map[string]*messages.StartTurn{"batch": batch, "standard": standard, "new": refused} {
			if len(m.Reply) != 1 || messages.CodeOf((<-m.Reply).Err) != messages.CodeOverloaded {
				t.Errorf("%s was not refused", name)
			}
		}
		if len(waits.Reply) != 0 || g.Waiting() != 1 {
			t.Errorf("%d wait", g.Waiting())
		}
		if g.Look("t", messages.PriorityBatch) == nil || g.Look("t", messages.PriorityInteractive) != nil {
			t.Error("a look says otherwise")
		}
		g.heed(reading{memory: 50, limit: 100}, 1)
		if g.Look("t", messages.PriorityBatch) != nil {
			t.Error("it is still refused")
		}
		room.empty()
	})
}

// The limit is heeded by who comes, and by who waits when it grows.
func TestGateHeedsItsLimit(t *testing.T) {
	t.Parallel()
	nudged := 0
	g := NewGate(Config{MaxRunning: 10, MaxWaiting: 10, TenantShare: 1}, nil, func(*messages.StartTurn) {})
	g.tell = func(m any) {
		if _, is := m.(freed); is {
			nudged++
		}
	}
	g.heed(reading{}, 2)
	for range 3 {
		g.Enter(messages.NewStartTurn(t.Context(), messages.TurnSpec{Deadline: time.Now().Add(time.Minute)}))
	}
	if g.Running() != 2 || g.Waiting() != 1 || g.Limit() != 2 {
		t.Errorf("%d run, %d wait", g.Running(), g.Waiting())
	}
	if g.heed(reading{}, 3); nudged != 1 {
		t.Errorf("nudged %d times", nudged)
	}
}

func TestProcessReadsItsOwnLoad(t *testing.T) {
	before := debug.SetMemoryLimit(1 << 40)
	defer debug.SetMemoryLimit(before)
	held := make([]byte, 64<<20)
	runtime.GC()
	p, half := newProcess(0), newProcess(0.5*float64(runtime.GOMAXPROCS(0)))
	ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	var spinning sync.WaitGroup
	for range 8 * runtime.GOMAXPROCS(0) {
		spinning.Go(func() {
			for ctx.Err() == nil {
				runtime.Gosched()
			}
		})
	}
	spinning.Wait()
	r := p.read()
	if r.limit != 1<<40 || r.memory < 64<<20 || r.memory > 1<<33 {
		t.Errorf("holds %d of %d", r.memory, r.limit)
	}
	if r.delay <= 0 || r.delay > time.Second || r.busy <= 0 || math.IsNaN(r.busy) {
		t.Errorf("delay %s, busy %.2f", r.delay, r.busy)
	}
	if inside := half.read(); inside.busy < 1.5*r.busy { // it was read a moment later
		t.Errorf("busy %.2f of half the processors, and %.2f of all", inside.busy, r.busy)
	}
	runtime.KeepAlive(held)
}
