package admission

import (
	"sync"
	"sync/atomic"

	"example.com/parley/messages"
)

// headroom keeps places free for tenants that take less than their share: as many as
// they had at once lately. Fair queueing alone gives them the next place that comes
// free, and where one tenant has filled all places at once that may be as late as its
// turns are long. A tenant's share is the part of the places that its weight is of the
// weights of those who were here lately; only who has that already finds fewer places.
// It is safe for concurrent use. What is counted while shares move may be wrong by
// those who come and go in that moment, until they move again.
type headroom struct {
	tenants sync.Map // of *presence, by messages.TenantID
	weights atomic.Int64
	kept    atomic.Int64 // places that their owners had lately, and do not take now
}

// presence is what a tenant does here, and did lately.
type presence struct {
	weight  atomic.Int64
	running atomic.Int64 // turns
	peak    atomic.Int64 // of them at once, since lately moved
	lately  atomic.Int64 // at once
	due     atomic.Int64 // of those, within its share
	leave   func()       // gives a place back
}

const (
	// mostKept is the part of the places that is kept free at most: for many tenants
	// together one needs less than for each, and what is kept free is done for nobody.
	mostKept = 8
	// forgets is the part of what a tenant had at once lately that is forgotten when it
	// has less, with each move.
	forgets = 8
	// moveEvery is how many windows lately moves by: a second.
	moveEvery = 10
)

// of returns a tenant's presence. leave is called when one of its turns gives its
// place back.
func (h *headroom) of(tenant messages.TenantID, weight int, leave func()) *presence {
	weighs := int64(max(weight, 1))
	if known, ok := h.tenants.Load(tenant); ok {
		p := known.(*presence)
		if p.weight.Load() != weighs { // an operator has set it
			h.weights.Add(weighs - p.weight.Swap(weighs))
		}
		return p
	}
	p := &presence{}
	p.weight.Store(weighs)
	p.leave = func() {
		h.left(p)
		leave()
	}
	known, lost := h.tenants.LoadOrStore(tenant, p)
	if !lost {
		h.weights.Add(weighs)
	}
	return known.(*presence)
}

// most is how many of all places may be taken once a turn of the tenant has one.
func (h *headroom) most(p *presence, limit int64) int64 {
	if kept := h.kept.Load(); kept > 0 && p.running.Load() >= h.share(p, limit) {
		return limit - min(kept, limit/mostKept)
	}
	return limit
}

func (h *headroom) share(p *presence, limit int64) int64 {
	weight := p.weight.Load()
	return limit * weight / max(h.weights.Load(), weight)
}

// entered counts a turn in. Work that can wait makes no claim for later.
func (h *headroom) entered(p *presence, class messages.Priority) {
	running := p.running.Add(1)
	if running <= p.due.Load() {
		h.kept.Add(-1)
	}
	for peak := p.peak.Load(); running > peak && class != messages.PriorityBatch; peak = p.peak.Load() {
		if p.peak.CompareAndSwap(peak, running) {
			return
		}
	}
}

// left counts a turn out.
func (h *headroom) left(p *presence) {
	if p.running.Add(-1) < p.due.Load() {
		h.kept.Add(1)
	}
}

// move has lately go on by one step. One goroutine calls it.
func (h *headroom) move(limit int64) {
	var weights, kept int64
	h.tenants.Range(func(tenant, known any) bool {
		p := known.(*presence)
		before, running := p.lately.Load(), p.running.Load()
		lately := max(p.peak.Swap(0), before-(before+forgets-1)/forgets, min(before, running))
		if lately == 0 && running == 0 {
			h.tenants.Delete(tenant)
			return true
		}
		p.lately.Store(lately)
		weights += p.weight.Load()
		return true
	})
	h.weights.Store(weights)
	h.tenants.Range(func(_, known any) bool {
		p := known.(*presence)
		p.due.Store(min(p.lately.Load(), h.share(p, limit)))
		kept += max(0, p.due.Load()-p.running.Load())
		return true
	})
	h.kept.Store(kept)
}
