package router_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"example.com/parley/actors/actortest"
	"example.com/parley/actors/router"
	"example.com/parley/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// refusing is the health of targets, by provider or by provider/model.
type refusing map[string]time.Duration

func (r refusing) Refusal(t messages.Target) *messages.Failure {
	for _, name := range []string{t.Provider, t.String()} {
		if wait, out := r[name]; out {
			return &messages.Failure{Code: messages.CodeProviderUnavailable, What: name + " is out", RetryAfter: wait}
		}
	}
	return nil
}

// ejected is how long a target refuses that is spare.
const ejected = time.Nanosecond

func (r refusing) IsSpare(t messages.Target) bool { return r[t.Provider] == ejected }

func (refusing) Load(messages.Target, bool) (int64, time.Duration) { return 0, 0 }

// world is the providers of these tests: the two that everybody knows, one
// server of somebody's own, and two that share a model.
func world() []router.Provider {
	return []router.Provider{
		{Name: "openai", Kind: "openai"},
		{Name: "anthropic", Kind: "anthropic"},
		{Name: "local", Kind: "openai", Models: []string{"llama3.3", "meta/llama-4"}},
		{Name: "east", Kind: "openai", Models: []string{"mistral"}, Weight: 1},
		{Name: "west", Kind: "openai", Models: []string{"mistral"}, Weight: 2},
		{Name: "simulated", Kind: "simulated", Simulated: true},
	}
}

