package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
	"example.com/parley/messages/parking"
)

// Deps is what the providers need.
type Deps struct {
	// Poller has streams wait without a goroutine whose tokens are far apart; nil
	// where each keeps its own.
	Poller     *parking.Poller
	Registerer prometheus.Registerer
	// Models are the names, by provider, that metrics show one by one, beside
	// those of the configuration.
	Models map[string][]string
}

// Providers are all that there are, by name. They are safe for concurrent use,
// and can be replaced one by one while calls are made.
type Providers struct {
	shared *metrics
	poller *parking.Poller
	room   *room // nil in tests that need none
	table  atomic.Pointer[table]
	mu     sync.Mutex // held while another table is made
}

// table is all providers at one time. It is immutable.
type table struct {
	handles map[string]*Handle
	sorted  []*Handle // by name
}

func newTable(handles map[string]*Handle) *table {
	t := &table{handles: handles}
	for _, name := range slices.Sorted(maps.Keys(handles)) {
		t.sorted = append(t.sorted, handles[name])
	}
	return t
}

// New makes the providers and calls none of them. Each has an actor that is to
// be spawned from its Props; it can be called before, but learns nothing from
// it.
func New(cfg Config, deps Deps) (*Providers, error) {
	cfg = cfg.Complete()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	p := &Providers{shared: newMetrics(deps.Registerer), poller: deps.Poller}
	p.room = &room{handles: p.Handles}
	handles := make(map[string]*Handle, len(cfg))
	for name, s := range cfg {
		h, err := p.make(name, s, deps.Models[name])
		if err != nil {
			return nil, err
		}
		handles[name] = h
	}
	p.table.Store(newTable(handles))
	p.room.measure()
	deps.Registerer.MustRegister(newCollector(p))
	return p, nil
}

// make returns a provider that is in no table. Metrics show the models, and
// those that the settings list, one by one.
func (p *Providers) make(name string, s Settings, models []string) (*Handle, error) {
	own := p.shared.of(name, slices.Concat(s.Models, models))
	u, err := p.newUpstream(name, s, own)
	if err != nil {
		return nil, err
	}
	h := newHandle(name, s, u, own)
	h.room = p.room
	return h, nil
}

func (p *Providers) newUpstream(name string, s Settings, m *providerMetrics) (upstream, error) {
	if s.Kind == KindSimulated {
		return newSimulation(name, s), nil
	}
	return newClient(name, s, p.poller, m)
}

// Handles lists the providers by name. The caller must not change what it gets.
func (p *Providers) Handles() []*Handle { return p.table.Load().sorted }

// Handle returns the provider of a name; found is false where there is none.
func (p *Providers) Handle(name string) (h *Handle, found bool) {
	h, found = p.table.Load().handles[name]
	return h, found
}

// Open calls a target. Its errors are *messages.Failure.
func (p *Providers) Open(ctx context.Context, target messages.Target, call *messages.Call) (Answer, error) {
	h, found := p.Handle(target.Provider)
	if !found {
		return nil, gone(target)
	}
	return h.Open(ctx, target.Model, call)
}

// Refusal says why a call to the target would be refused now, and when it would
// not be; nil means that it would be made. The router asks it for each request.
func (p *Providers) Refusal(target messages.Target) *messages.Failure {
	h, found := p.Handle(target.Provider)
	if !found {
		return gone(target)
	}
	return h.Refusal(target.Model)
}

// IsSpare tells of a target that is refused whether it would take the call all
// the same, which is for when nobody else does.
func (p *Providers) IsSpare(target messages.Target) bool {
	h, found := p.Handle(target.Provider)
	return found && h.IsSpare(target.Model)
}

// Load is how many calls run at the target's provider, and how long the target
// took of late to begin an answer; zero where nothing is known. The router asks it
// for routes that go by it.
func (p *Providers) Load(target messages.Target, streamed bool) (inFlight int64, latency time.Duration) {
	h, found := p.Handle(target.Provider)
	if !found {
		return 0, 0
	}
	return h.Load(target.Model, streamed)
}

// gone refuses a call to a provider that was taken away behind the back of a turn
// that had its route already. Another target may do; a later request has another
// route.
func gone(target messages.Target) *messages.Failure {
	return &messages.Failure{
		Code: messages.CodeProviderUnavailable, What: fmt.Sprintf("there is no provider %q any more", target.Provider),
		Do: "send the request again", Param: "model", RetryAfter: time.Second, Cause: messages.ErrProviderGone,
	}
}

// Close closes the connections that are idle, and the others as their calls
// end.
func (p *Providers) Close() {
	for _, h := range p.Handles() {
		h.Close()
	}
}
