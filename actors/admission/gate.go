package admission

import (
	"math"
	"sync"
	"sync/atomic"

	"example.com/parley/messages"
)

// Gate is the one way in for turns. While there is room it is two atomic
// operations in the caller's goroutine. Where a provider is near its limit the
// turn claims a place there, still in the caller's goroutine; only a turn that has
// to wait goes through the actor that owns the queue. It is safe for concurrent
// use.
type Gate struct {
	cfg      Config
	capacity Capacity
	deliver  func(*messages.StartTurn) // to the shard; never blocks
	tell     func(any)                 // to the queue's actor; never blocks
	leave    func()                    // made once for all tenants

	running atomic.Int64
	ended   atomic.Int64 // turns that gave their place back, so far
	waiting *crowd       // in the queue, or on the way to it
	room    headroom
	crowded atomic.Bool // somebody waits for a place here, and not at a provider
	lines   sync.Map    // names of the lines in which somebody waits; the actor writes it
	closed  atomic.Bool
	nudged  atomic.Bool // the actor is going to look

	observed observed
	refused  refusals
}

// NewGate returns an open gate, which lets turns in as long as their providers
// have room; with nil it knows of no limits but its own. Enter may be called once
// Props was spawned and told it where its actor is.
func NewGate(cfg Config, capacity Capacity, deliver func(*messages.StartTurn)) *Gate {
	if capacity == nil {
		capacity = unlimited{math.MaxInt64}
	}
	g := &Gate{cfg: cfg, capacity: capacity, deliver: deliver, waiting: newCrowd(cfg)}
	g.leave = g.release
	g.observed.limit.Store(cfg.MaxRunning)
	return g
}

// Enter lets the turn through, has it wait in its class, or refuses it. The
// turn's place is given back by its Admitted.
func (g *Gate) Enter(m *messages.StartTurn) {
	if m.Weight == 0 && len(g.cfg.Weights) > 0 { // no operator has set one
		m.Weight = g.cfg.Weights[string(m.Spec.Tenant)]
	}
	tenant := g.room.of(m.Spec.Tenant, m.Weight, g.leave)
	switch {
	case g.closed.Load():
		m.Refuse(shuttingDown())
	case g.observed.refuses(m.Spec.Priority):
		m.Refuse(g.refused.count(shortOfMemory(m.Spec.Priority)))
	case g.Waiting() == 0 && g.take(min(g.room.most(tenant, g.observed.limit.Load()), g.capacity.Floor())):
		g.room.entered(tenant, m.Spec.Priority)
		m.Admitted = tenant.leave
		g.deliver(m)
	case g.enterBeside(m, tenant):
		g.deliver(m)
	default:
		g.queue(m)
	}
}

// queue has the turn wait, where it may.
func (g *Gate) queue(m *messages.StartTurn) {
	if err := g.waiting.join(m.Spec.Tenant, m.Spec.Priority); err != nil {
		m.Refuse(g.refused.count(err))
		return
	}
	g.tell(m)
}

// Look tells a request whether its turn would be refused, before anything is done
// for it: what a flood sends is then neither decoded nor looked up. It may be wrong
// by what happens in between, in either direction, so that Enter asks again.
func (g *Gate) Look(tenant messages.TenantID, class messages.Priority) error {
	switch {
	case g.closed.Load():
		return shuttingDown()
	case g.observed.refuses(class):
		return g.refused.count(shortOfMemory(class))
	case g.Waiting() == 0:
		return nil
	default:
		return g.refused.count(g.waiting.look(tenant, class))
	}
}

// overtakesNobody tells whether a turn may enter although others wait: when they
// wait for providers that it has nothing to do with.
func (g *Gate) overtakesNobody(m *messages.StartTurn) bool {
	if g.Waiting() == 0 {
		return true
	}
	if g.crowded.Load() {
		return false
	}
	_, waits := g.lines.Load(g.capacity.Line(m.Spec.Model).Name)
	return !waits
}

// fullness is what keeps a turn from being let in.
type fullness uint8

const (
	nobodyFull fullness = iota
	providerFull
	tenantFull // what is left is kept for others
	gateFull
)

// admit gives the turn a place here and one at a provider, if there are both. What
// it held for a moment and gives back may have been missed by somebody else; who is
// not the queue's actor lets that know.
func (g *Gate) admit(m *messages.StartTurn, tenant *presence) fullness {
	limit := g.observed.limit.Load()
	if most := g.room.most(tenant, limit); !g.take(most) {
		if most < limit && g.Running() < limit {
			return tenantFull
		}
		return gateFull
	}
	unclaim, ok := g.capacity.Claim(m.Spec.Model)
	if !ok {
		g.running.Add(-1)
		return providerFull
	}
	g.room.entered(tenant, m.Spec.Priority)
	m.Admitted = tenant.leave
	if unclaim != nil {
		m.Began = sync.OnceFunc(unclaim)
		m.Admitted = func() {
			m.Began()
			tenant.leave()
		}
	}
	return nobodyFull
}

// enterBeside is admit for who overtakes nobody.
func (g *Gate) enterBeside(m *messages.StartTurn, tenant *presence) bool {
	if !g.overtakesNobody(m) {
		return false
	}
	full := g.admit(m, tenant)
	if full == providerFull {
		g.nudge()
	}
	return full == nobodyFull
}

// take claims a place, if fewer than most are taken. It never counts above the
// limit, not even for a moment: the queue's actor would take that for a full
// house.
func (g *Gate) take(most int64) bool {
	for {
		running := g.running.Load()
		if running >= most {
			return false
		}
		if g.running.CompareAndSwap(running, running+1) {
			return true
		}
	}
}

func (g *Gate) release() {
	g.running.Add(-1)
	g.ended.Add(1)
	g.nudge()
}

// nudge has the queue's actor look again, if anybody waits. Until it does, further
// ones say nothing new.
func (g *Gate) nudge() {
	if g.Waiting() > 0 && g.nudged.CompareAndSwap(false, true) {
		g.tell(freed{})
	}
}

// Running is the number of turns that hold a place.
func (g *Gate) Running() int64 { return g.running.Load() }

// Limit is how many turns may hold a place now.
func (g *Gate) Limit() int64 { return g.observed.limit.Load() }

// Waiting is the number of turns in the queue.
func (g *Gate) Waiting() int64 { return g.waiting.total.Load() }

// Close refuses every turn from here on; those inside go on.
func (g *Gate) Close() { g.closed.Store(true) }
