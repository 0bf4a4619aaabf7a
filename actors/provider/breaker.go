package provider

import (
	"time"

	"example.com/parley/messages"
)

// policy says when a breaker opens, and for how long.
type policy struct {
	failures int           // in a row that open it
	window   time.Duration // in which the share of failures is taken
	calls    int           // in the window, below which a share says nothing
	share    float64       // of failures in the window that opens it; above 0, at most 1
	open     time.Duration // at first
	maxOpen  time.Duration // at most
}

// breaker keeps calls away from a provider that fails. It knows no clock and
// allocates nothing; one goroutine uses it. [breaker.standing] is what others
// get to see.
//
//	closed    --failures in a row, or a share of the window--> open
//	open      --time-->              half open: one call goes through, the probe
//	half open --probe succeeds-->    closed
//	half open --probe fails-->       open, twice as long as before
//	any       --trip, reset-->       open, closed: as somebody wants it
type breaker struct {
	policy   policy
	standing standing
	failures int       // in a row, while closed
	recent   window    // of the calls that ended while it was closed
	trips    int       // times that it opened since it last had a quiet time
	moved    time.Time // when it opened or closed last; what began before tells of another time
}

// standing is where a breaker stands. It is a value; the zero value is closed.
type standing struct {
	cause cause     // why it is not closed
	until time.Time // when it lets the probe through; zero where nothing but an operator does
}

// cause is why a breaker opened.
type cause uint8

const (
	causeNone cause = iota
	causeFailed
	causeTimedOut
	causeLimited
	causeShare
	causeOperator
	causeFailsMore
	causeSlower
)

// causes are the labels of metrics, and the reasons as an operator reads them.
var causes = [...]struct{ label, reason string }{
	causeNone:     {},
	causeFailed:   {"failed", "its last calls failed"},
	causeTimedOut: {"timed_out", "its last calls took too long"},
	causeLimited:  {"rate_limited", "it takes no more calls, and does not say for how long"},
	causeShare:    {"failure_ratio", "too many of its calls fail"},
	causeOperator: {"operator", "an operator tripped it"},

	causeFailsMore: {"failure_ratio", "it fails more often than the others"},
	causeSlower:    {"latency", "it has become slower, and the others have not"},
}

func (c cause) label() string { return causes[c].label }

// String is what an operator reads as the reason.
func (c cause) String() string { return causes[c].reason }

// state is where the breaker stands at the given time. Nothing has to happen
// for it to become half open.
func (s standing) state(now time.Time) messages.BreakerState {
	switch {
	case s.cause == causeNone:
		return messages.BreakerClosed
	case s.until.IsZero(), now.Before(s.until):
		return messages.BreakerOpen
	default:
		return messages.BreakerHalfOpen
	}
}

// verdict is what one call says about its provider.
type verdict uint8

const (
	saysNothing verdict = iota // it ended for reasons of ours or of the client's
	isAlive                    // it does its work, as far as this call let it
	isGood
	isBad
)

// verdictOn tells errors apart. A request that the provider rejects, or puts off
// until a time that it names, is no fault of its own.
func verdictOn(o messages.Outcome) verdict {
	switch o.Kind {
	case messages.OutcomeSuccess:
		return isGood
	case messages.OutcomeRejected:
		return isAlive
	case messages.OutcomeRateLimited:
		if o.RetryAfter > 0 {
			return isAlive
		}
		return isBad
	case messages.OutcomeFailed, messages.OutcomeTimedOut:
		return isBad
	default:
		return saysNothing
	}
}

// learn takes in a call that ended as o says. It returns true when the breaker
// stands elsewhere now. While it is not closed only the probe counts.
func (b *breaker) learn(o messages.Outcome, began, now time.Time) (moved bool) {
	v := verdictOn(o)
	switch closed := b.standing.cause == causeNone; {
	case v == saysNothing, began.Before(b.moved):
		return false
	case closed:
		return b.count(v, o.Kind, now)
	case !o.Probe || b.standing.until.IsZero():
		return false
	case v == isBad:
		b.open(causeOf(o.Kind), now)
	default:
		b.close(now)
	}
	return true
}

// count takes in a call while the breaker is closed.
func (b *breaker) count(v verdict, kind messages.OutcomeKind, now time.Time) (moved bool) {
	switch v {
	case isGood:
		b.failures = 0
		b.recent.add(now, b.policy.window, false)
	case isBad:
		b.failures++
		b.recent.add(now, b.policy.window, true)
	default:
		return false
	}
	switch calls, failed := b.recent.sum(); {
	case b.failures >= b.policy.failures:
		b.open(causeOf(kind), now)
	case calls >= b.policy.calls && float64(failed) >= b.policy.share*float64(calls):
		b.open(causeShare, now)
	default:
		return false
	}
	return true
}

// open keeps calls away, for longer each time. A breaker that has been closed
// for as long as it may be open has had a quiet time, and begins anew.
func (b *breaker) open(why cause, now time.Time) {
	if b.standing.cause == causeNone && now.Sub(b.moved) >= b.policy.maxOpen {
		b.trips = 0
	}
	b.stand(standing{cause: why, until: now.Add(b.policy.interval(b.trips))}, now)
	b.trips++
}

// trip opens the breaker for as long as somebody wants it to be, or with zero
// until a reset.
func (b *breaker) trip(why cause, length time.Duration, now time.Time) {
	tripped := standing{cause: why}
	if length > 0 {
		tripped.until = now.Add(length)
	}
	b.stand(tripped, now)
}

// reset closes the breaker, whatever happened before.
func (b *breaker) reset(now time.Time) {
	b.close(now)
	b.trips = 0
}

func (b *breaker) close(now time.Time) { b.stand(standing{}, now) }

// stand forgets the calls: what is to come says how the provider is now.
func (b *breaker) stand(s standing, now time.Time) {
	b.standing, b.moved, b.failures = s, now, 0
	b.recent.clear()
}

func causeOf(kind messages.OutcomeKind) cause {
	switch kind {
	case messages.OutcomeTimedOut:
		return causeTimedOut
	case messages.OutcomeRateLimited:
		return causeLimited
	default:
		return causeFailed
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
