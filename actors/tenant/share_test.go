package tenant

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"pgregory.net/rapid"

	"example.com/parley/messages"
)

// meeting is where nodes settle, in the plainest words: it has what Redis has, and a
// clock of its own.
type meeting struct {
	now     float64 // microseconds
	away    bool
	lives   int
	holders map[string]*shared
	seen    map[string]float64
}

// shared is one holder at the table.
type shared struct {
	life  string
	at    float64
	left  [3]float64 // beyond what is leased
	rates [3]float64
	nodes map[string]*leased
}

// leased is what one node has of it.
type leased struct {
	used   [3]int64
	leased [3]float64
	held   [2]int64
	most   [2]int64
}

func newMeeting() *meeting {
	return &meeting{holders: make(map[string]*shared), seen: make(map[string]float64)}
}

// seat is a node at the table.
type seat struct {
	*meeting
	node string
}

func (s seat) Leave(context.Context) error {
	delete(s.seen, s.node)
	return nil
}

func (s seat) Exchange(_ context.Context, reports []messages.LimitReport) (shares []messages.LimitShare, nodes int, err error) {
	if s.away {
		return nil, 0, errors.New("away")
	}
	s.seen[s.node] = s.now
	for i := range reports {
		shares = append(shares, s.settle(&reports[i]))
	}
	return shares, len(s.seen), nil
}

func (s seat) settle(m *messages.LimitReport) (got messages.LimitShare) {
	h := s.holders[m.Holder]
	forgotten := h == nil
	if forgotten {
		s.lives++
		h = &shared{life: fmt.Sprint("life-", s.lives), at: s.now, nodes: make(map[string]*leased)}
		s.holders[m.Holder] = h
	}
	own, mates := h.nodes[s.node], 1
	var others leased
	for name, n := range h.nodes {
		if name == s.node {
			continue
		}
		mates++
		for r := range others.leased {
			others.leased[r] += n.leased[r]
		}
		for g := range others.held {
			others.held[g] += max(n.held[g], n.most[g])
		}
	}
	next := &leased{used: m.Used, held: m.Held}
	got.Life = h.life
	for r := range m.Rates {
		rate := float64(m.Rates[r])
		if rate == 0 {
			h.rates[r] = 0
			continue
		}
		switch {
		case forgotten && m.Life != "":
			h.left[r] = min(m.Known[r], rate)
		default:
			out := others.leased[r]
			if own != nil {
				out += own.leased[r]
			}
			if h.rates[r] == 0 {
				h.left[r] = rate - out
			} else {
				full := max(h.rates[r]-out, h.left[r])
				h.left[r] = min(min(h.left[r]+h.rates[r]*(s.now-h.at)/60e6, full), rate)
			}
			switch {
			case own != nil:
				h.left[r] += own.leased[r] - float64(m.Used[r]-own.used[r])
			case m.Life == "" || m.Life == h.life:
				h.left[r] -= float64(m.Used[r] - m.Told[r])
			}
		}
		h.rates[r] = rate
		if h.left[r] > 0 && !m.Leaves {
			next.leased[r] = h.left[r] / float64(mates)
		}
		got.Leased[r], got.Left[r] = next.leased[r], h.left[r]+others.leased[r]
		h.left[r] -= next.leased[r]
	}
	for g := range m.Most {
		if m.Most[g] == 0 || m.Leaves {
			continue
		}
		free := float64(m.Most[g] - others.held[g] - m.Held[g])
		next.most[g] = m.Held[g] + int64(max(0, math.Ceil(free/float64(mates))))
		got.Most[g] = next.most[g]
	}
	h.at = s.now
	if h.nodes[s.node] = next; m.Leaves {
		delete(h.nodes, s.node)
	}
	return got
}

// fleet is nodes that share limits at a table, in a time that the test makes.
type fleet struct {
	*meeting
	nodes []*Limiter
	clock int64
}

