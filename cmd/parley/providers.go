package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"example.com/parley/actors"
	"example.com/parley/actors/provider"
	"example.com/parley/actors/router"
	"example.com/parley/http/admin"
	"example.com/parley/messages"
)

// operated is what operators see of the providers, and have them do. It
// implements admin.Providers.
type operated struct {
	models
	tree *actors.System
	cfg  *Config // as the server was started with; not to be changed

	mu         sync.RWMutex
	configured provider.Config // by the file, as it was read last
	names      router.Config   // as well
	current    provider.Config
	set        map[string]bool   // by name: since the start
	parts      map[string]string // by name: what the actor is called
	number     int               // of providers that were set
}

func newOperated(cfg *Config, m models, tree *actors.System) *operated {
	o := &operated{models: m, tree: tree, cfg: cfg, configured: cfg.Providers, names: cfg.Models, current: cfg.Providers, set: make(map[string]bool), parts: make(map[string]string)}
	for _, h := range m.providers.Handles() {
		o.parts[h.Name()] = actors.ProviderPart(h, 0).Name
	}
	return o
}

// List implements admin.Providers.
func (o *operated) List() []admin.Provider { return mapped(o.providers.Handles(), o.described) }

// Find implements admin.Providers.
func (o *operated) Find(name string) (p admin.Provider, found bool) {
	h, found := o.providers.Handle(name)
	if !found {
		return admin.Provider{}, false
	}
	return o.described(h), true
}

// Drain implements admin.Providers.
func (o *operated) Drain(ctx context.Context, name string) error {
	return o.ask(name, func(h *provider.Handle) error { return h.Drain(ctx) })
}

// Resume implements admin.Providers.
func (o *operated) Resume(ctx context.Context, name string) error {
	return o.ask(name, func(h *provider.Handle) error { return h.Resume(ctx) })
}

// Trip implements admin.Providers.
func (o *operated) Trip(ctx context.Context, name string, length time.Duration) error {
	return o.ask(name, func(h *provider.Handle) error { return h.Trip(ctx, length) })
}

// Reset implements admin.Providers.
func (o *operated) Reset(ctx context.Context, name string) error {
	return o.ask(name, func(h *provider.Handle) error { return h.Reset(ctx) })
}

// ask has one provider do something.
func (o *operated) ask(name string, do func(*provider.Handle) error) error {
	o.mu.RLock() // a provider must not be replaced meanwhile
	defer o.mu.RUnlock()
	h, found := o.providers.Handle(name)
	if !found {
		return &messages.Failure{
			Code: messages.CodeItemAbsent, What: fmt.Sprintf("there is no provider %q", name),
			Do: "name one that is configured", Param: "name",
		}
	}
	return do(h)
}

// described is how a provider is, for an operator.
func (o *operated) described(h *provider.Handle) admin.Provider {
	s := h.Snapshot()
	o.mu.RLock()
	set := o.set[s.Name]
	o.mu.RUnlock()
	return admin.Provider{
		Name: s.Name, Kind: string(s.Kind), State: s.State, Reason: s.Reason, NextProbe: s.NextProbe,
		Drained: s.Drained, Ejected: s.Ejected, Outlier: s.Outlier, Parked: parkedBy(s), InFlight: s.InFlight, Limit: s.Limit, Latency: s.Latency,
		BaseURL: s.BaseURL, Models: s.Models, Set: set,
	}
}

// parkedBy lists what a provider limits, in order.
func parkedBy(s provider.Snapshot) []admin.Parked {
	parked := make([]admin.Parked, 0, len(s.Parked))
	for place, until := range s.Parked {
		parked = append(parked, admin.Parked{Model: place.Model, Key: place.Key, Until: until})
	}
	slices.SortFunc(parked, func(a, b admin.Parked) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Key, b.Key))
	})
	return parked
}
