package tenant

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
)

// LimiterDeps is what a limiter needs.
type LimiterDeps struct {
	Shares     Shares // nil where there is one node
	Registerer prometheus.Registerer
}

// Limiter tells whether a request is within all limits that apply to it, and
// counts it. It answers from memory: with four limits of three resources in a
// microsecond, without an allocation (BenchmarkEnter). It is safe for concurrent
// use.
type Limiter struct {
	cfg     LimitConfig
	rules   atomic.Pointer[rules]
	holders *holders
	clock   func() int64 // microseconds since it was made, whatever clocks do
	held    sync.Pool    // of *hold
	metrics *limitMetrics
	sharing *sharing // nil where there is one node

	loading sync.Mutex // held by whoever loads
	version uint64     // of the store's limits, as loaded last; 0 before that
}

// NewLimiter returns a limiter that nobody has used yet.
func NewLimiter(cfg LimitConfig, deps LimiterDeps) (*Limiter, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	l := &Limiter{cfg: cfg, holders: newHolders(), clock: stopwatch()}
	l.metrics = newLimitMetrics(deps.Registerer, l.holders)
	if deps.Shares != nil {
		l.sharing = newSharing(deps.Shares, cfg.Nodes, newShareMetrics(deps.Registerer))
	}
	l.held.New = func() any { return new(hold) }
	l.rules.Store(newRules(&cfg, nil))
	return l, nil
}

// typicalOutput is how many tokens of output are expected of a reply. What a
// client gives as its most is a bound that few replies come near; counted in
// advance it would keep most of a limit from being used.
const typicalOutput = 500

// expect is how many tokens a turn will use, as far as its request tells.
func expect(spec *messages.TurnSpec) int64 {
	output := typicalOutput
	if most := spec.Options.MaxTokens; most != nil {
		output = min(output, max(*most, 0))
	}
	return int64(messages.EstimateTokens(spec.Input) + messages.TokensOf(len(spec.Instructions)) + output*max(1, spec.Options.N))
}

// Enter lets a turn pass, or fails with CodeRateLimited. It sets the turn's Rates
// and Weight either way, and its Limited where it passed.
func (l *Limiter) Enter(m *messages.StartTurn) error {
	spec := m.Spec
	m.Weight = l.rules.Load().weights[spec.Tenant]
	h := l.gather(messages.LimitUse{Tenant: spec.Tenant, Key: spec.Key, Model: spec.Model, Address: spec.Address})
	if h == nil {
		return nil
	}
	h.wanted = amounts{requests: 1, turns: 1, tokens: 1}
	if h.limit(tokens) {
		h.wanted[tokens] = expect(spec)
	}
	err := h.take(&m.Rates)
	if err == nil {
		m.Limited = h
	}
	return err
}

// Begin is for what is no turn and uses a model all the same: it lets a request of
// so many tokens pass, or fails with CodeRateLimited. The hold is nil where there is
// nothing to settle.
func (l *Limiter) Begin(use messages.LimitUse, count int) (held messages.LimitHold, rates messages.Rates, err error) {
	return l.acquire(use, amounts{requests: 1, turns: 1, tokens: int64(count)})
}

// Connect lets a WebSocket connection be, or fails with CodeRateLimited. The hold,
// which may be nil, is settled when the connection ends.
func (l *Limiter) Connect(use messages.LimitUse) (held messages.LimitHold, err error) {
	held, _, err = l.acquire(use, amounts{connections: 1})
	return held, err
}

// Message lets a message that came over a WebSocket pass, or fails with
// CodeRateLimited.
func (l *Limiter) Message(use messages.LimitUse) error {
	held, _, err := l.acquire(use, amounts{socketMessages: 1})
	if held != nil {
		held.Settle(0)
	}
	return err
}

func (l *Limiter) acquire(use messages.LimitUse, wanted amounts) (held messages.LimitHold, rates messages.Rates, err error) {
	h := l.gather(use)
	if h == nil {
		return nil, rates, nil
	}
	h.wanted = wanted
	if err = h.take(&rates); err != nil {
		return nil, rates, err
	}
	return h, rates, nil
}

// gather finds whose limits apply, and locks them until take returns; nil where
// there are none.
func (l *Limiter) gather(use messages.LimitUse) *hold {
	h, rules, now := l.held.Get().(*hold), l.rules.Load(), l.clock()
	h.limiter, h.count = l, 0
	h.add(holderName{scope: tenantScope, tenant: use.Tenant}, rules, now)
	if use.Key != "" {
		h.add(holderName{scope: keyScope, tenant: use.Tenant, name: string(use.Key)}, rules, now)
	}
	if use.Model != "" {
		h.add(holderName{scope: modelScope, tenant: use.Tenant, name: use.Model}, rules, now)
	}
	if use.Address != "" && rules.defaults[addressScope] != (amounts{}) {
		h.add(holderName{scope: addressScope, source: sourceOf(use.Address)}, rules, now)
	}
	if h.count == 0 {
		l.held.Put(h)
		return nil
	}
	return h
}

// stopwatch counts microseconds, whatever clocks do.
func stopwatch() func() int64 {
	start := time.Now()
	return func() int64 { return time.Since(start).Microseconds() }
}