func newFleet(tb rapid.TB, cfg LimitConfig, nodes int) *fleet {
	tb.Helper()
	f := &fleet{meeting: newMeeting()}
	for i := range nodes {
		l, err := NewLimiter(cfg, LimiterDeps{Registerer: prometheus.NewRegistry(), Shares: seat{f.meeting, fmt.Sprint("node-", i)}})
		if err != nil {
			tb.Fatal(err)
		}
		l.clock = func() int64 { return f.clock }
		f.nodes = append(f.nodes, l)
	}
	f.pass(time.Second, func() {}) // all hear of all
	return f
}

// pass lets time pass, in which each node has its turn every exchangeEvery, the one
// after the other, and calls f in between.
func (f *fleet) pass(d time.Duration, between func()) {
	step := exchangeEvery / time.Duration(len(f.nodes))
	for end := f.clock + d.Microseconds(); f.clock < end; {
		for _, l := range f.nodes {
			f.clock += step.Microseconds()
			f.now = float64(f.clock)
			between()
			l.sharing.exchange(context.Background(), l.clock)
		}
	}
}

// passes tells whether a turn passes on a node.
func (f *fleet) passes(node int) (*messages.StartTurn, bool) {
	m := asked()
	return m, f.nodes[node].Enter(m) == nil
}

func TestNodesTogetherKeepALimit(t *testing.T) {
	t.Parallel()
	for name, weights := range map[string][]int{
		"alike": {10, 10, 10}, "one alone": {30, 0, 0}, "one most": {28, 1, 1}, "two": {15, 15, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const rate = 6000 // 100 a second; about nine times as many come
			f := newFleet(t, LimitConfig{Tenant: LimitsConfig{Requests: rate}}, len(weights))
			passed := 0
			flood := func() {
				for node, n := range weights {
					for range n {
						if m, ok := f.passes(node); ok {
							passed++
							m.Leave()
						}
					}
				}
			}
			f.pass(20*time.Second, flood) // until the minute's worth is gone
			if most := rate + 20*rate/60; passed > most+len(weights) || passed < most-rate/10 {
				t.Errorf("at first %d passed, of %d", passed, most)
			}
			passed = 0
			f.pass(60*time.Second, flood)
			if passed > rate*1005/1000 || passed < rate*98/100 {
				t.Errorf("then %d of %d passed in a minute", passed, rate)
			}
		})
	}
}

func TestLimitBelowOneForEachNodeIsReached(t *testing.T) {
	t.Parallel()
	f := newFleet(t, LimitConfig{Tenant: LimitsConfig{Requests: 2, Tokens: 2000}}, 3)
	passed := 0
	f.pass(10*time.Minute, func() {
		if m, ok := f.passes(0); ok {
			passed++
			m.Settle(1900) // nearly all that there is in a minute
		}
	})
	if passed < 10 || passed > 12 {
		t.Errorf("%d passed in ten minutes", passed)
	}
}

func TestNodesTogetherKeepPlaces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 12).Draw(t, "most")
		f := newFleet(t, LimitConfig{Key: LimitsConfig{Turns: int64(most)}}, 3)
		var running []*messages.StartTurn
		peak := 0
		f.pass(time.Second, func() {
			for range rapid.IntRange(0, 3).Draw(t, "come") {
				if m, ok := f.passes(rapid.IntRange(0, 2).Draw(t, "node")); ok {
					running = append(running, m)
				}
			}
			peak = max(peak, len(running))
			for range min(len(running), rapid.IntRange(0, 2).Draw(t, "end")) {
				running[0].Leave()
				running = running[1:]
			}
		})
		if part := max(1, most/3); peak > most+2*part { // with which a node begins that was idle
			t.Fatalf("%d ran, of %d", peak, most)
		}
	})
}

