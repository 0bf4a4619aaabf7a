package provider

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"example.com/parley/messages"
)

// concurrency is how many calls a provider gets at once. The actor moves the
// limit; callers read it.
type concurrency struct {
	fixed    bool // the operator said how many
	adaptive bool // neither, where the provider is simulated
	limit    atomic.Int64
	service  atomic.Int64 // nanoseconds that a call takes its place, smoothed; the actor alone writes it
	learned  limit        // the actor's own

	mu       sync.Mutex   // of claims
	promised atomic.Int64 // places held for turns whose first call is still to come
}

func (c *concurrency) set(s Settings) {
	switch {
	case s.MaxConcurrency > 0:
		c.fixed = true
		c.limit.Store(int64(s.MaxConcurrency))
	case s.Kind == KindSimulated:
		c.limit.Store(math.MaxInt64)
	default:
		c.adaptive, c.learned = true, newLimit(s.limits())
		c.limit.Store(c.learned.now())
	}
}

// heard tells the actor of a stream's first byte at once: while the limit is in
// use, streams that go on for minutes must not keep it from what they know.
type heard struct{ observation }

// observed is what a call tells about the limit, where it tells anything. A 4xx
// and a call that was cancelled say nothing.
func (m *ended) observed() (o observation, tells bool) {
	o = observation{model: m.model, began: m.began, beside: m.beside, firstByte: m.firstByte}
	switch m.outcome.Kind {
	case messages.OutcomeSuccess:
		return o, !m.heard
	case messages.OutcomeFailed, messages.OutcomeTimedOut, messages.OutcomeRateLimited:
		o.dropped = true
		return o, true
	default:
		return o, false
	}
}

// learnLimit is called by the actor.
func (h *Handle) learnLimit(o observation, now time.Time) {
	c := &h.concurrency
	if !c.adaptive || !c.learned.learn(o, now) {
		return
	}
	grown := c.learned.now() > c.limit.Swap(c.learned.now())
	h.room.measure()
	if grown {
		h.room.freed()
	}
}

// learnService is called by the actor. A call that nothing came of took a place
// for no usual time.
func (h *Handle) learnService(o messages.Outcome) {
	if o.Kind == messages.OutcomeSuccess {
		h.concurrency.service.Store(int64(smooth(time.Duration(h.concurrency.service.Load()), o.Total)))
	}
}

// isFull tells whether the provider has as many calls as it takes well.
func (h *Handle) isFull() bool { return h.inFlight.Load() >= h.concurrency.limit.Load() }

// isInUse tells whether a first byte is worth being told at once.
func (h *Handle) isInUse() bool {
	return h.concurrency.adaptive && 2*h.inFlight.Load() >= h.concurrency.limit.Load()
}

// claim holds a place for a call to come, if there is one.
func (h *Handle) claim() bool {
	c := &h.concurrency
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.inFlight.Load()+c.promised.Load() >= c.limit.Load() {
		return false
	}
	c.promised.Add(1)
	return true
}

func (h *Handle) unclaim() { h.concurrency.promised.Add(-1) }

// room is what the providers tell together of their limits. It is safe for
// concurrent use.
type room struct {
	mu      sync.Mutex
	handles func() []*Handle // all that there are
	floor   atomic.Int64
	watcher atomic.Pointer[func()]
}

// measure finds the least of the limits anew.
func (r *room) measure() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	floor := int64(math.MaxInt64)
	for _, h := range r.handles() {
		if h.concurrency.fixed {
			floor = 0
		}
		floor = min(floor, h.concurrency.limit.Load())
	}
	r.floor.Store(floor)
}

// freed tells who watches that a place may have come free.
func (r *room) freed() {
	if r == nil {
		return
	}
	if watcher := r.watcher.Load(); watcher != nil {
		(*watcher)()
	}
}

// Floor is how many calls at once no provider minds. It is 0 where an operator
// has said how many one takes, which is kept to exactly; a limit that was found
// out may be exceeded for a moment.
func (p *Providers) Floor() int64 { return p.room.floor.Load() }

// Watch has f called whenever a call has ended or a limit has grown. It must not
// block.
func (p *Providers) Watch(f func()) { p.room.watcher.Store(&f) }

// Room tells what a target has room for.
type Room uint8

// The answers to a claim.
const (
	RoomNone    Room = iota // it refuses calls, for reasons of its own
	RoomFull                // it has as many calls as it takes well
	RoomClaimed             // a place is held
)

// Claim holds a place for a call to the target. It is given back by release,
// which is not nil where a place is held.
func (p *Providers) Claim(target messages.Target) (release func(), room Room) {
	h, ok := p.Handle(target.Provider)
	switch {
	case !ok:
		return nil, RoomNone
	case h.claim():
		if h.takesCalls(target.Model) {
			return h.unclaim, RoomClaimed
		}
		h.unclaim()
		return nil, RoomNone
	case h.takesCalls(target.Model):
		return nil, RoomFull
	default:
		return nil, RoomNone
	}
}

// takesCalls tells whether calls would be made but for the limit.
func (h *Handle) takesCalls(model string) bool {
	known, now := h.health.Load(), time.Now()
	return known.refusal(h.name, model, h.keys, now) == nil
}

// Pace tells how many calls a provider gets at once, and how long one takes its
// place; zero where that is not known.
func (p *Providers) Pace(provider string) (places int64, each time.Duration) {
	h, ok := p.Handle(provider)
	if !ok {
		return 0, 0
	}
	return h.concurrency.limit.Load(), time.Duration(h.concurrency.service.Load())
}
