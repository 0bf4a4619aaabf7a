package router

import (
	"errors"
	"math"
	"slices"

	"example.com/parley/messages"
)

// Sticky says whether calls of one conversation, or of one prompt_cache_key, go
// to the same one of the targets that share calls, as long as it takes them.
type Sticky uint8

// What there is to say.
const (
	StickyAuto Sticky = iota // where targets take turns, and one of them sells cached input for less
	StickyOn
	StickyOff
)

var stickyNames = [...]string{"auto", "on", "off"}

// String is the word for it in the configuration.
func (s Sticky) String() string { return stickyNames[s] }

// Allowed names the words, as the end of a sentence.
func (Sticky) Allowed() string { return "give one of auto, on, off" }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Sticky) UnmarshalText(text []byte) error {
	at := slices.Index(stickyNames[:], string(text))
	if at < 0 {
		return errors.New(s.Allowed())
	}
	*s = Sticky(at) // #nosec G115 -- a handful
	return nil
}

// mayStick tells whether a call has been made like this one.
func (j *judge) mayStick() bool { return j != nil && j.call != nil && j.call.Affinity != 0 }

// sticks tells whether a call goes where its like went before. Who says how to
// choose for one request means that.
func (j *judge) sticks(mode Sticky, asked, own messages.Strategy, targets []messages.Target) bool {
	switch {
	case !j.mayStick(), len(targets) < 2, mode == StickyOff, asked != messages.StrategyUnset:
		return false
	case mode == StickyOn:
		return true
	default:
		return !own.Measured() && slices.ContainsFunc(targets, j.cachePays)
	}
}

// cachePays tells whether a target sells input that it has in its prompt cache
// for less.
func (j *judge) cachePays(target messages.Target) bool {
	const tokens = 1000
	fresh, priced := j.prices.Cost(target, messages.Usage{Input: tokens})
	cached, _ := j.prices.Cost(target, messages.Usage{Input: tokens, Cached: tokens})
	return priced && cached < fresh
}

// stick puts the targets into the order in which they suit the call's affinity:
// rendezvous hashing. So a target that is out leaves its conversations to the
// others evenly, takes no others away from them, and has its own back when it is
// well. Weights hold for the number of conversations: the one with the largest
// weight/-ln(u) is first, where u is its score as a number between 0 and 1
// (Schindelhauer and Schomaker, 2005).
func (l *level) stick(targets []messages.Target, affinity messages.Affinity) {
	sortBy(targets, func(i int) float64 {
		u := (float64(affinity.Score(l.places[i])>>11) + 0.5) / (1 << 53)
		return -math.Log(u) / float64(l.weights[i]) // the lowest first
	})
}

// placesOf are the targets' providers as affinities know them. A model that the
// caller names is the same at each.
func placesOf(targets []messages.Target) []uint64 {
	places := make([]uint64, len(targets))
	for i, target := range targets {
		places[i] = messages.Hash(target.Provider, target.Model)
	}
	return places
}
