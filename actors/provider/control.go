package provider

import (
	"context"
	"time"

	"example.com/parley/messages"
)

// The messages of an operator. Each is answered on done, with room for it, once
// what was asked for is published.
type (
	// drain asks for no new calls; those that run go on.
	drain struct{ done chan<- struct{} }
	// resume ends a drain.
	resume struct{ done chan<- struct{} }
	// trip opens the breaker: for a while, after which a probe decides, or with
	// zero until a reset.
	trip struct {
		length time.Duration
		done   chan<- struct{}
	}
	// reset closes the breaker and forgets what opened it, what is parked and what ejected it.
	reset struct{ done chan<- struct{} }
)

// Drain has the provider take no new calls until Resume; those that run go on.
// Like all that an operator asks for it lasts over restarts of the actor, and
// not over those of the server. It fails when the actor does not answer in time.
func (h *Handle) Drain(ctx context.Context) error {
	return h.ask(ctx, func(done chan<- struct{}) any { return &drain{done} })
}

// Resume ends a drain.
func (h *Handle) Resume(ctx context.Context) error {
	return h.ask(ctx, func(done chan<- struct{}) any { return &resume{done} })
}

// Trip opens the breaker: for the given time, after which one call is let
// through to see, or until Reset where it is zero.
func (h *Handle) Trip(ctx context.Context, length time.Duration) error {
	return h.ask(ctx, func(done chan<- struct{}) any { return &trip{length, done} })
}

// Reset closes the breaker, and forgets what opened it and which models are
// parked. It ends an ejection, and no drain.
func (h *Handle) Reset(ctx context.Context) error {
	return h.ask(ctx, func(done chan<- struct{}) any { return &reset{done} })
}

// ask sends a message to the actor, and waits until it is done.
func (h *Handle) ask(ctx context.Context, message func(done chan<- struct{}) any) error {
	done := make(chan struct{}, 1)
	h.tellActor(message(done))
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return &messages.Failure{
			Code: messages.CodeOverloaded, What: "the provider " + h.name + " does not answer to operators in time",
			Do: "try again; GET /readyz says whether its actor is gone", Cause: ctx.Err(),
		}
	}
}

func (p *provider) setDrained(drained bool, done chan<- struct{}) {
	p.publish(func(next *health) { next.drained = drained })
	done <- struct{}{}
}

func (p *provider) trip(m *trip, now time.Time) {
	p.handle.breaker.trip(causeOperator, m.length, now)
	p.handle.metrics.stood(p.handle.breaker.standing)
	p.publish(func(next *health) { next.stand(p.handle.breaker.standing) })
	m.done <- struct{}{}
}

func (p *provider) reset(m *reset, now time.Time) {
	p.handle.breaker.reset(now)
	p.publish(func(next *health) {
		next.stand(p.handle.breaker.standing)
		next.parked, next.ejected = nil, standing{}
	})
	m.done <- struct{}{}
}
