package messages

import "time"

// Target is a provider and its own name for a model: one place to send a call.
type Target struct {
	Provider string
	Model    string
}

// String returns provider/model, as a request may name a target.
func (t Target) String() string { return t.Provider + "/" + t.Model }

// ModelCard describes a public model name.
type ModelCard struct {
	Name    string
	OwnedBy string // the provider, or "parley" for a name with fallbacks
	Created time.Time
}

// BreakerState is where a circuit breaker stands.
type BreakerState uint8

// The states.
const (
	BreakerClosed BreakerState = iota
	BreakerHalfOpen
	BreakerOpen
)

var breakerNames = [...]string{"closed", "half_open", "open"}

// String is the state as the metrics and the admin API have it.
func (s BreakerState) String() string { return breakerNames[s] }

// OutcomeKind is how a call went, as far as the provider's health is concerned.
type OutcomeKind uint8

// The kinds. Only the failures count against the breaker.
const (
	OutcomeSuccess     OutcomeKind = iota
	OutcomeRejected                // the request's own fault: 4xx other than 408 and 429
	OutcomeRateLimited             // 429
	OutcomeFailed                  // 5xx, refused, reset, or nonsense
	OutcomeTimedOut
	OutcomeCancelled // by our client, or at its deadline; says nothing of the provider
	OutcomeLocal     // a limit or a fault of our own; says nothing of the provider
)

var outcomeNames = [...]string{"success", "rejected", "rate_limited", "failed", "timed_out", "cancelled", "local"}

// String is the kind as the metrics have it.
func (k OutcomeKind) String() string { return outcomeNames[k] }

// Outcome tells a provider's actor how one call went.
type Outcome struct {
	Kind       OutcomeKind
	Probe      bool          // it was the one call that a half-open breaker let through
	FirstByte  time.Duration // from sending to the first byte of the answer; zero when none came
	Total      time.Duration
	RetryAfter time.Duration // what the provider asked for
}
