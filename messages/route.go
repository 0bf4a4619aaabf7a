package messages

import (
	"errors"
	"slices"
	"strings"
)

// Routing is what a turn tells the router of the call that it wants to make.
type Routing struct {
	Model    string // the public name, as the client wrote it
	Override RouteOverride
	Allowed  *Allowed // nil for everything
	Call     *Call    // what is to be sent, for routes that look at its size; nil where that is not known
}

// RouteOverride is what a request says itself of who is to answer it, over what
// the configuration says. Its zero value says nothing.
type RouteOverride struct {
	Targets  []Target `json:"targets,omitempty"`  // instead of the model's; in this order unless there is a strategy
	Strategy Strategy `json:"strategy,omitempty"` // instead of those of the model's levels
}

// ParseTarget takes a provider/model apart. The model's name may have slashes.
func ParseTarget(s string) (t Target, ok bool) {
	t.Provider, t.Model, ok = strings.Cut(s, "/")
	return t, ok && t.Provider != "" && t.Model != ""
}

// Strategy says which of the targets that share calls is asked first.
type Strategy uint8

// The strategies.
const (
	StrategyUnset         Strategy                    = iota // not said: as weighted, among neighbours with a weight
	StrategyWeighted                                         // in turns, each as often as its weight says
	StrategyRoundRobin                                       // in turns, all alike
	StrategyLeastInFlight                                    // the one whose provider has the fewest calls running
	StrategyLatency                                          // the one that began to answer fastest of late, counting those that wait there
	StrategyCheapest                                         // the one with the lowest price for the request
	Strategies            = int(StrategyCheapest) + 1        // how many there are
)

var strategyNames = [Strategies]string{"weighted", "weighted", "round-robin", "least-in-flight", "latency", "cheapest"}

// String is the word for it in the configuration and in headers.
func (s Strategy) String() string { return strategyNames[s] }

// Measured tells whether the order comes from what is known of the targets when
// a call is made. Else it is made beforehand.
func (s Strategy) Measured() bool { return s >= StrategyLeastInFlight }

// Allowed names the strategies, as the end of a sentence.
func (Strategy) Allowed() string {
	return "give one of " + strings.Join(strategyNames[StrategyWeighted:], ", ")
}

// MarshalText implements [encoding.TextMarshaler].
func (s Strategy) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Strategy) UnmarshalText(text []byte) error {
	at := slices.Index(strategyNames[StrategyWeighted:], string(text))
	if at < 0 {
		return errors.New(s.Allowed())
	}
	*s = StrategyWeighted + Strategy(at) // #nosec G115 -- a handful
	return nil
}
