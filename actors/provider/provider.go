// Package provider calls models. Each provider has an actor that owns its
// breaker and publishes a snapshot, and a [Handle], through which everybody
// else calls it: the call runs in the caller's goroutine, and the actor learns
// afterwards how it went.
//
//	provider.go  the actor                  breaker.go  when to leave a provider alone (pure)
//	handle.go    what callers hold          health.go   what the actor publishes
//	call.go      one call, accounted for    failures.go what can go wrong, in words
//	client.go    one exchange over HTTP     pool.go     the connections for it
//	stream.go    a reply as it comes        whole.go    a reply in one piece
//	openai.go anthropic.go simulated.go     the dialects
package provider

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// ended tells a provider's actor that a call is over.
type ended struct {
	outcome messages.Outcome
	model   string
}

// provider is the actor. All that it knows is in what it published last, so
// that a restart loses nothing.
type provider struct{ handle *Handle }

// Receive implements actor.Actor.
func (p *provider) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		p.resume(ctx)
	case *ended:
		p.learn(m)
	}
}

// resume takes over from the actor before a restart. A probe's report may be
// what that one failed of, so the next probe need not wait for it.
func (p *provider) resume(ctx actor.Context) {
	next := *p.handle.health.Load()
	next.probing = newClaim()
	p.handle.health.Store(&next)
	root, self := ctx.ActorSystem().Root, ctx.Self()
	p.handle.attach(func(m *ended) { root.Send(self, m) })
}

func (p *provider) learn(m *ended) {
	next := p.handle.health.Load().after(m, time.Now(), p.handle.policy)
	p.handle.health.Store(next)
}
