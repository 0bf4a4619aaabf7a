package router

import (
	"slices"
	"strings"

	"example.com/parley/messages"
)

// family is a set of model names that everybody knows to be one kind of
// provider's.
type family struct {
	kind     string
	prefixes []string
	known    []string // offered where the provider lists no models of its own
}

// families are the models of those who defined the wire formats.
func families() []family {
	return []family{
		{
			kind:     "openai",
			prefixes: []string{"gpt-", "chatgpt-", "o1", "o3", "o4"},
			known: []string{
				"gpt-6.2-sol", "gpt-6.1-sol", "gpt-6.1-terra", "gpt-6-astra", "gpt-6-luna", "gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna",
				"gpt-5.5", "gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano", "gpt-5.2", "gpt-5.1", "gpt-5", "gpt-5-mini", "gpt-5-nano",
				"gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini", "o1", "o3", "o3-mini", "o4-mini",
			},
		},
		{
			kind:     "anthropic",
			prefixes: []string{"claude-"},
			known: []string{
				"claude-fable-5-1", "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-5", "claude-sonnet-5",
				"claude-opus-4-8", "claude-opus-4-7", "claude-opus-4-6", "claude-opus-4-5",
				"claude-sonnet-4-6", "claude-sonnet-4-5", "claude-haiku-4-5",
			},
		},
	}
}

func (f *family) has(model string) bool {
	return slices.ContainsFunc(f.prefixes, func(prefix string) bool { return strings.HasPrefix(model, prefix) })
}

// providersOf returns who serves a family: the provider that is called like its
// kind; where there is none, those of the kind that do not list what they have.
func providersOf(kind string, providers []Provider) []Provider {
	var open []Provider
	for _, p := range providers {
		switch {
		case p.Kind != kind:
		case p.Name == kind:
			return []Provider{p}
		case len(p.Models) == 0:
			open = append(open, p)
		}
	}
	return open
}

// KnownModels lists by provider the models that the configuration and the
// families name: a bounded set, fit for metrics.
func KnownModels(cfg Config, providers []Provider) map[string][]string {
	known := make(map[string][]string, len(providers))
	add := func(provider, model string) {
		if !slices.Contains(known[provider], model) {
			known[provider] = append(known[provider], model)
		}
	}
	for _, p := range providers {
		for _, model := range p.Models {
			add(p.Name, model)
		}
		if p.Simulated {
			for _, model := range simulatedModels {
				add(p.Name, model)
			}
		}
	}
	for _, f := range families() {
		for _, p := range providersOf(f.kind, providers) {
			for _, model := range f.known {
				add(p.Name, model)
			}
		}
	}
	for _, model := range cfg {
		for _, step := range model.steps() {
			if t, ok := messages.ParseTarget(step.Target); ok {
				add(t.Provider, t.Model)
			}
		}
	}
	return known
}

// simulatedModels are those that are listed; the simulated provider answers to
// any name.
var simulatedModels = []string{"chat", "echo", "lorem"}

// targetsOf is a level of the same model at several providers, who share it by
// weight. An empty model is the caller's to fill in.
func targetsOf(model string, providers []Provider) *level {
	targets := make([]messages.Target, len(providers))
	weights := make([]int, len(providers))
	for i, p := range providers {
		targets[i] = messages.Target{Provider: p.Name, Model: model}
		weights[i] = max(1, p.Weight)
	}
	return newLevel(messages.StrategyUnset, targets, weights)
}
