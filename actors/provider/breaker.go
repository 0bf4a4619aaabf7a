package provider

import (
	"time"

	"example.com/parley/messages"
)

// policy says when a breaker opens, and for how long.
type policy struct {
	failures int           // in a row that open it
	open     time.Duration // at first
	maxOpen  time.Duration // at most
}

// breaker keeps calls away from a provider that fails. It is a value: after
// returns the next one. Its zero value is closed.
//
//	closed    --failures in a row--> open
//	open      --time-->              half open: one call goes through, the probe
//	half open --probe succeeds-->    closed
//	half open --probe fails-->       open, twice as long as before
type breaker struct {
	failures int                  // in a row, while closed
	trips    int                  // times that it opened without closing in between
	until    time.Time            // the probe's time; zero while closed
	cause    messages.OutcomeKind // of the failure that opened it
}

// state is where the breaker stands at the given time. Nothing has to happen
// for it to become half open.
func (b breaker) state(now time.Time) messages.BreakerState {
	switch {
	case b.until.IsZero():
		return messages.BreakerClosed
	case now.Before(b.until):
		return messages.BreakerOpen
	default:
		return messages.BreakerHalfOpen
	}
}

// after is the breaker once a call has ended as o says. While it is not closed
// only the probe counts: the others began before it opened.
func (b breaker) after(o messages.Outcome, now time.Time, p policy) breaker {
	closed := b.until.IsZero()
	switch {
	case !closed && !o.Probe, o.Kind == messages.OutcomeCancelled:
		return b
	case closed && o.Kind == messages.OutcomeSuccess, !closed && alive(o):
		return breaker{}
	case alive(o):
		return b
	}
	b.failures++
	if closed && b.failures < p.failures {
		return b
	}
	return breaker{trips: b.trips + 1, until: now.Add(p.interval(b.trips)), cause: o.Kind}
}

// alive tells whether the provider does its work: a request that it rejects, or
// puts off until a time that it names, is no fault of its own.
func alive(o messages.Outcome) bool {
	switch o.Kind {
	case messages.OutcomeSuccess, messages.OutcomeRejected:
		return true
	case messages.OutcomeRateLimited:
		return o.RetryAfter > 0
	default:
		return false
	}
}

// interval is how long the breaker stays open after it opened trips times
// before: it doubles up to the limit.
func (p policy) interval(trips int) time.Duration {
	const enough = 30 // doublings: a nanosecond has become a second
	d := p.open << min(trips, enough)
	if d <= 0 || d>>min(trips, enough) != p.open || d > p.maxOpen {
		return p.maxOpen
	}
	return d
}
