package provider

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// Handle is what callers hold of a provider. It outlives the actor's restarts
// and is safe for concurrent use.
type Handle struct {
	name     string
	settings Settings
	upstream upstream
	metrics  *providerMetrics
	keys     int           // how many, at least 1
	turn     atomic.Uint64 // of the keys

	health   atomic.Pointer[health]
	latency  atomic.Int64 // nanoseconds until the first byte, smoothed; the actor alone writes it
	inFlight atomic.Int64
	room     *room // of all providers; nil for one by itself
	paces    paces
	tell     atomic.Pointer[func(any)] // to the actor; nil until it was spawned
	record   record                    // of what calls came to
	breaker  breaker                   // the actor's own; others see what it publishes

	concurrency concurrency
}

// upstream makes calls. The dialects of HTTP share one; the simulated provider
// is another.
type upstream interface {
	// open makes one call with the key of the given number.
	open(ctx context.Context, model string, key int, call *messages.Call) (Answer, error)
	connections() (idle, busy int)
	close()
}

// Answer is a provider's reply as it comes in. One goroutine uses it, and
// closes it, whatever happened.
type Answer interface {
	// Next returns the next chunk, the first of which is ChunkOpened, and
	// io.EOF after the last, which is never ChunkEnd. Any other error is a
	// *messages.Failure.
	Next() (messages.Chunk, error)
	// Close ends the call if it still runs, and frees the connection.
	Close() error
}

func newHandle(name string, s Settings, u upstream, m *providerMetrics) *Handle {
	h := &Handle{
		name: name, settings: s, upstream: u, metrics: m, keys: len(s.keys()), breaker: breaker{policy: s.policy()},
	}
	h.health.Store(&health{probing: newClaim()})
	h.concurrency.set(s)
	return h
}

// Name is the operator's name of the provider.
func (h *Handle) Name() string { return h.name }

// Props returns the provider's actor.
func (h *Handle) Props() *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor { return &provider{handle: h} })
}

// sawFirstByte is called by the actor, with zero for a call that got none.
func (h *Handle) sawFirstByte(after time.Duration) {
	if after > 0 {
		h.latency.Store(int64(smooth(time.Duration(h.latency.Load()), after)))
	}
}

func (h *Handle) attach(tell func(any)) { h.tell.Store(&tell) }

// tellActor sends a message to the actor, if there is one.
func (h *Handle) tellActor(message any) {
	if tell := h.tell.Load(); tell != nil {
		(*tell)(message)
	}
}

// report tells the actor how a call went.
func (h *Handle) report(m *ended) { h.tellActor(m) }

// Refusal says why the provider should not be asked for the model now, and until
// when; nil means that it may be.
func (h *Handle) Refusal(model string) *messages.Failure {
	known := h.health.Load()
	if known.standing.cause == causeNone && !known.drained && known.ejected.cause == causeNone && len(known.parked) == 0 {
		if h.isFull() {
			return atLimit(h.name)
		}
		return nil // without asking for the time
	}
	now := time.Now()
	if refusal := known.refusal(h.name, model, h.keys, now); refusal != nil {
		return refusal
	}
	if known.isEjected(now) {
		return unavailable(h.name, known.ejected.until.Sub(now))
	}
	if h.isFull() {
		return atLimit(h.name)
	}
	return nil
}

// IsSpare tells of a provider that should not be asked whether it would answer
// all the same: it was ejected or has as many calls as it takes well, and nothing
// else is wrong with it.
func (h *Handle) IsSpare(model string) bool {
	known, now := h.health.Load(), time.Now()
	return (known.isEjected(now) || h.isFull()) && known.refusal(h.name, model, h.keys, now) == nil
}

// Load is how many calls run, and how long the model took of late to begin an
// answer, as peaks have it; zero where nothing is known. It allocates nothing.
func (h *Handle) Load(model string, streamed bool) (inFlight int64, latency time.Duration) {
	inFlight = h.inFlight.Load()
	if known := h.paces.of(model); known != nil {
		latency = known.of(streamed).at(time.Now())
	}
	return inFlight, latency
}

// Open makes one call and returns once the provider has answered with success.
// The call ends with ctx at the latest. Errors are *messages.Failure.
func (h *Handle) Open(ctx context.Context, model string, call *messages.Call) (Answer, error) {
	now := time.Now()
	known := h.health.Load()
	if refusal := known.refusal(h.name, model, h.keys, now); refusal != nil {
		return nil, refusal
	}
	c := &attempt{handle: h, model: model, started: now}
	if known.standing.state(now) == messages.BreakerHalfOpen {
		if !known.claimProbe() {
			return nil, unavailable(h.name, probePatience)
		}
		c.claim = known.probing
	}
	return c.open(ctx, call)
}

// Snapshot tells how a provider is.
type Snapshot struct {
	Name      string
	Kind      Kind
	Simulated bool
	State     messages.BreakerState
	Reason    string              // why the breaker is not closed
	NextProbe time.Time           // when it lets a call through again; zero while it is closed, or open until somebody resets it
	Drained   bool                // it takes no new calls, since an operator wants so
	Ejected   time.Time           // until when it goes behind the others; zero where it does not
	Outlier   string              // why it was ejected
	Parked    map[Place]time.Time // what the provider limits, and until when
	InFlight  int64
	Limit     int64         // of calls at once, as it is now; 0 for none
	Latency   time.Duration // until the first byte, smoothed over some dozen calls
	BaseURL   string        // empty for a simulated one
	Models    []string      // that it lists; not to be changed
}

// Snapshot returns how the provider is now.
func (h *Handle) Snapshot() Snapshot {
	known, now := h.health.Load(), time.Now()
	s := Snapshot{
		Name: h.name, Kind: h.settings.Kind, Simulated: h.settings.Kind == KindSimulated,
		State: known.standing.state(now), Reason: known.standing.cause.String(), NextProbe: known.standing.until, Drained: known.drained,
		Parked: stillParked(known.parked, now), InFlight: h.inFlight.Load(), Latency: time.Duration(h.latency.Load()),
		Models: h.settings.Models,
	}
	if !s.Simulated {
		s.BaseURL = h.settings.BaseURL
	}
	if limit := h.concurrency.limit.Load(); limit < math.MaxInt64 {
		s.Limit = limit
	}
	if known.isEjected(now) {
		s.Ejected, s.Outlier = known.ejected.until, known.ejected.cause.String()
	}
	return s
}
