package main

import "time"

// fault is one way in which a provider fails.
type fault struct {
	name     string
	kind     string        // of the provider; empty: openai
	address  place         // what is wrong with its address
	terms    string        // how the fake behaves there, in the words of its documentation
	testing  string        // the same while recovery is measured; empty: as terms
	limit    time.Duration // of the server, which each call runs into
	forgiven bool          // no breaker opens over it
	shown    bool          // a client has seen some text: another provider takes over only where the client asked for that
	apart    bool          // the provider is left alone by the model: each request has to have its own
	within   float64       // ms that it may add while the breaker is closed, 99 times of 100; 0: no target
}

// anthropic is the kind of provider whose replies begin with what their input
// costs, before any text.
const anthropic = "anthropic"

// place is how a provider's address behaves.
type place uint8

const (
	serving  place = iota // the fake answers
	unheard               // nobody listens
	silent                // connections are never accepted: packets are lost, as it seems
	impostor              // its certificate is one that nobody trusts
)

// The server's limits. They are short, so that a run is.
const (
	connectLimit = 250 * time.Millisecond
	beginLimit   = 250 * time.Millisecond // until the first byte of a stream
	stallLimit   = 250 * time.Millisecond // between two events
	replyLimit   = 8 << 10                // bytes
)

// faults is everything that is tried.
func faults() []fault {
	return []fault{
		{name: "status_500", terms: "fault-500", within: 10},
		{name: "limited", terms: "fault-429-retry-30", testing: "fault-429-retry-1", apart: true, within: 5},
		{name: "refused", address: unheard, within: 10},
		{name: "hung_up", terms: "fault-refuse", within: 10},
		{name: "black_hole", address: silent, limit: connectLimit, within: 5},
		{name: "untrusted", address: impostor, within: 10},
		{name: "slow", terms: "delay-10s", limit: beginLimit, within: 10},
		{name: "cut_before_text", terms: "fault-cut", within: 10},
		{name: "cut_when_priced", kind: anthropic, terms: "fault-cut", within: 10},
		// A line that cannot be read is left out.
		{name: "malformed", terms: "fault-malformed-after-3", forgiven: true, within: 10},
		{name: "stalled", terms: "fault-stall-after-3", limit: stallLimit, shown: true},
		{name: "cut", terms: "fault-cut-after-3", shown: true},
		{name: "garbled", terms: "fault-malformed-after-3-times-9", shown: true},
		{name: "endless", terms: "fault-endless", forgiven: true, shown: true},
	}
}

// state is how the breaker of a failing provider stands, and what is asked of it.
type state string

const (
	closed    state = "closed"
	open      state = "open"
	heal      state = "heal"
	continued state = "continued" // closed, and clients ask for another provider to go on
)

// provider is the name of the one that fails, in a state.
func (f *fault) provider(s state) string { return f.name + "-" + string(s) }

// The breaker's intervals: one that outlasts every measurement, and one that
// does not let a run wait.
const (
	openInterval = 5 * time.Minute
	healInterval = 500 * time.Millisecond
)

// nextTest is how long a provider is left alone whose first test failed: twice as
// long as before, or as long as it asked for.
const nextTest = 2 * healInterval

// between is the distance of the requests that find out when a provider serves
// again: it is known no more exactly.
const between = 5 * time.Millisecond
