package router_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/actors/router"
	"example.com/parley/messages"
)

func TestRequestsNameTheirTargets(t *testing.T) {
	t.Parallel()
	a, b := messages.Target{Provider: "openai", Model: "a"}, messages.Target{Provider: "local", Model: "b"}
	both := []messages.Target{a, b}
	for name, tt := range map[string]struct {
		model  string
		health refusing
		say    messages.RouteOverride
		want   [][]string // one request after the other
	}{
		"in their order":             {"assistant", refusing{}, messages.RouteOverride{Targets: both}, [][]string{{"openai/a", "local/b"}, {"openai/a", "local/b"}}},
		"for a model of nobody":      {"nobody", refusing{}, messages.RouteOverride{Targets: both[:1]}, [][]string{{"openai/a"}}},
		"without those who refuse":   {"assistant", refusing{"openai": time.Second}, messages.RouteOverride{Targets: both}, [][]string{{"local/b"}}},
		"sharing by a strategy":      {"assistant", refusing{}, messages.RouteOverride{Targets: both, Strategy: messages.StrategyRoundRobin}, [][]string{{"openai/a", "local/b"}, {"local/b", "openai/a"}}},
		"a strategy for the route":   {"assistant", refusing{}, messages.RouteOverride{Strategy: messages.StrategyCheapest}, [][]string{{"anthropic/claude-sonnet-4-5", "openai/gpt-5", "local/llama3.3"}}},
		"turns instead of weights":   {"assistant", refusing{}, messages.RouteOverride{Strategy: messages.StrategyRoundRobin}, [][]string{{"openai/gpt-5", "anthropic/claude-sonnet-4-5", "local/llama3.3"}, {"anthropic/claude-sonnet-4-5", "openai/gpt-5", "local/llama3.3"}}},
		"a strategy for a family":    {"gpt-9", refusing{}, messages.RouteOverride{Strategy: messages.StrategyCheapest}, [][]string{{"openai/gpt-9"}}},
		"a strategy for what is one": {"local/x", refusing{}, messages.RouteOverride{Strategy: messages.StrategyCheapest}, [][]string{{"local/x"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRouter(t, assistant(), func(d *router.Deps) {
				d.Health, d.Prices = tt.health, tariff{"anthropic": {1, 1}, "openai": {2, 2}}
			})
			for _, want := range tt.want {
				if diff := cmp.Diff(want, ask(t, r, messages.Routing{Model: tt.model, Override: tt.say})); diff != "" {
					t.Errorf("targets (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestRequestsNameProvidersThatThereAre(t *testing.T) {
	t.Parallel()
	r := newRouter(t, assistant(), nil)
	say := messages.RouteOverride{Targets: []messages.Target{{Provider: "openai", Model: "a"}, {Provider: "opanai", Model: "a"}}}
	_, err := r.Route(messages.Routing{Model: "assistant", Override: say})
	f := messages.AsFailure(err)
	want := messages.Failure{
		Code: messages.CodeModelNotFound, What: `there is no provider "opanai"`, NoRetry: true, Param: "x-parley-route",
		Do: "name one of anthropic, east, local, openai, simulated, west",
	}
	if diff := cmp.Diff(want, *f); diff != "" {
		t.Errorf("failure (-want +got):\n%s", diff)
	}
}

// A tenant may name what it named before: the next request must find it as it
// was.
func TestNamedTargetsAreNotChanged(t *testing.T) {
	t.Parallel()
	named := []messages.Target{{Provider: "openai", Model: "a"}, {Provider: "local", Model: "b"}}
	say := messages.RouteOverride{Targets: named, Strategy: messages.StrategyLeastInFlight}
	r := newRouter(t, nil, func(d *router.Deps) { d.Health = measured{"openai": {inFlight: 9}} })
	if diff := cmp.Diff([]string{"local/b", "openai/a"}, ask(t, r, messages.Routing{Override: say})); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	if named[0].Provider != "openai" {
		t.Errorf("named are %v now", named)
	}
}
