// Package provider calls models. Each provider has an actor that owns its
// breaker and publishes a snapshot, and a [Handle], through which everybody
// else calls it: the call runs in the caller's goroutine, and the actor learns
// afterwards how it went.
//
//	provider.go  the actor                  breaker.go  when to leave a provider alone (pure)
//	handle.go    what callers hold          health.go   what the actor publishes
//	window.go    the calls of the last while (pure)
//	outlier.go   who does worse (pure)      outliers.go the actor that compares
//	pace.go      how fast models begin to answer, for the router (pure)
//	control.go   what operators ask for     concurrency.go how many calls at once
//	limit.go usual.go  how many calls at once a provider takes well (pure)
//	call.go      one call, accounted for    failures.go what can go wrong, in words
//	client.go    one exchange over HTTP     pool.go     the connections for it
//	stream.go    a reply as it comes        whole.go    a reply in one piece
//	openai.go anthropic.go simulated.go     the dialects
package provider

import (
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// ended tells a provider's actor that a call is over.
type ended struct {
	outcome messages.Outcome
	model   string
	key     int // its number
	began   time.Time
	claim   *atomic.Bool // that a probe holds; nil for any other call
	// firstToken is what a stream's reader waited for it; zero where none
	// came, and for a whole reply.
	firstToken time.Duration
	// firstByte is what a stream waited for its first event; zero as above.
	firstByte time.Duration
	beside    int  // calls at once when it began, with itself
	heard     bool // the first byte was told before
}

// provider is the actor. All that it knows is with the handle, so that a restart
// loses nothing.
type provider struct{ handle *Handle }

// Receive implements actor.Actor.
func (p *provider) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		p.takeOver(ctx)
	case *ended:
		p.learn(m, time.Now())
	case *heard:
		p.handle.learnLimit(m.observation, time.Now())
	case *drain:
		p.setDrained(true, m.done)
	case *resume:
		p.setDrained(false, m.done)
	case *trip:
		p.trip(m, time.Now())
	case *eject:
		p.eject(m, time.Now())
	case *reset:
		p.reset(m, time.Now())
	}
}

// takeOver goes on from the actor before a restart. A probe's report may be what
// that one failed of, so the next probe need not wait for it.
func (p *provider) takeOver(ctx actor.Context) {
	p.publish(func(next *health) { next.probing = newClaim() })
	root, self := ctx.ActorSystem().Root, ctx.Self()
	p.handle.attach(func(m any) { root.Send(self, m) })
}

// learn takes in how a call went. Most calls change nothing that others go by,
// and then nothing is published.
func (p *provider) learn(m *ended, now time.Time) {
	h := p.handle
	h.sawFirstByte(m.outcome.FirstByte)
	h.record.add(m)
	h.learnService(m.outcome)
	if o, tells := m.observed(); tells {
		h.learnLimit(o, now)
	}
	moved := h.breaker.learn(m.outcome, m.began, now)
	decided := m.claim != nil && m.claim == h.health.Load().probing
	parks := m.outcome.Kind == messages.OutcomeRateLimited && m.outcome.RetryAfter > 0
	if !moved && !decided && !parks {
		return
	}
	if moved {
		h.metrics.stood(h.breaker.standing)
	}
	p.publish(func(next *health) {
		if moved || decided {
			next.stand(h.breaker.standing)
		}
		if parks {
			next.parked = park(next.parked, placeOf(m.model, m.key, h.keys), m.outcome.RetryAfter, now)
		}
	})
}

// publish replaces what callers see by a copy of it that change was made to.
func (p *provider) publish(change func(next *health)) {
	next := *p.handle.health.Load()
	change(&next)
	p.handle.health.Store(&next)
}