// Whatever happens, no more passes than a full bucket, what fills in the time, and a
// part for each node: once, for those that were idle, and whenever others could not
// be heard or had forgotten.
func TestNodesNeverPassMuchMoreThanALimit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Int64Range(1, 20).Draw(t, "rate") * 60
		nodes := rapid.IntRange(1, 4).Draw(t, "nodes")
		f := newFleet(t, LimitConfig{Tenant: LimitsConfig{Requests: rate}}, nodes)
		passed, began, most := int64(0), f.clock, 2*rate-rate/int64(nodes)+int64(nodes)
		for range rapid.IntRange(1, 5).Draw(t, "spells") {
			switch rapid.IntRange(0, 4).Draw(t, "event") {
			case 0:
				most += rate
				f.away = true
			case 1:
				f.away = false
			case 2:
				most += rate
				clear(f.holders)
			}
			load := rapid.SliceOfN(rapid.IntRange(0, 5), nodes, nodes).Draw(t, "load")
			f.pass(time.Duration(rapid.IntRange(100, 3000).Draw(t, "ms"))*time.Millisecond, func() {
				for node, n := range load {
					for range n {
						if m, ok := f.passes(node); ok {
							passed++
							m.Leave()
						}
					}
				}
			})
			if filled := rate * (f.clock - began) / time.Minute.Microseconds(); passed > most+filled {
				t.Fatalf("%d passed, of %d after %s", passed, most+filled, time.Duration(f.clock-began)*time.Microsecond)
			}
		}
	})
}

func TestNodeAloneKeepsToItsPart(t *testing.T) {
	t.Parallel()
	const rate = 6000
	f := newFleet(t, LimitConfig{Tenant: LimitsConfig{Requests: rate}}, 3)
	var passed [3]int
	flood := func() {
		for node := range f.nodes {
			for range 10 {
				if m, ok := f.passes(node); ok {
					passed[node]++
					m.Leave()
				}
			}
		}
	}
	f.pass(30*time.Second, flood)
	for _, lost := range []bool{false, true} {
		f.away = true
		f.pass(2*time.Second, flood)
		passed = [3]int{}
		f.pass(time.Minute, flood)
		for node, n := range passed {
			if n < rate/3*95/100 || n > rate/3*102/100 {
				t.Errorf("node %d alone passes %d a minute, its part is %d", node, n, rate/3)
			}
		}
		if lost {
			clear(f.holders)
		}
		f.away = false
		f.pass(2*time.Second, flood)
		passed = [3]int{}
		f.pass(time.Minute, flood)
		if sum := passed[0] + passed[1] + passed[2]; sum < rate*97/100 || sum > rate*1005/1000 {
			t.Errorf("together again they pass %d a minute (%v), of %d", sum, passed, rate)
		}
	}
}

func TestNodeAloneHasItsPartOfThePlaces(t *testing.T) {
	t.Parallel()
	f := newFleet(t, LimitConfig{Key: LimitsConfig{Turns: 9}}, 3)
	f.passes(0)
	f.pass(time.Second, func() { // it may have all
		if f.passes(0); f.nodes[0].sharing.isAlone() {
			t.Fatal("it is alone")
		}
	})
	running := 0
	f.nodes[0].holders.each(func(h *holder) { running = int(h.gauges[0].used) })
	if running != 9 {
		t.Errorf("%d of 9 run", running)
	}
	f.away = true
	f.pass(2*time.Second, func() {})
	for node, want := range []int{0, 3, 3} {
		passed := 0
		for range 9 {
			if _, ok := f.passes(node); ok {
				passed++
			}
		}
		if passed != want {
			t.Errorf("node %d alone lets %d more run, want %d", node, passed, want)
		}
	}
}

func TestNodeThatNeverHeardOfOthersHasThePartThatIsConfigured(t *testing.T) {
	t.Parallel()
	f := &fleet{meeting: newMeeting()}
	f.away = true
	l, err := NewLimiter(LimitConfig{Nodes: 3, Tenant: LimitsConfig{Requests: 300}}, LimiterDeps{Registerer: prometheus.NewRegistry(), Shares: seat{f.meeting, "node"}})
	if err != nil {
		t.Fatal(err)
	}
	l.clock = func() int64 { return f.clock }
	f.nodes = []*Limiter{l}
	passed := 0
	for range 400 {
		if m, ok := f.passes(0); ok {
			passed++
			m.Leave()
		}
	}
	if passed != 100 {
		t.Errorf("%d passed, of a third of 300", passed)
	}
}

