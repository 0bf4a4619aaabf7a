package admission

import (
	"sync/atomic"
	"time"

	"example.com/parley/messages"
)

// Gate is the one way in for turns. While there is room it is two atomic
// operations in the caller's goroutine; only a turn that has to wait goes
// through the actor that owns the queue. It is safe for concurrent use.
type Gate struct {
	cfg     Config
	deliver func(*messages.StartTurn) // to the shard; never blocks
	tell    func(any)                 // to the queue's actor; never blocks
	leave   func()                    // made once: a method value would be an allocation a turn

	running atomic.Int64
	waiting atomic.Int64 // in the queue, or on the way to it
	closed  atomic.Bool
}

// NewGate returns an open gate. Enter may be called once Props was spawned and
// told it where its actor is.
func NewGate(cfg Config, deliver func(*messages.StartTurn)) *Gate {
	g := &Gate{cfg: cfg, deliver: deliver}
	g.leave = g.release
	return g
}

// Enter lets the turn through, has it wait in its class, or refuses it. The
// turn's place is given back by its Admitted.
func (g *Gate) Enter(m *messages.StartTurn) {
	switch {
	case g.closed.Load():
		m.Refuse(shuttingDown())
	case g.waiting.Load() == 0 && g.take():
		m.Admitted = g.leave
		g.deliver(m)
	case g.waiting.Add(1) > g.cfg.MaxWaiting:
		g.waiting.Add(-1)
		m.Refuse(overloaded())
	default:
		g.tell(m)
	}
}

// take claims a place, if one is free. It never counts above the limit, not
// even for a moment: the queue's actor would take that for a full house.
func (g *Gate) take() bool {
	for {
		running := g.running.Load()
		if running >= g.cfg.MaxRunning {
			return false
		}
		if g.running.CompareAndSwap(running, running+1) {
			return true
		}
	}
}

func (g *Gate) release() {
	g.running.Add(-1)
	if g.waiting.Load() > 0 {
		g.tell(freed{})
	}
}

// Running is the number of turns that hold a place.
func (g *Gate) Running() int64 { return g.running.Load() }

// Waiting is the number of turns in the queue.
func (g *Gate) Waiting() int64 { return g.waiting.Load() }

// Close refuses every turn from here on; those inside go on.
func (g *Gate) Close() { g.closed.Store(true) }

// retryAfter is what a refused client is told to wait. A place comes free when
// any turn ends, and turns last seconds.
const retryAfter = time.Second

func overloaded() error {
	return &messages.Failure{
		Code: messages.CodeOverloaded, What: "the server has as many turns running and waiting as it may",
		Do: "try again in a moment; an operator can raise admission.max_running", RetryAfter: retryAfter,
	}
}

func shuttingDown() error {
	return &messages.Failure{
		Code: messages.CodeShuttingDown, What: "the server is shutting down",
		Do: "send the request again; another server, or this one after its restart, will take it", RetryAfter: retryAfter,
	}
}
