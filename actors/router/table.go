package router

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"example.com/parley/messages"
)

// table is all that the router knows. It is immutable but for the turns of its
// levels.
type table struct {
	routes    map[string]*route // by public name
	marks     map[string]uint64 // of the configured names: see Router.Mark
	families  []familyRoute
	providers map[string]bool
	demo      string        // who answers to any other name; empty without demo mode
	turn      atomic.Uint64 // of requests that name targets to share their calls
	cards     []messages.ModelCard
	created   time.Time
}

// route is how a public name is served: levels in order, each the fallback of
// the one before.
type route struct {
	levels []*level
	whole  *level // all of them as one; nil where more than one takes turns, or is measured
	sticky Sticky
	size   int
	owner  string
}

type familyRoute struct {
	family family
	level  *level
}

func newTable(cfg Config, providers []Provider, demo bool, now time.Time) *table {
	t := &table{routes: make(map[string]*route), marks: make(map[string]uint64, len(cfg)), providers: make(map[string]bool), created: now}
	for _, p := range providers {
		t.providers[p.Name] = true
		if p.Simulated && demo {
			t.demo = p.Name
		}
	}
	t.addFamilies(providers)
	t.addListed(providers)
	for name, model := range cfg {
		levels := levelsOf(model.Strategy, model.Targets)
		for _, fallback := range model.Fallbacks {
			levels = append(levels, levelsOf(fallback.Strategy, fallback.Targets)...)
		}
		route := newRoute(ownerOf(model.steps()), levels...)
		route.sticky = model.Sticky
		t.routes[name] = route
		t.marks[name] = markOf(model)
	}
	t.list(providers)
	return t
}

// markOf hashes where a name leads, in any shares.
func markOf(m Model) uint64 {
	steps := m.steps()
	targets := make([]string, len(steps))
	for i := range steps {
		targets[i] = steps[i].Target
	}
	return messages.Hash("route", targets...)
}

func newRoute(owner string, levels ...*level) *route {
	r := &route{levels: levels, owner: owner}
	turns, rotating, measured := 1, 0, false
	for _, l := range levels {
		r.size += len(l.targets)
		measured = measured || l.strategy.Measured()
		if len(l.orders) > 1 {
			turns, rotating = len(l.orders), rotating+1
		}
	}
	if rotating <= 1 && !measured {
		r.whole = r.join(turns)
	}
	return r
}

// join puts the levels together for each turn of the one that takes turns, so
// that a request finds its order made.
func (r *route) join(turns int) *level {
	whole := &level{orders: make([][]messages.Target, turns)}
	for turn := range whole.orders {
		for _, l := range r.levels {
			whole.orders[turn] = append(whole.orders[turn], l.orders[turn%len(l.orders)]...)
		}
	}
	return whole
}

// order returns the targets for a call, which must not be changed.
func (r *route) order(by messages.Strategy, j *judge) []messages.Target {
	if r.whole != nil && by == messages.StrategyUnset && (len(r.whole.orders) == 1 || !j.mayStick()) {
		return r.whole.next() // nobody shares calls, or nothing speaks for one who does
	}
	targets := make([]messages.Target, 0, r.size)
	for _, l := range r.levels {
		targets = l.appendBest(targets, by, r.sticky, j)
	}
	return targets
}

// addFamilies routes the families to those who serve them.
func (t *table) addFamilies(providers []Provider) {
	for _, f := range families() {
		serving := providersOf(f.kind, providers)
		if len(serving) == 0 {
			continue
		}
		t.families = append(t.families, familyRoute{family: f, level: targetsOf("", serving)})
		if len(serving[0].Models) > 0 {
			continue // what is listed goes before what is known
		}
		for _, model := range f.known {
			t.routes[model] = newRoute(serving[0].Name, targetsOf(model, serving))
		}
	}
}

// addListed routes the models that providers list.
func (t *table) addListed(providers []Provider) {
	offering := make(map[string][]Provider)
	for _, p := range providers {
		for _, model := range p.Models {
			offering[model] = append(offering[model], p)
		}
	}
	for model, by := range offering {
		t.routes[model] = newRoute(by[0].Name, targetsOf(model, by))
	}
}

