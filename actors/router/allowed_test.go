package router_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/actors/router"
	"example.com/parley/messages"
)

func may(models, providers []string) *messages.Allowed {
	return messages.Narrow(messages.Allowance{}, messages.Allowance{Models: models, Providers: providers})
}

func TestRouteLeadsToNobodyWhoIsNotAllowed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		model  string
		say    messages.RouteOverride
		may    *messages.Allowed
		health refusing
		want   []string // nil: not permitted
	}{
		"all":                            {model: "assistant", want: []string{"openai/gpt-5", "anthropic/claude-sonnet-4-5", "local/llama3.3"}},
		"one provider left out":          {model: "assistant", may: may(nil, []string{"openai", "local"}), want: []string{"openai/gpt-5", "local/llama3.3"}},
		"a fallback alone":               {model: "assistant", may: may(nil, []string{"local"}), want: []string{"local/llama3.3"}},
		"no other although it is out":    {model: "assistant", may: may(nil, []string{"openai", "local"}), health: refusing{"openai": time.Second}, want: []string{"local/llama3.3"}},
		"none of them":                   {model: "assistant", may: may(nil, []string{"west"})},
		"its name":                       {model: "assistant", may: may([]string{"assist*"}, nil), want: []string{"openai/gpt-5", "anthropic/claude-sonnet-4-5", "local/llama3.3"}},
		"another name":                   {model: "assistant", may: may([]string{"gpt-*"}, nil)},
		"a family":                       {model: "gpt-9", may: may([]string{"gpt-*"}, nil), want: []string{"openai/gpt-9"}},
		"a family's other provider":      {model: "gpt-9", may: may(nil, []string{"anthropic"})},
		"a provider's model by its name": {model: "local/gpt-x", may: may([]string{"gpt-*"}, nil), want: []string{"local/gpt-x"}},
		"and with the provider's":        {model: "local/gpt-x", may: may([]string{"local/*"}, nil), want: []string{"local/gpt-x"}},
		"and not with another's":         {model: "local/gpt-x", may: may([]string{"openai/*"}, nil)},
		"no provider of that name":       {model: "nobody/gpt-x", may: may([]string{"gpt-*"}, nil)},
		"a route that looks like one":    {model: "local/fast", may: may([]string{"fast"}, nil)},
		"a model that is not there":      {model: "zzz", may: may([]string{"gpt-*"}, nil)},
		"named targets": {
			model: "whatever", say: messages.RouteOverride{Targets: []messages.Target{{Provider: "openai", Model: "gpt-5"}}}, may: may([]string{"gpt-*"}, []string{"openai"}),
			want: []string{"openai/gpt-5"},
		},
		"a named target's provider": {
			model: "gpt-5", say: messages.RouteOverride{Targets: []messages.Target{{Provider: "openai", Model: "gpt-5"}, {Provider: "local", Model: "gpt-5"}}}, may: may(nil, []string{"openai"}),
		},
		"a named target's model": {
			model: "gpt-5", say: messages.RouteOverride{Targets: []messages.Target{{Provider: "openai", Model: "o3"}}}, may: may([]string{"gpt-*"}, nil),
		},
		"a strategy": {
			model: "assistant", say: messages.RouteOverride{Strategy: messages.StrategyLeastInFlight}, may: may(nil, []string{"anthropic"}), want: []string{"anthropic/claude-sonnet-4-5"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := assistant()
			cfg["local/fast"] = targets(router.Step{Target: "openai/gpt-5"})
			r := newRouter(t, cfg, func(d *router.Deps) {
				if tt.health != nil {
					d.Health = tt.health
				}
			})
			want := messages.Routing{Model: tt.model, Override: tt.say, Allowed: tt.may}
			got, err := r.Route(want)
			var words []string //nolint:prealloc // nil where there is none
			for _, target := range got {
				words = append(words, target.String())
			}
			if diff := cmp.Diff(tt.want, words); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
			if tt.want == nil && messages.CodeOf(err) != messages.CodePermission {
				t.Errorf("got %v", err)
			}
			if err := r.Permit(want); tt.want != nil && err != nil {
				t.Errorf("not permitted: %v", err)
			}
		})
	}
}

