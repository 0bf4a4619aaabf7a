// Package router finds the places that answer to a model's name. Its actor owns
// the table of routes and replaces it as a whole; requests read the table that
// was published last, and take their turn in it by an atomic counter.
//
//	router.go    the actor, and what callers hold
//	table.go     the routes                         family.go    names that everybody knows
//	pick.go      shares by weight (pure)            fallback.go  leaving out who refuses (pure)
//	judge.go     strategies that measure (pure)     names.go     what a mistyped name may mean (pure)
//	allowed.go   what a key may use (pure)
package router

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
)

// Deps is what the router needs.
type Deps struct {
	Providers  []Provider
	Health     Health
	Prices     Prices
	Demo       bool // the simulated provider answers to any name that nobody else does
	Registerer prometheus.Registerer
}

// Router is what callers hold. It outlives its actor's restarts and is safe for
// concurrent use.
type Router struct {
	health  Health
	prices  Prices
	demo    bool
	metrics *metrics
	table   atomic.Pointer[table]
	tell    atomic.Pointer[func(*reload)] // to the actor; nil until it was spawned
}

// New returns a router that routes at once; Props is the actor that replaces
// its table.
func New(cfg Config, deps Deps) (*Router, error) {
	if err := cfg.Validate(deps.Providers); err != nil {
		return nil, err
	}
	r := &Router{health: deps.Health, prices: deps.Prices, demo: deps.Demo, metrics: newMetrics(deps.Registerer)}
	r.table.Store(newTable(cfg, deps.Providers, deps.Demo, time.Now()))
	return r, nil
}

// Props returns the router's actor.
func (r *Router) Props() *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor { return &owner{router: r} })
}

// owner is the actor. What it knows is what it published last, so that a
// restart loses nothing.
type owner struct{ router *Router }

// reload asks the actor to publish another table, and to say so.
type reload struct {
	table *table
	done  chan<- struct{} // has room for one
}

// Receive implements actor.Actor.
func (o *owner) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		root, self := ctx.ActorSystem().Root, ctx.Self()
		tell := func(m *reload) { root.Send(self, m) }
		o.router.tell.Store(&tell)
	case *reload:
		o.router.table.Store(m.table)
		m.done <- struct{}{}
	}
}

var (
	errNotSpawned = errors.New("the router's actor does not run")
	errSlow       = errors.New("the router's actor did not take over the routes in time")
)

// patience is how long Reload waits for the actor, which does little else.
const patience = 5 * time.Second

// Reload has another configuration take the place of the current one, and returns
// when all requests from now on go by it: a provider that has no place in it any
// more may be taken away. One with faults changes nothing.
func (r *Router) Reload(cfg Config, providers []Provider) error {
	if err := cfg.Validate(providers); err != nil {
		return err
	}
	tell := r.tell.Load()
	if tell == nil {
		return errNotSpawned
	}
	done := make(chan struct{}, 1)
	(*tell)(&reload{newTable(cfg, providers, r.demo, time.Now()), done})
	select {
	case <-done:
		return nil
	case <-time.After(patience):
		return errSlow
	}
}

// Route lists where to send a call for a model, best first, without those that
// refuse calls now. It fails with CodeModelNotFound, which names the nearest
// names, and with CodeProviderUnavailable or CodeProviderLimited when all
// refuse, and with CodePermission where the request may not have what it names.
// Whom it may not use is nowhere in the list. The caller must not change what it gets. It costs under 200 ns and at
// most one allocation where turns go by weights, and some more where targets are
// measured (BenchmarkRoute).
func (r *Router) Route(want messages.Routing) ([]messages.Target, error) {
	t := r.table.Load()
	if err := t.permit(&want); err != nil {
		r.metrics.forbidden.Inc()
		return nil, err
	}
	targets, err := t.route(&want, &judge{health: r.health, prices: r.prices, call: want.Call})
	if err != nil {
		r.metrics.unknown.Inc()
		return nil, err
	}
	if targets, err = among(want.Model, targets, want.Allowed); err != nil {
		r.metrics.forbidden.Inc()
		return nil, err
	}
	targets, err = usable(want.Model, targets, r.health)
	if err != nil {
		r.metrics.refused.Inc()
	}
	return targets, err
}

// Mark stands for the places that a public name leads to. It is another one when an
// operator has the name lead elsewhere, and the same on every node and after every
// start; 0 of a name that leads to the model of that name.
func (r *Router) Mark(model string) uint64 { return r.table.Load().marks[model] }

// Marks has the mark of every name that has one. It is not to be changed.
func (r *Router) Marks() map[string]uint64 { return r.table.Load().marks }

// Models lists the public names that a request may ask for.
func (r *Router) Models(allowed *messages.Allowed) []messages.ModelCard {
	return r.table.Load().cardsFor(allowed)
}

// Model describes one name, listed or not, that somebody answers to. It fails
// with CodeModelNotFound, and with CodePermission for one that a request may not
// ask for, whether it is there or not.
func (r *Router) Model(name string, allowed *messages.Allowed) (messages.ModelCard, error) {
	t := r.table.Load()
	if err := t.permit(&messages.Routing{Model: name, Allowed: allowed}); err != nil {
		return messages.ModelCard{}, err
	}
	card, ok := t.card(name)
	if !ok {
		return messages.ModelCard{}, absent(name, t.cardsFor(allowed))
	}
	if _, err := among(name, t.places(name), allowed); err != nil {
		return messages.ModelCard{}, err
	}
	return card, nil
}
