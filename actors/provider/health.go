package provider

import (
	"maps"
	"sync/atomic"
	"time"

	"example.com/parley/messages"
)

// health is what the actor publishes. It is immutable but for the claim. The
// zero value is that of a provider that nothing is known of, but for the claim.
type health struct {
	standing standing
	drained  bool // by an operator: it takes no new calls
	// ejected is until when, and why, the provider goes behind the others. It
	// still takes the calls that nobody else does.
	ejected standing
	// probing is claimed by the one call that a half-open breaker lets
	// through. Its place stays the same until that call is decided, or the
	// breaker stands elsewhere.
	probing *atomic.Bool
	// parked is until when the provider takes no calls for a model, as it
	// said itself: limits are per model and key. See place.
	parked map[Place]time.Time
}

func newClaim() *atomic.Bool { return new(atomic.Bool) }

// stand has callers see where the breaker stands now. A probe that still runs
// was let through where it stood before, and keeps no other away.
func (h *health) stand(s standing) { h.standing, h.probing = s, newClaim() }

const (
	maxParked = 256              // models of one provider; more than that are not limited one by one
	longest   = 10 * time.Minute // that one answer may park a model: limits are seconds or minutes, whatever else it says
)

// park returns parked with one more model, without those whose time is over.
func park(parked map[Place]time.Time, place Place, retryAfter time.Duration, now time.Time) map[Place]time.Time {
	next := stillParked(parked, now)
	if len(next) >= maxParked {
		return next
	}
	if next == nil {
		next = make(map[Place]time.Time, 1)
	}
	next[place] = now.Add(min(retryAfter, longest))
	return next
}

// stillParked is a copy without those whose time is over.
func stillParked(parked map[Place]time.Time, now time.Time) map[Place]time.Time {
	still := maps.Clone(parked)
	maps.DeleteFunc(still, func(_ Place, until time.Time) bool { return !now.Before(until) })
	return still
}

// smooth is an exponentially weighted mean, in which the last few dozen calls
// count.
func smooth(mean, latest time.Duration) time.Duration {
	const weight = 16
	if mean == 0 {
		return latest
	}
	return mean + (latest-mean)/weight
}

// isEjected tells whether the provider goes behind the others.
func (h *health) isEjected(now time.Time) bool { return h.ejected.state(now) == messages.BreakerOpen }

// refusal says why the provider takes no call for the model now, and for how
// long; nil means that it does. One that is ejected does.
func (h *health) refusal(name, model string, keys int, now time.Time) *messages.Failure {
	if h.drained {
		return outOfUse(name, operatorPatience)
	}
	if len(h.parked) > 0 {
		if key, until := h.freeKey(model, keys, 0, 0, now); key < 0 {
			return limited(name, model, until.Sub(now))
		}
	}
	switch h.standing.state(now) {
	case messages.BreakerOpen:
		return h.standing.refusal(name, now)
	case messages.BreakerHalfOpen:
		if h.probing.Load() {
			return unavailable(name, probePatience)
		}
	}
	return nil
}

// refusal is what an open breaker says.
func (s standing) refusal(name string, now time.Time) *messages.Failure {
	switch {
	case s.cause != causeOperator:
		return unavailable(name, s.until.Sub(now))
	case s.until.IsZero():
		return outOfUse(name, operatorPatience)
	default:
		return outOfUse(name, s.until.Sub(now))
	}
}

// operatorPatience is what callers are told while nobody knows when an operator
// wants a provider back.
const operatorPatience = time.Minute

// probePatience is what callers are told while a probe runs: its first byte, or
// its failure, is seldom further away.
const probePatience = time.Second

// claimProbe lets one caller through a half-open breaker. It returns true for
// that one.
func (h *health) claimProbe() bool { return h.probing.CompareAndSwap(false, true) }