// Turns are shared by all: one who may use few must not change what others get.
func TestFilteredTargetsAreNobodyElses(t *testing.T) {
	t.Parallel()
	r := newRouter(t, assistant(), nil)
	for range 8 {
		if _, err := r.Route(messages.Routing{Model: "assistant", Allowed: may(nil, []string{"local"})}); err != nil {
			t.Fatal(err)
		}
		if got := route(t, r, "assistant"); len(got) != 3 || got[2] != "local/llama3.3" {
			t.Fatalf("others get %v", got)
		}
	}
}

func TestCatalogueListsWhatMayBeAskedFor(t *testing.T) {
	t.Parallel()
	r := newRouter(t, assistant(), nil)
	list := func(allowed *messages.Allowed) []string {
		cards := r.Models(allowed)
		names := make([]string, 0, len(cards))
		for _, card := range cards {
			names = append(names, card.Name)
		}
		return names
	}
	all := list(nil)
	for name, tt := range map[string]struct {
		allowed *messages.Allowed
		has     func(model string) bool
	}{
		"names":          {may([]string{"assistant", "claude-*"}, nil), func(m string) bool { return m == "assistant" || strings.HasPrefix(m, "claude-") }},
		"a provider":     {may(nil, []string{"anthropic"}), func(m string) bool { return m == "assistant" || strings.HasPrefix(m, "claude-") }},
		"of nobody else": {may([]string{"claude-*"}, []string{"openai"}), func(string) bool { return false }},
	} {
		want := slices.DeleteFunc(slices.Clone(all), func(m string) bool { return !tt.has(m) })
		if diff := cmp.Diff(want, list(tt.allowed)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for _, model := range all {
			_, err := r.Model(model, tt.allowed)
			if (err == nil) != tt.has(model) || err != nil && messages.CodeOf(err) != messages.CodePermission {
				t.Errorf("%s: %s: %v", name, model, err)
			}
		}
		if _, err := r.Model("zzzz", tt.allowed); err == nil {
			t.Errorf("%s: there is a model zzzz", name)
		}
	}
}

// What somebody may not use is not suggested to them, either.
func TestMistypedNamesAreAnsweredWithWhatMayBeUsed(t *testing.T) {
	t.Parallel()
	r := newRouter(t, assistant(), nil)
	_, err := r.Route(messages.Routing{Model: "assistent", Allowed: may([]string{"assist*"}, []string{"west"})})
	if f := messages.AsFailure(err); f.Code != messages.CodeModelNotFound || strings.Contains(f.Do, "assistant") {
		t.Errorf("got %v: %s", err, f.Do)
	}
	say := messages.RouteOverride{Targets: []messages.Target{{Provider: "opanai", Model: "a"}}}
	_, err = r.Route(messages.Routing{Override: say, Allowed: may(nil, []string{"openai", "opanai"})})
	if f := messages.AsFailure(err); f.Code != messages.CodeModelNotFound || f.Do != "name one of openai" {
		t.Errorf("got %v: %s", err, f.Do)
	}
}

func TestDemoMayBeLeftOut(t *testing.T) {
	t.Parallel()
	r := newRouter(t, nil, func(d *router.Deps) { d.Demo = true })
	for provider, want := range map[string]bool{"simulated": true, "openai": false} {
		_, routed := r.Route(messages.Routing{Model: "whatever", Allowed: may(nil, []string{provider})})
		_, described := r.Model("whatever", may(nil, []string{provider}))
		if (routed == nil) != want || (described == nil) != want {
			t.Errorf("with %s alone: %v, %v", provider, routed, described)
		}
	}
}