// levelsOf puts neighbours with a weight together. Where a strategy is named, and
// nobody has a weight, all share the calls.
func levelsOf(by messages.Strategy, steps []Step) (levels []*level) {
	alike := by != messages.StrategyUnset && !slices.ContainsFunc(steps, func(s Step) bool { return s.Weight > 0 })
	var targets []messages.Target
	var weights []int
	flush := func() {
		if len(targets) > 0 {
			levels = append(levels, newLevel(by, targets, weights))
			targets, weights = nil, nil
		}
	}
	for _, step := range steps {
		target, _ := messages.ParseTarget(step.Target) // validated
		if step.Weight == 0 && !alike {
			flush()
			levels = append(levels, newLevel(messages.StrategyUnset, []messages.Target{target}, []int{1}))
			continue
		}
		targets, weights = append(targets, target), append(weights, max(1, step.Weight))
	}
	flush()
	return levels
}

// ownerOf is who a public name belongs to: its provider, or Parley where there
// are several.
func ownerOf(steps []Step) string {
	first, _ := messages.ParseTarget(steps[0].Target) // validated
	for _, step := range steps[1:] {
		if next, _ := messages.ParseTarget(step.Target); next.Provider != first.Provider {
			return "parley"
		}
	}
	return first.Provider
}

// list makes the catalogue, by name.
func (t *table) list(providers []Provider) {
	for name, r := range t.routes {
		t.cards = append(t.cards, messages.ModelCard{Name: name, OwnedBy: r.owner, Created: t.created})
	}
	for _, p := range providers {
		if p.Simulated {
			for _, model := range simulatedModels {
				t.cards = append(t.cards, messages.ModelCard{Name: p.Name + "/" + model, OwnedBy: p.Name, Created: t.created})
			}
		}
	}
	slices.SortFunc(t.cards, func(a, b messages.ModelCard) int { return cmp.Compare(a.Name, b.Name) })
}

// route returns the targets of a call, best first, whether they take it or not.
// What it returns must not be changed.
func (t *table) route(want *messages.Routing, j *judge) ([]messages.Target, error) {
	if len(want.Override.Targets) > 0 {
		return t.named(want, j)
	}
	targets := t.find(want.Model, want.Override.Strategy, j)
	if targets == nil {
		return nil, absent(want.Model, t.cardsFor(want.Allowed))
	}
	return targets, nil
}

// find returns the targets of a model, best first, whether they take calls or
// not; nil where nobody answers to the name. What it returns must not be
// changed.
func (t *table) find(model string, by messages.Strategy, j *judge) []messages.Target {
	if r, ok := t.routes[model]; ok {
		return r.order(by, j)
	}
	if provider, name, ok := strings.Cut(model, "/"); ok && name != "" && t.providers[provider] {
		return []messages.Target{{Provider: provider, Model: name}}
	}
	for i := range t.families {
		if f := &t.families[i]; f.family.has(model) {
			return f.level.bestFor(model, by, j)
		}
	}
	if t.demo != "" && model != "" {
		return []messages.Target{{Provider: t.demo, Model: model}}
	}
	return nil
}

// named returns the targets that a request names instead of a model's, in its
// order or by its strategy.
func (t *table) named(want *messages.Routing, j *judge) ([]messages.Target, error) {
	o := &want.Override
	for _, target := range o.Targets {
		if !t.providers[target.Provider] {
			return nil, t.noProvider(target, want.Allowed)
		}
	}
	if o.Strategy == messages.StrategyUnset {
		return o.Targets, nil
	}
	targets := appendTurned(make([]messages.Target, 0, len(o.Targets)), o.Targets, t.turn.Add(1)-1)
	j.arrange(o.Strategy, targets)
	return targets, nil
}

// card describes a model that somebody answers to, listed or not.
func (t *table) card(model string) (messages.ModelCard, bool) {
	at, listed := slices.BinarySearchFunc(t.cards, model, func(c messages.ModelCard, name string) int { return cmp.Compare(c.Name, name) })
	if listed {
		return t.cards[at], true
	}
	targets := t.find(model, messages.StrategyUnset, nil) // no route, which would be listed
	if len(targets) == 0 {
		return messages.ModelCard{}, false
	}
	return messages.ModelCard{Name: model, OwnedBy: targets[0].Provider, Created: t.created}, true
}
