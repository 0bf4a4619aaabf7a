package main

import (
	"context"
	"fmt"
	"time"

	"example.com/parley/actors/provider"
	"example.com/parley/http/admin"
	"example.com/parley/messages"
)

// operated is what operators see of the providers, and have them do. It
// implements admin.Providers.
type operated struct{ providers *provider.Providers }

// List implements admin.Providers.
func (o operated) List() []admin.Provider { return mapped(o.providers.Handles(), described) }

// Find implements admin.Providers.
func (o operated) Find(name string) (p admin.Provider, found bool) {
	h, found := o.providers.Handle(name)
	if !found {
		return admin.Provider{}, false
	}
	return described(h), true
}

// Drain implements admin.Providers.
func (o operated) Drain(ctx context.Context, name string) error {
	return o.ask(name, func(h *provider.Handle) error { return h.Drain(ctx) })
}

// Resume implements admin.Providers.
func (o operated) Resume(ctx context.Context, name string) error {
	return o.ask(name, func(h *provider.Handle) error { return h.Resume(ctx) })
}

// Trip implements admin.Providers.
func (o operated) Trip(ctx context.Context, name string, length time.Duration) error {
	return o.ask(name, func(h *provider.Handle) error { return h.Trip(ctx, length) })
}

// Reset implements admin.Providers.
func (o operated) Reset(ctx context.Context, name string) error {
	return o.ask(name, func(h *provider.Handle) error { return h.Reset(ctx) })
}

// ask has one provider do something.
func (o operated) ask(name string, do func(*provider.Handle) error) error {
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
func described(h *provider.Handle) admin.Provider {
	s := h.Snapshot()
	return admin.Provider{
		Name: s.Name, Kind: string(s.Kind), State: s.State, Reason: s.Reason, NextProbe: s.NextProbe,
		Drained: s.Drained, Ejected: s.Ejected, Outlier: s.Outlier, Parked: s.Parked, InFlight: s.InFlight, Latency: s.Latency,
	}
}
