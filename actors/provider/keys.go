package provider

import (
	"time"

	"example.com/parley/messages"
)

// A provider may have several keys, each with limits of its own. Calls go round
// them, but for those of a conversation, which stay with one. A key that the
// provider limits for a model is parked for as long as it says, and the call that
// found out goes on with the next at once.

// maxKeys is more than anybody has; a set of them fits into a word.
const maxKeys = 64

// keys are those of the provider, at least one: an empty one is not sent.
func (s *Settings) keys() []string {
	if s.APIKey == "" && len(s.APIKeys) > 0 {
		return s.APIKeys
	}
	return append([]string{s.APIKey}, s.APIKeys...)
}

// Place is what a provider limits: a model, for one key.
type Place struct {
	Model string
	Key   int // counted from 1; 0 where there is but one
}

func placeOf(model string, key, keys int) Place {
	if keys == 1 {
		return Place{Model: model}
	}
	return Place{Model: model, Key: key + 1}
}

// freeKey returns the first key from start on that is not parked for the model and
// not among those that were tried, or -1 and when the first of them is free.
func (h *health) freeKey(model string, keys int, start, tried uint64, now time.Time) (key int, soonest time.Time) {
	for i := range keys {
		key := int((start + uint64(i)) % uint64(keys)) // #nosec G115 -- below maxKeys
		if tried&(1<<key) != 0 {
			continue
		}
		until, parked := h.parked[placeOf(model, key, keys)]
		if !parked || !now.Before(until) {
			return key, time.Time{}
		}
		if soonest.IsZero() || until.Before(soonest) {
			soonest = until
		}
	}
	return -1, soonest
}

// nextKey is where the search for a key begins. Keys may be of accounts that each
// have a prompt cache: calls that are alike begin with the same.
func (h *Handle) nextKey(alike messages.Affinity) uint64 {
	switch {
	case h.keys == 1:
		return 0
	case alike != 0:
		return alike.Score(0) % uint64(h.keys)
	default:
		return h.turn.Add(1) - 1
	}
}

// mayUseAnotherKey tells whether the failure of a call is one of its key.
func mayUseAnotherKey(err error) bool {
	switch messages.CodeOf(err) {
	case messages.CodeProviderLimited, messages.CodeProviderQuota, messages.CodeProviderKey:
		return true
	default:
		return false
	}
}

// outcomeOfKey says what a failed call tells about its key, where another is there
// to be used: one that is refused, or limited without a word for how long, is left
// alone for a while, and the provider itself is not to blame.
func outcomeOfKey(err error) messages.Outcome {
	wait := messages.AsFailure(err).RetryAfter
	switch {
	case messages.CodeOf(err) == messages.CodeProviderKey:
		wait = refusedFor
	case wait == 0:
		wait = limitedFor
	}
	return messages.Outcome{Kind: messages.OutcomeRateLimited, RetryAfter: wait}
}

const (
	limitedFor = time.Second
	refusedFor = time.Minute
)

// hideAll takes the provider's keys out of what it said.
func (s *Settings) hideAll(f *messages.Failure) *messages.Failure {
	for _, key := range s.keys() {
		f = hide(key, f)
	}
	return f
}
