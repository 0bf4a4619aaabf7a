package provider

import (
	"context"
	"fmt"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
)

// Deps is what the providers need.
type Deps struct {
	Registerer prometheus.Registerer
	// Models are the names, by provider, that metrics show one by one, beside
	// those of the configuration.
	Models map[string][]string
}

// Providers are all that are configured, by name. They are safe for concurrent
// use.
type Providers struct {
	handles map[string]*Handle
	sorted  []*Handle // by name
}

// New makes the providers and calls none of them. Each has an actor that is to
// be spawned from its Props; it can be called before, but learns nothing from
// it.
func New(cfg Config, deps Deps) (*Providers, error) {
	cfg = cfg.Complete()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	p := &Providers{handles: make(map[string]*Handle, len(cfg))}
	shared := newMetrics(deps.Registerer)
	for _, name := range cfg.names() {
		s := cfg[name]
		models := slices.Concat(s.Models, deps.Models[name])
		own := shared.of(name, models)
		u, err := newUpstream(name, s, own)
		if err != nil {
			return nil, err
		}
		h := newHandle(name, s, u, own)
		p.handles[name] = h
		p.sorted = append(p.sorted, h)
	}
	deps.Registerer.MustRegister(newCollector(p.sorted))
	return p, nil
}

func newUpstream(name string, s Settings, m *providerMetrics) (upstream, error) {
	if s.Kind == KindSimulated {
		return newSimulation(name, s), nil
	}
	return newClient(name, s, m)
}

// Handles lists the providers by name.
func (p *Providers) Handles() []*Handle { return p.sorted }

// Handle returns the provider of a name; found is false where there is none.
func (p *Providers) Handle(name string) (h *Handle, found bool) {
	h, found = p.handles[name]
	return h, found
}

// Open calls a target. Its errors are *messages.Failure.
func (p *Providers) Open(ctx context.Context, target messages.Target, call *messages.Call) (Answer, error) {
	h, ok := p.handles[target.Provider]
	if !ok {
		return nil, unknown(target)
	}
	return h.Open(ctx, target.Model, call)
}

// Refusal says why a call to the target would be refused now, and when it would
// not be; nil means that it would be made. The router asks it for each request.
func (p *Providers) Refusal(target messages.Target) *messages.Failure {
	h, ok := p.handles[target.Provider]
	if !ok {
		return unknown(target)
	}
	return h.Refusal(target.Model)
}

// IsSpare tells of a target that is refused whether it would take the call all
// the same, which is for when nobody else does.
func (p *Providers) IsSpare(target messages.Target) bool {
	h, ok := p.handles[target.Provider]
	return ok && h.IsSpare(target.Model)
}

func unknown(target messages.Target) *messages.Failure {
	return &messages.Failure{
		Code: messages.CodeModelNotFound, What: fmt.Sprintf("there is no provider %q", target.Provider),
		Do: "an operator can add it below providers", Param: "model", NoRetry: true,
	}
}

// Close closes the connections that are idle, and the others as their calls
// end.
func (p *Providers) Close() {
	for _, h := range p.sorted {
		h.upstream.close()
	}
}