func TestUnusedShareIsGivenBack(t *testing.T) {
	t.Parallel()
	f := newFleet(t, LimitConfig{Tenant: LimitsConfig{Requests: 600, Turns: 2}}, 2)
	m, _ := f.passes(0)
	m.Leave()
	f.pass(4*time.Second, func() {})
	for name, h := range f.holders {
		if len(h.nodes) != 0 || h.left[0] < 599 {
			t.Errorf("%s: %d nodes have a lease, %v are left", name, len(h.nodes), h.left)
		}
	}
	l := f.nodes[0]
	if len(l.sharing.listed) != 0 {
		t.Error("it is listed still")
	}
	f.pass(4*time.Second, func() {})
	if l.sweep(); l.holders.len() != 0 {
		t.Error("it is not forgotten")
	}
	f.passes(1)
	f.nodes[1].sharing.leave(t.Context(), l.clock)
	for name, h := range f.holders {
		if len(h.nodes) != 0 || len(f.seen) != 1 {
			t.Errorf("%s: once the other has left %d nodes have a lease, of %d", name, len(h.nodes), len(f.seen))
		}
	}
}

func TestClientReadsWhatAllNodesHave(t *testing.T) {
	t.Parallel()
	f := newFleet(t, LimitConfig{Tenant: LimitsConfig{Requests: 600}}, 2)
	f.passes(0)
	f.passes(1)
	f.pass(exchangeEvery, func() {})
	m, _ := f.passes(1)
	if got := m.Rates.Requests; got.Limit != 600 || got.Remaining < 597 || got.Remaining > 598 {
		t.Errorf("it reads %+v", got)
	}
}

func TestBurstOnOneNodeHasAllOfALimit(t *testing.T) {
	t.Parallel()
	f := newFleet(t, LimitConfig{Tenant: LimitsConfig{Requests: 600}}, 3)
	passed, urged := 0, 0
	for range 4000 { // as fast as it can, and each time that it is urged the others are asked
		if _, ok := f.passes(0); ok {
			passed++
		}
		select {
		case <-f.nodes[0].sharing.wake:
			urged++
			f.nodes[0].sharing.exchange(t.Context(), f.nodes[0].clock)
		default:
		}
	}
	if passed < 550 || passed > 600 || urged > 20 {
		t.Errorf("%d of 600 passed, with %d exchanges", passed, urged)
	}
}

func TestSharingRunsUntilItIsStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		place := newMeeting()
		l, err := NewLimiter(LimitConfig{Tenant: LimitsConfig{Requests: 60}}, LimiterDeps{Registerer: registry, Shares: seat{place, "node"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := testutil.ToFloat64(l.sharing.metrics.byOneself); got != 1 {
			t.Errorf("before it has heard of others it is alone: %v", got)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- l.Share(ctx) }()
		refusedFor(t, l, asked())
		time.Sleep(time.Second)
		if got := testutil.ToFloat64(l.sharing.metrics.byOneself); got != 0 || testutil.ToFloat64(l.sharing.metrics.holders) != 1 {
			t.Errorf("it is alone: %v", got)
		}
		stop()
		if err := <-ended; err != nil || len(place.seen) != 0 {
			t.Errorf("it ended with %v, and %v are there", err, place.seen)
		}
	})
	if err := newLimiter(t, LimitConfig{}).Share(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestEnterWithASharedLimitAllocatesNothing(t *testing.T) {
	l, m := measuredShare(t)
	if n := testing.AllocsPerRun(1000, func() { pass(t, l, m) }); n != 0 {
		t.Errorf("it takes %v allocations", n)
	}
}

func BenchmarkEnterShared(b *testing.B) {
	l, m := measuredShare(b)
	b.ReportAllocs()
	for b.Loop() {
		pass(b, l, m)
	}
}

// measuredShare is as measured, with a node that has leased all.
func measuredShare(tb testing.TB) (*Limiter, *messages.StartTurn) {
	tb.Helper()
	all := LimitsConfig{Requests: maxRate, Tokens: maxRate, Turns: maxRate}
	l, err := NewLimiter(LimitConfig{Tenant: all, Key: all, Model: all, Address: all}, LimiterDeps{Registerer: prometheus.NewRegistry(), Shares: seat{newMeeting(), "node"}})
	if err != nil {
		tb.Fatal(err)
	}
	l.sharing.exchange(tb.Context(), l.clock)
	m := asked()
	pass(tb, l, m)
	l.sharing.exchange(tb.Context(), l.clock)
	return l, m
}
