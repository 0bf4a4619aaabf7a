package router

import (
	"maps"
	"slices"
	"strings"

	"example.com/parley/messages"
)

// Permit fails with CodePermission where a request may not ask for the model, or
// for one of the targets, that it names. Whether anybody answers to them it does
// not say, and so tells nobody which models there are.
func (r *Router) Permit(want messages.Routing) error {
	if want.Allowed == nil {
		return nil
	}
	err := r.table.Load().permit(&want)
	if err != nil {
		r.metrics.forbidden.Inc()
	}
	return err
}

func (t *table) permit(want *messages.Routing) error {
	if want.Allowed == nil {
		return nil
	}
	for _, target := range want.Override.Targets {
		if !want.Allowed.Target(target) {
			return notPermitted("this key may not use "+shown(target.String()), "x-parley-route")
		}
	}
	if len(want.Override.Targets) > 0 || t.allows(want.Allowed, want.Model) {
		return nil
	}
	return notPermitted("this key may not use the model "+shown(want.Model), "model")
}

// allows tells whether a model may be asked for by a name. A provider's model may
// be by its own name, too.
func (t *table) allows(allowed *messages.Allowed, model string) bool {
	if allowed.Model(model) {
		return true
	}
	if _, routed := t.routes[model]; routed {
		return false
	}
	provider, name, addressed := strings.Cut(model, "/")
	return addressed && t.providers[provider] && allowed.Model(name)
}

// among leaves out the targets whose providers may not answer. It changes nothing
// in targets.
func among(model string, targets []messages.Target, allowed *messages.Allowed) ([]messages.Target, error) {
	if !allowed.Restricts() {
		return targets, nil
	}
	kept := slices.DeleteFunc(slices.Clone(targets), func(t messages.Target) bool { return !allowed.Provider(t.Provider) })
	if len(kept) == 0 {
		return nil, notPermitted("this key may use none of the providers of the model "+shown(model), "model")
	}
	return kept, nil
}

func notPermitted(what, param string) error {
	return &messages.Failure{
		Code: messages.CodePermission, What: what, NoRetry: true, Param: param,
		Do: "choose a model that GET /v1/models lists, or have an operator allow it: parley key change, parley tenant change",
	}
}

// cardsFor are the public names that may be asked for, and that somebody who may
// answers to.
func (t *table) cardsFor(allowed *messages.Allowed) []messages.ModelCard {
	if allowed == nil {
		return slices.Clone(t.cards)
	}
	cards := make([]messages.ModelCard, 0, len(t.cards))
	for _, card := range t.cards {
		if t.mayHave(allowed, card.Name) {
			cards = append(cards, card)
		}
	}
	return cards
}

func (t *table) mayHave(allowed *messages.Allowed, model string) bool {
	return t.allows(allowed, model) && slices.ContainsFunc(t.places(model), func(target messages.Target) bool { return allowed.Provider(target.Provider) })
}

// places lists who answers to a model, whether they take calls or not.
func (t *table) places(model string) []messages.Target {
	if found := t.targets(model); len(found) > 0 || t.demo == "" {
		return found
	}
	return []messages.Target{{Provider: t.demo, Model: model}}
}

// providersFor names the providers that may answer.
func (t *table) providersFor(allowed *messages.Allowed) []string {
	names := slices.Sorted(maps.Keys(t.providers))
	return slices.DeleteFunc(names, func(name string) bool { return !allowed.Provider(name) })
}
