package cache

import "example.com/parley/messages"

// Bypass says why the cache was not asked for a request. It is a metric's label.
type Bypass string

// The reasons, of which docs/decisions/semantic-cache.md says why.
const (
	BypassOff     Bypass = "off"
	BypassAsked   Bypass = "asked"   // the request wants that
	BypassTools   Bypass = "tools"   // a call of a tool has effects
	BypassSeveral Bypass = "choices" // n above 1: who wants several wants them to differ
	BypassSeed    Bypass = "seed"
	BypassDetail  Bypass = "logprobs"
	BypassMedia   Bypass = "media"
	BypassEmpty   Bypass = "empty"
)

// unfit tells why a request is never answered from the cache, if it is not.
func unfit(spec *messages.TurnSpec, items []messages.Item) Bypass {
	o := &spec.Options
	switch {
	case spec.Cache.NoStore:
		return BypassAsked
	case len(o.Tools) > 0:
		return BypassTools
	case o.N > 1:
		return BypassSeveral
	case o.Seed != nil:
		return BypassSeed
	case o.Logprobs || o.TopLogprobs != nil:
		return BypassDetail
	}
	for i := range items {
		switch items[i].Kind {
		case messages.ItemToolCall, messages.ItemToolOutput:
			return BypassTools
		}
		for p := range items[i].Parts {
			if kind := items[i].Parts[p].Kind; kind == messages.PartImage || kind == messages.PartOther {
				return BypassMedia
			}
		}
	}
	if len(items) == 0 {
		return BypassEmpty
	}
	return ""
}

// literalTemperature is the temperature above which a client that sets one wants
// replies to differ, if not to the same question then to others.
const literalTemperature = 0.3

// comparableText returns the text of a request that may be answered by the reply to
// another question: one message of a user behind instructions. There is none of any
// other: what is meant then depends on what was said before.
func comparableText(spec *messages.TurnSpec, items []messages.Item, instructions int) (text string, ok bool) {
	if len(items) != instructions+1 || spec.Options.Temperature != nil && *spec.Options.Temperature > literalTemperature {
		return "", false
	}
	asked := &items[instructions]
	if asked.Kind != messages.ItemMessage || asked.Role != messages.RoleUser {
		return "", false
	}
	return asked.Text(), true
}

// instructionsOf counts the items at the beginning that tell the model how to
// answer.
func instructionsOf(items []messages.Item) (n int) {
	for n < len(items) && (items[n].Role == messages.RoleSystem || items[n].Role == messages.RoleDeveloper) {
		n++
	}
	return n
}
