package router_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/actors/router"
	"example.com/parley/messages"
)

// measured is the load of providers. Its latencies are of streams; in one piece
// everybody takes ten times as long.
type measured map[string]load

type load struct {
	inFlight int64
	latency  time.Duration
	out      bool
}

func (m measured) Refusal(t messages.Target) *messages.Failure {
	if m[t.Provider].out {
		return &messages.Failure{Code: messages.CodeProviderUnavailable, RetryAfter: time.Second}
	}
	return nil
}

func (measured) IsSpare(messages.Target) bool { return false }

func (m measured) Load(t messages.Target, streamed bool) (inFlight int64, latency time.Duration) {
	l := m[t.Provider]
	if !streamed {
		return l.inFlight, 10 * l.latency
	}
	return l.inFlight, l.latency
}

// tariff is what providers take for a token of input and of output.
type tariff map[string][2]int

func (p tariff) Cost(t messages.Target, u messages.Usage) (messages.NanoDollars, bool) {
	price, known := p[t.Provider]
	return messages.NanoDollars(u.Input*price[0] + u.Output*price[1]), known
}

// three share the calls, and a fourth stands behind them.
func three(by messages.Strategy) router.Config {
	return router.Config{"m": {
		Strategy: by, Targets: []router.Step{{Target: "openai/x"}, {Target: "east/x"}, {Target: "west/x"}},
		Fallbacks: []router.Level{{Targets: []router.Step{{Target: "local/x"}}}},
	}}
}

func TestStrategiesPickTheBest(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for name, tt := range map[string]struct {
		by   messages.Strategy
		now  measured
		want []string
	}{
		"the fewest calls": {
			messages.StrategyLeastInFlight,
			measured{"openai": {inFlight: 7}, "east": {inFlight: 9}, "west": {inFlight: 2}},
			[]string{"west/x", "openai/x", "east/x", "local/x"},
		},
		"the shortest wait": {
			messages.StrategyLatency,
			measured{"openai": {latency: 3 * s}, "east": {latency: s}, "west": {latency: 2 * s}},
			[]string{"east/x", "west/x", "openai/x", "local/x"},
		},
		"the shortest wait, with those who wait there": {
			messages.StrategyLatency,
			measured{"openai": {latency: 3 * s}, "east": {latency: s, inFlight: 5}, "west": {latency: 2 * s, inFlight: 1}},
			[]string{"openai/x", "west/x", "east/x", "local/x"},
		},
		"one that was never called goes first": {
			messages.StrategyLatency,
			measured{"openai": {latency: 3 * s}, "east": {}, "west": {latency: 2 * s}},
			[]string{"east/x", "west/x", "openai/x", "local/x"},
		},
		"and last while its first call runs": {
			messages.StrategyLatency,
			measured{"openai": {latency: 3 * s, inFlight: 500}, "east": {inFlight: 1}, "west": {latency: 2 * s}},
			[]string{"west/x", "openai/x", "east/x", "local/x"},
		},
		"the best of those who take calls": {
			messages.StrategyLeastInFlight,
			measured{"openai": {inFlight: 7}, "east": {inFlight: 9}, "west": {out: true}},
			[]string{"openai/x", "east/x", "local/x"},
		},
		"the fallback is free and yet the last": {
			messages.StrategyLeastInFlight,
			measured{"openai": {inFlight: 1}, "east": {inFlight: 2}, "west": {inFlight: 3}, "local": {}},
			[]string{"openai/x", "east/x", "west/x", "local/x"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRouter(t, three(tt.by), func(d *router.Deps) { d.Health = tt.now })
			for range 10 { // whosever turn it is
				if diff := cmp.Diff(tt.want, ask(t, r, messages.Routing{Model: "m", Call: &messages.Call{Stream: true}})); diff != "" {
					t.Fatalf("targets (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestEqualsTakeTurns(t *testing.T) {
	t.Parallel()
	for _, by := range []messages.Strategy{
		messages.StrategyRoundRobin, messages.StrategyLeastInFlight, messages.StrategyLatency, messages.StrategyCheapest,
	} {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			r := newRouter(t, three(by), func(d *router.Deps) { d.Prices = tariff{} })
			got := make([]string, 6)
			for i := range got {
				got[i] = route(t, r, "m")[0]
			}
			want := []string{"openai/x", "east/x", "west/x", "openai/x", "east/x", "west/x"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("first targets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheapestIsThatOfTheRequest(t *testing.T) {
	t.Parallel()
	prices := tariff{"openai": {1, 10}, "east": {5, 5}}
	limit := 100
	long := &messages.Call{
		Items:   []messages.Item{messages.TextMessage(messages.RoleUser, string(make([]byte, 40000)))},
		Options: messages.Options{MaxTokens: &limit},
	}
	short := &messages.Call{Items: []messages.Item{messages.TextMessage(messages.RoleUser, "Tell me a tale.")}}
	for name, tt := range map[string]struct {
		call *messages.Call
		want []string
	}{
		"much to read":                       {long, []string{"openai/x", "east/x", "west/x", "local/x"}},
		"much to write":                      {short, []string{"east/x", "openai/x", "west/x", "local/x"}},
		"nothing is known, and still prices": {nil, []string{"east/x", "openai/x", "west/x", "local/x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRouter(t, three(messages.StrategyCheapest), func(d *router.Deps) { d.Prices = prices })
			if diff := cmp.Diff(tt.want, ask(t, r, messages.Routing{Model: "m", Call: tt.call})); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFallbacksHaveStrategiesOfTheirOwn(t *testing.T) {
	t.Parallel()
	cfg := router.Config{"m": {
		Targets: []router.Step{{Target: "openai/x"}},
		Fallbacks: []router.Level{
			{Strategy: messages.StrategyLatency, Targets: []router.Step{{Target: "east/x"}, {Target: "west/x"}}},
			{Targets: []router.Step{{Target: "local/x"}}},
		},
	}}
	now := measured{"east": {latency: 2}, "west": {latency: 1}}
	r := newRouter(t, cfg, func(d *router.Deps) { d.Health = now })
	if diff := cmp.Diff([]string{"openai/x", "west/x", "east/x", "local/x"}, route(t, r, "m")); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
}

// With many targets the worst of them must be picked only where both that were
// drawn are the worst, which cannot be: it is drawn once.
func TestOfManyTheBetterOfTwoIsPicked(t *testing.T) {
	t.Parallel()
	steps := make([]router.Step, 8)
	now := make(measured)
	providers := make([]router.Provider, len(steps))
	for i := range steps {
		name := string(rune('a' + i))
		steps[i].Target, now[name], providers[i].Name = name+"/x", load{inFlight: int64(i)}, name
	}
	r := newRouter(t, router.Config{"m": {Strategy: messages.StrategyLeastInFlight, Targets: steps}}, func(d *router.Deps) {
		d.Health, d.Providers = now, providers
	})
	first := make(map[string]int)
	for range 2000 {
		got := route(t, r, "m")
		first[got[0]]++
		if slices.Sort(got); len(slices.Compact(got)) != len(steps) {
			t.Fatalf("not every target once: %v", got)
		}
	}
	if first["h/x"] > 0 || first["a/x"] < 300 || first["g/x"] > 200 {
		t.Errorf("first were %v", first)
	}
}

// ask is the targets of a call as words.
func ask(tb testing.TB, r *router.Router, want messages.Routing) []string {
	tb.Helper()
	targets, err := r.Route(want)
	if err != nil {
		tb.Fatalf("route %+v: %v", want, err)
	}
	words := make([]string, len(targets))
	for i, t := range targets {
		words[i] = t.String()
	}
	return words
}
