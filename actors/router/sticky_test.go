package router_test

import (
	"strconv"
	"testing"
	"time"

	"example.com/parley/actors/router"
	"example.com/parley/messages"
)

// caching is a tariff in which some providers sell input for less that they have
// in their prompt cache.
type caching map[string]bool

func (p caching) Cost(t messages.Target, u messages.Usage) (messages.NanoDollars, bool) {
	cost := 10 * u.Input
	if p[t.Provider] {
		cost -= 9 * u.Cached
	}
	return messages.NanoDollars(cost), true
}

// conversations is how many of them there are in these tests.
const conversations = 3000

// firsts is where the first call of each of many conversations goes, and the next
// two as well.
func firsts(t *testing.T, r *router.Router, model string) (chosen [conversations]string) {
	t.Helper()
	for n := range chosen {
		call := &messages.Call{Affinity: messages.AffinityOf("acme", strconv.Itoa(n))}
		for turn := range 3 {
			first := ask(t, r, messages.Routing{Model: model, Call: call})[0]
			if turn > 0 && first != chosen[n] {
				t.Fatalf("conversation %d went to %s and then to %s", n, chosen[n], first)
			}
			chosen[n] = first
		}
	}
	return chosen
}

func count(chosen [conversations]string) map[string]int {
	shares := make(map[string]int)
	for _, target := range chosen {
		shares[target]++
	}
	return shares
}

func near(got, want int) bool { return got > want*85/100 && got < want*115/100 }

func TestConversationsStayWhereTheyAre(t *testing.T) {
	t.Parallel()
	cfg := router.Config{"m": targets(
		router.Step{Target: "openai/x", Weight: 3}, router.Step{Target: "east/x", Weight: 2}, router.Step{Target: "west/x", Weight: 1},
		router.Step{Target: "local/x"},
	)}
	health := refusing{}
	r := newRouter(t, cfg, func(d *router.Deps) {
		d.Health, d.Prices = health, caching{"east": true}
	})
	before := firsts(t, r, "m")
	if shares := count(before); !near(shares["openai/x"], conversations/2) || !near(shares["east/x"], conversations/3) || !near(shares["west/x"], conversations/6) {
		t.Errorf("the shares are %v, want 3 to 2 to 1", shares)
	}

	health["openai"] = time.Minute
	during := firsts(t, r, "m")
	for n := range before {
		if before[n] != "openai/x" && during[n] != before[n] {
			t.Fatalf("conversation %d went from %s to %s, though it had no reason to", n, before[n], during[n])
		}
	}
	if shares := count(during); !near(shares["east/x"], conversations*2/3) || !near(shares["west/x"], conversations/3) {
		t.Errorf("the shares without one are %v, want 2 to 1", shares)
	}

	delete(health, "openai")
	if after := firsts(t, r, "m"); after != before {
		t.Error("what is well again has other conversations than before")
	}
}

func TestStickinessIsWorthIt(t *testing.T) {
	t.Parallel()
	alike := &messages.Call{Affinity: messages.AffinityOf("acme", "conv")}
	pays := caching{"openai": true}
	for name, tt := range map[string]struct {
		sticky router.Sticky
		by     messages.Strategy
		prices caching
		ask    messages.Routing
		want   bool
	}{
		"where a cache makes it cheaper":       {router.StickyAuto, messages.StrategyRoundRobin, pays, messages.Routing{Call: alike}, true},
		"not where it does not":                {router.StickyAuto, messages.StrategyRoundRobin, nil, messages.Routing{Call: alike}, false},
		"where the operator wants it":          {router.StickyOn, messages.StrategyRoundRobin, nil, messages.Routing{Call: alike}, true},
		"not where the operator does not":      {router.StickyOff, messages.StrategyRoundRobin, pays, messages.Routing{Call: alike}, false},
		"not for what is like nothing":         {router.StickyOn, messages.StrategyRoundRobin, pays, messages.Routing{Call: &messages.Call{}}, false},
		"not where the request says how":       {router.StickyOn, messages.StrategyRoundRobin, pays, messages.Routing{Call: alike, Override: messages.RouteOverride{Strategy: messages.StrategyRoundRobin}}, false},
		"not where the best is measured":       {router.StickyAuto, messages.StrategyLeastInFlight, pays, messages.Routing{Call: alike}, false},
		"where the operator wants it the more": {router.StickyOn, messages.StrategyLeastInFlight, nil, messages.Routing{Call: alike}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := measured{"openai": {}, "east": {}, "west": {}}
			cfg := three(tt.by)
			model := cfg["m"]
			model.Sticky = tt.sticky
			cfg["m"] = model
			r := newRouter(t, cfg, func(d *router.Deps) { d.Health, d.Prices = now, tt.prices })
			tt.ask.Model = "m"
			seen := make(map[string]bool)
			for range 6 {
				order := ask(t, r, tt.ask)
				seen[order[0]] = true
				if order[3] != "local/x" {
					t.Fatalf("the fallback is not the last of %v", order)
				}
				provider, _ := messages.ParseTarget(order[0])
				now[provider.Provider] = load{inFlight: now[provider.Provider].inFlight + 1}
			}
			if stuck := len(seen) == 1; stuck != tt.want {
				t.Errorf("six calls went to %v", seen)
			}
		})
	}
}

func TestModelsOfSeveralProvidersStickAsWell(t *testing.T) {
	t.Parallel()
	r := newRouter(t, nil, func(d *router.Deps) { d.Prices = caching{"east": true} })
	if shares := count(firsts(t, r, "mistral")); !near(shares["east/mistral"], conversations/3) || !near(shares["west/mistral"], conversations*2/3) {
		t.Errorf("the shares are %v, want 1 to 2", shares)
	}
}

// BenchmarkStickyRoute is the call of a conversation, where three share them.
func BenchmarkStickyRoute(b *testing.B) {
	r := newRouter(b, three(messages.StrategyRoundRobin), func(d *router.Deps) {
		d.Health, d.Prices = healthy{}, caching{"openai": true}
	})
	want := messages.Routing{Model: "m", Call: &messages.Call{Affinity: messages.AffinityOf("acme", "conv")}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Route(want); err != nil {
			b.Fatal(err)
		}
	}
}