func newRouter(tb testing.TB, cfg router.Config, change func(*router.Deps)) *router.Router {
	tb.Helper()
	deps := router.Deps{Providers: world(), Health: refusing{}, Registerer: prometheus.NewRegistry()}
	if change != nil {
		change(&deps)
	}
	r, err := router.New(cfg, deps)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// route is the targets of a model as words.
func route(tb testing.TB, r *router.Router, model string) []string {
	tb.Helper()
	return ask(tb, r, messages.Routing{Model: model})
}

func assistant() router.Config {
	return router.Config{"assistant": targets(
		router.Step{Target: "openai/gpt-5", Weight: 3},
		router.Step{Target: "anthropic/claude-sonnet-4-5", Weight: 1},
		router.Step{Target: "local/llama3.3"},
	)}
}

// targets is a model that is written as its targets alone.
func targets(steps ...router.Step) router.Model { return router.Model{Targets: steps} }

func TestRouteFinds(t *testing.T) {
	t.Parallel()
	cfg := router.Config{
		"fast":       targets(router.Step{Target: "local/llama3.3"}, router.Step{Target: "openai/gpt-5-mini"}),
		"gpt-5":      targets(router.Step{Target: "anthropic/claude-opus-4-5"}),
		"team/smart": targets(router.Step{Target: "openai/o3"}),
	}
	for name, tt := range map[string]struct {
		model string
		want  []string
	}{
		"a public name's targets in their order":                   {"fast", []string{"local/llama3.3", "openai/gpt-5-mini"}},
		"a public name before a family":                            {"gpt-5", []string{"anthropic/claude-opus-4-5"}},
		"a public name with a slash":                               {"team/smart", []string{"openai/o3"}},
		"a provider's model that nobody lists":                     {"local/any-thing", []string{"local/any-thing"}},
		"a provider's model with slashes":                          {"local/meta/llama-4", []string{"local/meta/llama-4"}},
		"a listed model by its bare name":                          {"llama3.3", []string{"local/llama3.3"}},
		"a listed model with a slash":                              {"meta/llama-4", []string{"local/meta/llama-4"}},
		"GPT at OpenAI":                                            {"gpt-4o-2024-08-06", []string{"openai/gpt-4o-2024-08-06"}},
		"ChatGPT at OpenAI":                                        {"chatgpt-4o-latest", []string{"openai/chatgpt-4o-latest"}},
		"the o series at OpenAI":                                   {"o4-mini", []string{"openai/o4-mini"}},
		"Claude at Anthropic":                                      {"claude-sonnet-4-5-20250929", []string{"anthropic/claude-sonnet-4-5-20250929"}},
		"simulated models":                                         {"simulated/echo", []string{"simulated/echo"}},
		"a family's model at another provider, where that is said": {"local/gpt-5", []string{"local/gpt-5"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, route(t, newRouter(t, cfg, nil), tt.model)); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRouteSharesByWeight(t *testing.T) {
	t.Parallel()
	r := newRouter(t, assistant(), nil)
	first := make([]string, 8)
	for i := range first {
		first[i] = route(t, r, "assistant")[0]
	}
	const gpt, claude = "openai/gpt-5", "anthropic/claude-sonnet-4-5"
	if diff := cmp.Diff([]string{gpt, gpt, claude, gpt, gpt, gpt, claude, gpt}, first); diff != "" {
		t.Errorf("first targets (-want +got):\n%s", diff)
	}
	if got := route(t, r, "assistant"); len(got) != 3 || got[2] != "local/llama3.3" {
		t.Errorf("the fallback does not come last: %v", got)
	}
}

func TestLevelsTakeTheirTurnsByThemselves(t *testing.T) {
	t.Parallel()
	cfg := router.Config{"m": targets(
		router.Step{Target: "openai/a", Weight: 1},
		router.Step{Target: "anthropic/b", Weight: 1},
		router.Step{Target: "local/c"},
		router.Step{Target: "east/d", Weight: 2},
		router.Step{Target: "west/e", Weight: 1},
	)}
	r := newRouter(t, cfg, nil)
	first, fourth := make(map[string]int), make(map[string]int)
	for range 60 {
		targets := route(t, r, "m")
		if len(targets) != 5 || targets[2] != "local/c" {
			t.Fatalf("got %v", targets)
		}
		first[targets[0]]++
		fourth[targets[3]]++
	}
	if diff := cmp.Diff(map[string]int{"openai/a": 30, "anthropic/b": 30}, first); diff != "" {
		t.Errorf("first (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"east/d": 40, "west/e": 20}, fourth); diff != "" {
		t.Errorf("fourth (-want +got):\n%s", diff)
	}
}

func TestRouteSharesAListedModel(t *testing.T) {
	t.Parallel()
	r := newRouter(t, nil, nil)
	count := make(map[string]int)
	for range 300 {
		count[route(t, r, "mistral")[0]]++
	}
	if diff := cmp.Diff(map[string]int{"east/mistral": 100, "west/mistral": 200}, count); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestRouteLeavesOutWhoRefuses(t *testing.T) {
	t.Parallel()
	all := refusing{"openai": time.Minute, "anthropic": 3 * time.Second, "local": time.Hour}
	for name, tt := range map[string]struct {
		health refusing
		want   []string
	}{
		"one of those that share":   {refusing{"openai": time.Minute}, []string{"anthropic/claude-sonnet-4-5", "local/llama3.3"}},
		"the fallback":              {refusing{"local": time.Minute}, []string{"openai/gpt-5", "anthropic/claude-sonnet-4-5"}},
		"all that share":            {refusing{"openai": time.Minute, "anthropic": time.Minute}, []string{"local/llama3.3"}},
		"one that is ejected":       {refusing{"openai": ejected}, []string{"anthropic/claude-sonnet-4-5", "local/llama3.3", "openai/gpt-5"}},
		"one besides one that is":   {refusing{"openai": ejected, "local": time.Minute}, []string{"anthropic/claude-sonnet-4-5", "openai/gpt-5"}},
		"all, and one is ejected":   {refusing{"openai": ejected, "anthropic": time.Minute, "local": time.Minute}, []string{"openai/gpt-5"}},
		"a model, not its provider": {refusing{"openai/gpt-5": time.Minute}, []string{"anthropic/claude-sonnet-4-5", "local/llama3.3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRouter(t, assistant(), func(d *router.Deps) { d.Health = tt.health })
			if diff := cmp.Diff(tt.want, route(t, r, "assistant")); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("and says when the first comes back, when all do", func(t *testing.T) {
		t.Parallel()
		r := newRouter(t, assistant(), func(d *router.Deps) { d.Health = all })
		_, err := r.Route(messages.Routing{Model: "assistant"})
		f := messages.AsFailure(err)
		if f.Code != messages.CodeProviderUnavailable || f.RetryAfter != 3*time.Second {
			t.Errorf("got %v, retry after %s", f, f.RetryAfter)
		}
	})
}

func TestRefusedTargetsCallsAreSharedByTheRest(t *testing.T) {
	t.Parallel()
	cfg := router.Config{"m": targets(router.Step{Target: "openai/a", Weight: 5}, router.Step{Target: "east/b", Weight: 2}, router.Step{Target: "west/c", Weight: 1})}
	r := newRouter(t, cfg, func(d *router.Deps) { d.Health = refusing{"openai": time.Minute} })
	count := make(map[string]int)
	for range 800 {
		count[route(t, r, "m")[0]]++
	}
	if count["east/b"] < 400 || count["west/c"] < 100 {
		t.Errorf("the others got %v", count)
	}
}

func TestRoutesAreNotChangedByWhoRefuses(t *testing.T) {
	t.Parallel()
	health := refusing{"local": time.Minute}
	cfg := router.Config{"m": targets(router.Step{Target: "local/a"}, router.Step{Target: "openai/b"}, router.Step{Target: "anthropic/c"})}
	r := newRouter(t, cfg, func(d *router.Deps) { d.Health = health })
	route(t, r, "m")
	delete(health, "local")
	if diff := cmp.Diff([]string{"local/a", "openai/b", "anthropic/c"}, route(t, r, "m")); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
}

func TestUnknownModelNamesTheNearest(t *testing.T) {
	t.Parallel()
	cfg := router.Config{"assistant": targets(router.Step{Target: "openai/gpt-5"}), "assistent-2": targets(router.Step{Target: "openai/gpt-5"})}
	for name, tt := range map[string]struct {
		model string
		says  []string
	}{
		"a letter too few":       {"asistant", []string{"did you mean assistant?"}},
		"another case":           {"Llama3.3", []string{"did you mean llama3.3"}},
		"nothing like it":        {"zzzzzzzzzzzzzzzz", []string{"GET /v1/models"}},
		"nothing":                {"", []string{"GET /v1/models"}},
		"a provider and no more": {"local/", []string{"GET /v1/models"}},
		"a name without end":     {strings.Repeat("assistant", 1e5), []string{"GET /v1/models"}},
		"broken UTF-8":           {"assist\xffnt", []string{"GET /v1/models"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newRouter(t, cfg, nil).Route(messages.Routing{Model: tt.model})
			f := messages.AsFailure(err)
			if f.Code != messages.CodeModelNotFound || f.Param != "model" {
				t.Fatalf("got %v", err)
			}
			for _, want := range tt.says {
				if !strings.Contains(f.Do, want) {
					t.Errorf("%q does not say %q", f.Do, want)
				}
			}
			if len(f.What) > 1000 {
				t.Errorf("the failure says %d bytes", len(f.What))
			}
		})
	}
}

func TestDemoAnswersToAnyName(t *testing.T) {
	t.Parallel()
	r := newRouter(t, assistant(), func(d *router.Deps) { d.Demo = true })
	if diff := cmp.Diff([]string{"simulated/whatever"}, route(t, r, "whatever")); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	if slices.Contains(route(t, r, "gpt-5"), "simulated/gpt-5") {
		t.Error("the simulated model is a fallback for a real one")
	}
}

func TestDemoWithoutProvidersAnswersToFamilies(t *testing.T) {
	t.Parallel()
	r := newRouter(t, nil, func(d *router.Deps) {
		d.Demo, d.Providers = true, []router.Provider{{Name: "simulated", Kind: "simulated", Simulated: true}}
	})
	if diff := cmp.Diff([]string{"simulated/gpt-5"}, route(t, r, "gpt-5")); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
}

func TestFamilyGoesToWhoListsNothing(t *testing.T) {
	t.Parallel()
	r := newRouter(t, nil, func(d *router.Deps) {
		d.Providers = []router.Provider{{Name: "azure", Kind: "openai"}, {Name: "local", Kind: "openai", Models: []string{"llama"}}}
	})
	if diff := cmp.Diff([]string{"azure/gpt-5"}, route(t, r, "gpt-5")); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	if _, err := r.Route(messages.Routing{Model: "claude-sonnet-4-5"}); messages.CodeOf(err) != messages.CodeModelNotFound {
		t.Errorf("a family that nobody serves: %v", err)
	}
}

func TestCatalogueListsEveryNameOnce(t *testing.T) {
	t.Parallel()
	cfg := router.Config{"assistant": assistant()["assistant"], "llama3.3": targets(router.Step{Target: "local/llama3.3"}, router.Step{Target: "openai/gpt-5"})}
	r := newRouter(t, cfg, nil)
	owners := make(map[string]string)
	for _, card := range r.Models(nil) {
		if _, twice := owners[card.Name]; twice {
			t.Errorf("%s is listed twice", card.Name)
		}
		owners[card.Name] = card.OwnedBy
		if card.Created.IsZero() {
			t.Errorf("%s was created never", card.Name)
		}
	}
	for name, owner := range map[string]string{
		"assistant": "parley", "llama3.3": "parley", "gpt-5": "openai", "claude-sonnet-4-5": "anthropic",
		"mistral": "east", "simulated/echo": "simulated",
	} {
		if owners[name] != owner {
			t.Errorf("%s belongs to %q, want %q", name, owners[name], owner)
		}
		if card, err := r.Model(name, nil); err != nil || card.OwnedBy != owner {
			t.Errorf("%s: %+v, %v", name, card, err)
		}
	}
}

func TestModelDescribesWhatIsNotListed(t *testing.T) {
	t.Parallel()
	r := newRouter(t, nil, nil)
	card, err := r.Model("gpt-4o-2024-08-06", nil)
	if err != nil || card.OwnedBy != "openai" {
		t.Errorf("got %+v, %v", card, err)
	}
	if _, err := r.Model("nobody", nil); messages.CodeOf(err) != messages.CodeModelNotFound {
		t.Errorf("got %v", err)
	}
}

func TestReloadTakesThePlaceOfTheTable(t *testing.T) {
	t.Parallel()
	r := newRouter(t, nil, nil)
	if err := r.Reload(assistant(), world()); err == nil {
		t.Error("a router without an actor was reloaded")
	}
	system := actortest.NewSystem(t)
	actortest.Spawn(t, system, r.Props())
	actortest.Eventually(t, "the new name is known", func() bool {
		_ = r.Reload(assistant(), world())
		_, err := r.Route(messages.Routing{Model: "assistant"})
		return err == nil
	})
	if err := r.Reload(router.Config{"assistant": {}}, world()); err == nil {
		t.Error("a configuration with a fault was taken")
	}
	if _, err := r.Route(messages.Routing{Model: "assistant"}); err != nil {
		t.Errorf("after a reload that failed: %v", err)
	}
}

func TestKnownModelsAreThoseOfTheConfigurationAndTheFamilies(t *testing.T) {
	t.Parallel()
	known := router.KnownModels(router.Config{"x": targets(router.Step{Target: "local/special"}, router.Step{Target: "nonsense"})}, world())
	for provider, model := range map[string]string{
		"local": "special", "east": "mistral", "openai": "gpt-5", "anthropic": "claude-haiku-4-5", "simulated": "echo",
	} {
		if !slices.Contains(known[provider], model) {
			t.Errorf("%s of %s is not among %v", model, provider, known[provider])
		}
	}
}

func TestConfigFaultsNameTheKey(t *testing.T) {
	t.Parallel()
	one := []router.Step{{Target: "openai/gpt-5"}}
	weight := func(w int) []router.Step { return []router.Step{{Target: "openai/gpt-5", Weight: w}} }
	for name, tt := range map[string]struct {
		model router.Model
		says  string
	}{
		"no targets":         {router.Model{}, "models.m has no targets"},
		"no provider":        {router.Model{Targets: []router.Step{{Target: "gpt-5"}}}, `models.m.targets[0].target is "gpt-5": give a provider and`},
		"unknown provider":   {router.Model{Targets: []router.Step{{Target: "openia/gpt-5"}}}, "there is no provider openia; there are anthropic, east"},
		"weight":             {router.Model{Targets: weight(101)}, "models.m.targets[0].weight is 101"},
		"shares of turns":    {router.Model{Targets: weight(3), Strategy: messages.StrategyRoundRobin}, "models.m.targets[0].weight is 3: the strategy round-robin has no shares"},
		"an empty fallback":  {router.Model{Targets: one, Fallbacks: []router.Level{{}}}, "models.m.fallbacks[0] has no targets"},
		"a fallback's fault": {router.Model{Targets: one, Fallbacks: []router.Level{{Targets: weight(-1)}}}, "models.m.fallbacks[0].targets[0].weight is -1"},
		"too many":           {router.Model{Targets: slices.Repeat(one, 20), Fallbacks: []router.Level{{Targets: slices.Repeat(one, 20)}}}, "models.m has 40 targets: give 1 to 32"},
		"simulated with real": {
			router.Model{Targets: one, Fallbacks: []router.Level{{Targets: []router.Step{{Target: "simulated/x"}}}}}, "must not answer in place of a real one",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := router.Config{"m": tt.model}.Validate(world())
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want it to say %q", err, tt.says)
			}
		})
	}
	if err := router.DefaultConfig().Validate(nil); err != nil {
		t.Errorf("the default has faults: %v", err)
	}
}

// BenchmarkRoute backs what Route's comment says of its cost.
func BenchmarkRoute(b *testing.B) {
	cfg := assistant()
	for _, by := range []messages.Strategy{messages.StrategyLeastInFlight, messages.StrategyLatency, messages.StrategyCheapest} {
		cfg[by.String()] = router.Model{Strategy: by, Targets: []router.Step{{Target: "openai/gpt-5"}, {Target: "east/gpt-5"}, {Target: "west/gpt-5"}}}
	}
	r := newRouter(b, cfg, func(d *router.Deps) { d.Health, d.Prices = healthy{}, tariff{} })
	for _, model := range []string{"assistant", "llama3.3", "gpt-4o-2024-08-06", "local/other", "least-in-flight", "latency", "cheapest"} {
		b.Run(strings.ReplaceAll(model, "/", "-"), func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := r.Route(messages.Routing{Model: model}); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

type healthy struct{}

func (healthy) Refusal(messages.Target) *messages.Failure         { return nil }
func (healthy) IsSpare(messages.Target) bool                      { return false }
func (healthy) Load(messages.Target, bool) (int64, time.Duration) { return 1, time.Second }

// crowd is health by provider: those that it names are at their limits.
type crowd map[string]bool

func (c crowd) Refusal(t messages.Target) *messages.Failure {
	if c[t.Provider] {
		return &messages.Failure{Code: messages.CodeProviderBusy, RetryAfter: time.Second}
	}
	return nil
}

func (crowd) Load(messages.Target, bool) (int64, time.Duration) { return 0, 0 }

func (c crowd) IsSpare(t messages.Target) bool { return c[t.Provider] }

func TestProviderAtItsLimitIsLeftOutWhileAnotherTakesCalls(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		full crowd
		want string
	}{
		"neither": {crowd{}, "[a/m b/m]"},
		"one":     {crowd{"a": true}, "[b/m]"},
		"both":    {crowd{"a": true, "b": true}, "[a/m b/m]"},
	} {
		r, err := router.New(router.Config{"m": targets(router.Step{Target: "a/m"}, router.Step{Target: "b/m"})}, router.Deps{
			Providers: []router.Provider{{Name: "a"}, {Name: "b"}}, Health: test.full, Registerer: prometheus.NewRegistry(),
		})
		if err != nil {
			t.Fatal(err)
		}
		found, err := r.Route(messages.Routing{Model: "m"})
		if got := fmt.Sprint(found); err != nil || got != test.want {
			t.Errorf("%s is full: %s, %v, want %s", name, got, err, test.want)
		}
		if got := fmt.Sprint(r.Targets("m")); got != "[a/m b/m]" {
			t.Errorf("%s is full: all are %s", name, got)
		}
	}
}

func TestMarkIsOfWhereANameLeads(t *testing.T) {
	t.Parallel()
	with := func(steps ...router.Step) uint64 {
		r := newRouter(t, router.Config{"x": targets(steps...)}, nil)
		if r.Mark("gpt-5") != 0 {
			t.Error("a name that leads to its own model has a mark")
		}
		return r.Mark("x")
	}
	one, two := router.Step{Target: "openai/gpt-5"}, router.Step{Target: "local/special"}
	first, again := with(one), with(one)
	if first == 0 || first != again || first == with(two) || first == with(one, two) {
		t.Errorf("%d %d %d %d", first, again, with(two), with(one, two))
	}
	if shared := (router.Step{Target: "openai/gpt-5", Weight: 3}); with(one) != with(shared) {
		t.Error("another share makes another mark")
	}
}
