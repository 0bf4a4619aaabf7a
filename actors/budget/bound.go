package budget

import (
	"strings"

	"example.com/parley/messages"
)

// bound is what an attempt costs at most, and whether its model has a price.
// Whatever of the input is written to the provider's cache is dearer than the rest
// at some models, so that both are looked at.
func (b *Budgets) bound(r *messages.Reservation) (most messages.NanoDollars, priced bool) {
	target := messages.Target{Provider: r.Row.Served.Provider, Model: r.Row.Served.Model}
	usage := messages.Usage{Input: r.MostInput, Output: b.mostOutput(r)}
	plain := b.deps.Charge(target, usage, r.Row.Created)
	if !plain.Known {
		return 0, false
	}
	usage.CacheWrite = usage.Input
	return max(plain.Cost, b.deps.Charge(target, usage, r.Row.Created).Cost), true
}

// mostOutput is how many tokens a reply has at most, all choices together.
func (b *Budgets) mostOutput(r *messages.Reservation) int {
	each := r.MaxOutput
	if each <= 0 {
		each = capOf(r.Row.Served.Model, b.cfg.MaxOutput)
	}
	return each * max(1, r.Choices)
}

// caps are how many tokens of output models can have, reasoning included, by how
// their names begin; the first that fits holds, so that longer ones come first.
// They count only where a request names no limit.
var caps = [...]struct {
	prefix string
	tokens int
}{
	{"gpt-5", 128_000},
	{"gpt-6", 128_000},
	{"gpt-4.1", 32_768},
	{"gpt-4o", 16_384},
	{"chatgpt-4o", 16_384},
	{"gpt-4-turbo", 4_096},
	{"gpt-4", 8_192},
	{"gpt-3.5", 4_096},
	{"o1-mini", 65_536},
	{"o1", 100_000},
	{"o3", 100_000},
	{"o4", 100_000},
	{"claude-opus-4-1", 32_000},
	{"claude-opus-4-2", 32_000},
	{"claude-3-5", 8_192},
	{"claude-3-7", 64_000},
	{"claude-3", 4_096},
	{"claude-", 128_000},
	{"gemini-", 65_536},
}

// capOf is a model's cap, or otherwise where none is known.
func capOf(model string, otherwise int) int {
	for i := range caps {
		if strings.HasPrefix(model, caps[i].prefix) {
			return caps[i].tokens
		}
	}
	return otherwise
}
