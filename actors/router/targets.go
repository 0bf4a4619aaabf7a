package router

import (
	"strings"

	"example.com/parley/messages"
)

// Targets lists all the places that answer to a model's name, whether they take
// calls or not, and takes no turn: it is for those who only want to know. It is
// empty where nobody does.
func (r *Router) Targets(model string) []messages.Target { return r.table.Load().targets(model) }

func (t *table) targets(model string) []messages.Target {
	if route, ok := t.routes[model]; ok {
		targets := make([]messages.Target, 0, route.size)
		for _, l := range route.levels {
			targets = append(targets, l.targets...)
		}
		return targets
	}
	if provider, name, ok := strings.Cut(model, "/"); ok && name != "" && t.providers[provider] {
		return []messages.Target{{Provider: provider, Model: name}}
	}
	for i := range t.families {
		if f := &t.families[i]; f.family.has(model) {
			return withModel(f.level.targets, model)
		}
	}
	return nil // the simulated provider has no limit
}
