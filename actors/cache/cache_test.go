package cache_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors/actortest"
	"example.com/parley/actors/cache"
	"example.com/parley/messages"
)

func TestEachTierAnswers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.wants(question("acme", "What is the best way to sharpen a chisel?"), messages.CacheMiss)
		w.learn(question("acme", "What is the best way to sharpen a chisel?"), "With a stone.")
		for text, want := range map[string]messages.CacheTier{
			"What is the best way to sharpen a chisel?":                  messages.CacheExact,
			"please tell me what is the best way to sharpen a chisel":    messages.CacheLexical,
			"What is the best way to sharpen chisels?":                   messages.CacheLexical,
			"How do I sharpen a chisel?":                                 messages.CacheSemantic,
			"How do I sharpen an axe?":                                   messages.CacheMiss,
			"What is the best way to not sharpen a chisel?":              messages.CacheMiss,
			"What is the best way to sharpen a chisel with 2 stones?":    messages.CacheMiss,
			"Whose is the best way to sharpen a chisel, and is it safe?": messages.CacheMiss,
		} {
			asked := w.ask(question("acme", text))
			if asked.Outcome.Tier != want {
				t.Errorf("%q: %s, want %s", text, asked.Outcome.Tier, want)
			}
			if asked.Answer == nil {
				continue
			}
			got := hear(asked.Answer)
			if got.text != "With a stone." || got.finish != messages.FinishStop || got.usage.Output != 5 || got.served.Provider != "p" || got.served.Cache == nil {
				t.Errorf("%q got %+v", text, got)
			}
			if s := asked.Outcome.Similarity; asked.Answer.Saved() != cost || s < 0.85 || s > 1 || want != messages.CacheSemantic && s != 1 {
				t.Errorf("%q saved %d at a similarity of %v", text, asked.Answer.Saved(), s)
			}
		}
		if s := w.cache.Stats("acme"); s.Exact != 1 || s.Lexical != 2 || s.Semantic != 1 || s.Entries != 1 || s.Saved != 4*cost || s.SavedOutput != 20 || s.Bytes <= 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestWhatHasToBeEqual(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		const text = "Why do leaves turn red in autumn?"
		half, zero, limit, yes := 0.5, 0.0, 100, true
		w.learn(question("acme", text), "Less chlorophyll.")
		for name, change := range map[string]func(*messages.TurnSpec){
			"the tenant":       func(s *messages.TurnSpec) { s.Tenant = "other" },
			"the model":        func(s *messages.TurnSpec) { s.Model = "gpt-5-mini" },
			"who is to answer": func(s *messages.TurnSpec) { s.Override.Targets = []messages.Target{{Provider: "p", Model: "m"}} },
			"who may answer": func(s *messages.TurnSpec) {
				s.Allowed = messages.Narrow(messages.Allowance{}, messages.Allowance{Providers: []string{"p"}})
			},
			"the namespace":      func(s *messages.TurnSpec) { s.Cache.Namespace = "blue" },
			"the scope":          func(s *messages.TurnSpec) { s.Cache.PerUser = true },
			"the temperature":    func(s *messages.TurnSpec) { s.Options.Temperature = &zero },
			"top_p":              func(s *messages.TurnSpec) { s.Options.TopP = &half },
			"a penalty":          func(s *messages.TurnSpec) { s.Options.PresencePenalty = &half },
			"the other penalty":  func(s *messages.TurnSpec) { s.Options.FrequencyPenalty = &half },
			"the output's limit": func(s *messages.TurnSpec) { s.Options.MaxTokens = &limit },
			"stop words":         func(s *messages.TurnSpec) { s.Options.Stop = []string{"\n"} },
			"the shape": func(s *messages.TurnSpec) {
				s.Options.ResponseFormat = &messages.ResponseFormat{Kind: messages.ResponseJSON}
			},
			"how much it thinks": func(s *messages.TurnSpec) { s.Options.Reasoning = &messages.Reasoning{Effort: "high"} },
			"an unknown member": func(s *messages.TurnSpec) {
				s.Options.Extra = []messages.Field{{Name: "verbosity", Value: json.RawMessage(`"low"`)}}
			},
			"a message before it": func(s *messages.TurnSpec) {
				s.Input = append([]messages.Item{messages.TextMessage(messages.RoleAssistant, "Hi")}, s.Input...)
			},
			"the system prompt": func(s *messages.TurnSpec) {
				s.Input = append([]messages.Item{messages.TextMessage(messages.RoleSystem, "Be brief.")}, s.Input...)
			},
			"who says it": func(s *messages.TurnSpec) { s.Input[0].Role = messages.RoleAssistant },
		} {
			if got, _ := w.found(question("acme", text, change)); got != messages.CacheMiss {
				t.Errorf("with %s another: %s", name, got)
			}
		}
		for name, change := range map[string]func(*messages.TurnSpec){
			"the key": func(s *messages.TurnSpec) { s.Key = "key2" },
			"what may be asked": func(s *messages.TurnSpec) {
				s.Allowed = messages.Narrow(messages.Allowance{Models: []string{"gpt-*"}}, messages.Allowance{})
			},
			"a stream":      func(s *messages.TurnSpec) { s.Stream = true },
			"the user":      func(s *messages.TurnSpec) { s.Options.User = "u" },
			"metadata":      func(s *messages.TurnSpec) { s.Options.Metadata = map[string]string{"a": "b"} },
			"that it keeps": func(s *messages.TurnSpec) { s.Keep, s.Conversation = true, "conv_1" },
			"known members": func(s *messages.TurnSpec) {
				s.Options.Extra = []messages.Field{{Name: "prompt_cache_key", Value: json.RawMessage(`"x"`)}, {Name: "service_tier", Value: json.RawMessage(`"flex"`)}}
			},
			"an item's name": func(s *messages.TurnSpec) { s.Input[0].ID = "msg_1" },
			"a default":      func(s *messages.TurnSpec) { s.Options.ParallelToolCalls, s.Options.N = &yes, 1 },
		} {
			if got, _ := w.found(question("acme", text, change)); got != messages.CacheExact {
				t.Errorf("with %s another: %s", name, got)
			}
		}
	})
}

func TestTheOrderAndSpaceOfJSONDoNotMatter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		with := func(schema string, fields ...messages.Field) *messages.TurnSpec {
			return question("acme", "Name a colour of autumn leaves", func(s *messages.TurnSpec) {
				s.Options.ResponseFormat = &messages.ResponseFormat{Kind: messages.ResponseJSONSchema, Schema: json.RawMessage(schema)}
				s.Options.Extra = fields
			})
		}
		a, b := messages.Field{Name: "a", Value: json.RawMessage(`{"x":1,"y":2}`)}, messages.Field{Name: "b", Value: json.RawMessage(`[1]`)}
		w.learn(with(`{"type":"object","x":1.0}`, a, b), "red")
		w.wants(with(`{ "x":1.0, "type":"object" }`, b, messages.Field{Name: "a", Value: json.RawMessage(`{ "y":2, "x":1}`)}), messages.CacheExact)
		w.wants(with(`{"type":"object","x":1}`, a, b), messages.CacheMiss)
		w.wants(with(`{"type":"object","x":1.0}`, a), messages.CacheMiss)
	})
}

func TestWhatIsNeverAnsweredFromTheCache(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		seed, top := int64(1), 2
		for name, change := range map[string]func(*messages.TurnSpec){
			"tools":           func(s *messages.TurnSpec) { s.Options.Tools = []messages.Tool{{Name: "f"}} },
			"a tool's output": func(s *messages.TurnSpec) { s.Input = append(s.Input, messages.Item{Kind: messages.ItemToolOutput}) },
			"several choices": func(s *messages.TurnSpec) { s.Options.N = 2 },
			"a seed":          func(s *messages.TurnSpec) { s.Options.Seed = &seed },
			"logprobs":        func(s *messages.TurnSpec) { s.Options.Logprobs = true },
			"top logprobs":    func(s *messages.TurnSpec) { s.Options.TopLogprobs = &top },
			"an image": func(s *messages.TurnSpec) {
				s.Input[0].Parts = append(s.Input[0].Parts, messages.Part{Kind: messages.PartImage})
			},
			"no-store": func(s *messages.TurnSpec) { s.Cache.NoStore = true },
		} {
			asked := w.ask(question("acme", "What is a seismograph?", change))
			if asked.Outcome.Tier != messages.CacheBypass || asked.Flight != nil || asked.Answer != nil {
				t.Errorf("%s: %+v", name, asked.Outcome)
			}
		}
	})
}

func TestWhatOnlyTheSameRequestAnswers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		warm := 0.7
		for name, change := range map[string]func(*messages.TurnSpec){
			"a high temperature": func(s *messages.TurnSpec) { s.Options.Temperature = &warm },
			"a conversation": func(s *messages.TurnSpec) {
				s.Input = append([]messages.Item{messages.TextMessage(messages.RoleUser, "Hi"), messages.TextMessage(messages.RoleAssistant, "Hello")}, s.Input...)
			},
		} {
			w.learn(question("acme", "What is a seismograph?", change), name)
			w.wants(question("acme", "What is a seismograph?", change), messages.CacheExact)
			w.wants(question("acme", "what is a seismograph", change), messages.CacheMiss)
		}
		w.learn(question("acme", "What is the weather in Oslo today?"), "rain")
		w.wants(question("acme", "what is the weather in oslo today"), messages.CacheLexical)
		w.wants(question("acme", "What is weather in Oslo today?"), messages.CacheMiss)
	})
}

// TestNoReplyLeavesItsTenant has tenants ask questions that are nearly alike, in any
// order, with every reply naming whose it is.
// Who may not use all providers gets what those said whom they may use, and learns
// it from nobody who may use others.
func TestRepliesStayAmongThoseWhoMayHaveThemFromWhoeverGaveThem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		const text = "Why do leaves turn red in autumn?"
		list := func(names ...string) messages.Allowance { return messages.Allowance{Providers: names} }
		among := []*messages.Allowed{
			nil, messages.Narrow(list("p"), list()), messages.Narrow(list(), list("p")), messages.Narrow(list("p"), list("p", "q")),
			messages.Narrow(list("p", "q"), list("p")), messages.Narrow(list("pq"), list()), messages.Narrow(list("p", "q"), list()),
		}
		for i, allowed := range among {
			may := func(s *messages.TurnSpec) { s.Allowed = allowed }
			if got, reply := w.found(question("acme", text, may)); got != messages.CacheMiss {
				t.Errorf("%d was answered with %q", i, reply)
			}
			w.learn(question("acme", text, may), fmt.Sprint("reply ", i))
		}
		for i, allowed := range among {
			got, reply := w.found(question("acme", text, func(s *messages.TurnSpec) { s.Allowed = allowed }))
			if got != messages.CacheExact || reply != fmt.Sprint("reply ", i) {
				t.Errorf("%d was answered by %s with %q", i, got, reply)
			}
		}
	})
}

func TestNoReplyLeavesItsTenant(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		tenants := make([]messages.TenantID, 40)
		for i := range tenants {
			tenants[i] = messages.TenantID(fmt.Sprintf("tenant-%d", i))
		}
		forms := []string{"How do I sharpen a %s?", "how do i sharpen a %s", "What is the best way to sharpen a %s?", "How can you sharpen %ss?"}
		things := []string{"chisel", "blade", "scythe"}
		hits := 0
		rng := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- a test's
		for range 3000 {
			tenant, user := tenants[rng.IntN(len(tenants))], []string{"", "ann", "bob"}[rng.IntN(3)]
			text := fmt.Sprintf(forms[rng.IntN(len(forms))], things[rng.IntN(len(things))])
			asked := w.ask(question(tenant, text, func(s *messages.TurnSpec) { s.Cache.PerUser, s.Options.User = user != "", user }))
			if asked.Answer == nil {
				say(asked.Flight, string(tenant)+" "+user)
				synctest.Wait()
				continue
			}
			hits++
			if got := hear(asked.Answer).text; got != string(tenant)+" "+user {
				t.Fatalf("%s of %q got %q", user, tenant, got)
			}
		}
		if hits < 1000 {
			t.Errorf("only %d were found", hits)
		}
	})
}

func TestRepliesExpire(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.learn(question("acme", "What do owls eat?"), "mice")
		w.learn(question("acme", "What do bats eat?", func(s *messages.TurnSpec) { s.Cache.TTL = 10 * time.Second }), "moths")
		w.learn(question("acme", "What do cows eat?", func(s *messages.TurnSpec) { s.Cache.TTL = 3 * time.Hour }), "grass")
		wait(11 * time.Second)
		w.wants(question("acme", "What do bats eat?"), messages.CacheMiss)
		w.wants(question("acme", "What do owls eat?", func(s *messages.TurnSpec) { s.Cache.MaxAge = 5 * time.Second }), messages.CacheMiss)
		w.wants(question("acme", "What do owls eat?", func(s *messages.TurnSpec) { s.Cache.MaxAge = time.Minute }), messages.CacheExact)
		wait(time.Hour)
		w.wants(question("acme", "What do owls eat?"), messages.CacheMiss)
		w.wants(question("acme", "what do cows eat"), messages.CacheLexical)
		wait(2 * time.Hour)
		if s := w.cache.Stats("acme"); s.Entries != 0 || s.Bytes != 0 || s.Expired != 3 {
			t.Errorf("%+v", s)
		}
	})
}

func TestNoCacheRenewsTheReply(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.learn(question("acme", "What do owls eat?"), "mice")
		w.learn(question("acme", "What do owls eat?", func(s *messages.TurnSpec) { s.Cache.NoCache = true }), "voles")
		if tier, text := w.found(question("acme", "What do owls eat?")); tier != messages.CacheExact || text != "voles" {
			t.Errorf("%s: %q", tier, text)
		}
		if s := w.cache.Stats("acme"); s.Entries != 1 {
			t.Errorf("%d entries", s.Entries)
		}
	})
}

func TestThresholdIsTheRequests(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.learn(question("acme", "What is the best way to sharpen a chisel?"), "stone")
		strict := func(s *messages.TurnSpec) { s.Cache.Threshold = 1 }
		w.wants(question("acme", "How do I sharpen a chisel?", strict), messages.CacheMiss)
		w.wants(question("acme", "How do I sharpen a chisel?"), messages.CacheSemantic)
	})
}

func TestDroppedPairDoesNotComeBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		first, second := question("acme", "What is the best way to sharpen a chisel?"), question("acme", "How do I sharpen a chisel?")
		w.learn(first, "stone")
		hit := w.ask(second)
		if err := w.cache.Drop(t.Context(), "rival", hit.Outcome.Entry); messages.CodeOf(err) != messages.CodeCacheEntryAbsent {
			t.Errorf("another tenant got %v", err)
		}
		if err := w.cache.Drop(t.Context(), "acme", hit.Outcome.Entry); err != nil {
			t.Fatal(err)
		}
		if err := w.cache.Drop(t.Context(), "acme", "ce_nonsense"); messages.CodeOf(err) != messages.CodeCacheEntryAbsent {
			t.Errorf("got %v", err)
		}
		w.wants(first, messages.CacheMiss)
		w.learn(first, "stone")
		w.wants(second, messages.CacheMiss)
		w.wants(first, messages.CacheExact)
		w.learn(second, "oil")
		if _, text := w.found(question("acme", "how can i sharpen a chisel")); text == "" {
			t.Error("a third question found neither")
		}
	})
}

// TestDropIsKeptBeforeItIsTold and leaves all as it was where that fails.
func TestDropIsKeptBeforeItIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.learn(question("acme", chisel), "With a stone.")
		hit := w.ask(question("acme", chisel2))
		w.denials.err = &messages.Failure{Code: messages.CodeStoreUnavailable, What: "gone"}
		if err := w.cache.Drop(t.Context(), "acme", hit.Outcome.Entry); messages.CodeOf(err) != messages.CodeStoreUnavailable {
			t.Errorf("%v", err)
		}
		w.wants(question("acme", chisel2), messages.CacheSemantic)
		w.denials.err = nil
		if err := w.cache.Drop(t.Context(), "acme", hit.Outcome.Entry); err != nil || len(w.denials.kept) != 1 {
			t.Errorf("%v, and %d kept", err, len(w.denials.kept))
		}
		later := newNode(t, static(t), nil)
		later.cache = cache.New(cache.DefaultConfig(), cache.Deps{Embedder: static(t), Denied: w.denials.kept, Registerer: prometheus.NewRegistry()})
		for _, props := range later.cache.Props() {
			actortest.Spawn(t, actortest.NewSystem(t), props)
		}
		synctest.Wait()
		later.learn(question("acme", chisel), "With a stone.")
		later.wants(question("acme", chisel2), messages.CacheMiss)
	})
}

func TestRepliesThatAreNotKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(c *cache.Config) { c.MaxReply = 1 << 10 })
		opened := messages.Chunk{Kind: messages.ChunkOpened, Served: &messages.Served{}}
		text := messages.Chunk{Kind: messages.ChunkText, Text: "x"}
		for name, tt := range map[string]struct {
			chunks []messages.Chunk
			finish messages.FinishReason
			err    error
		}{
			"broken":              {chunks: []messages.Chunk{opened, text}, finish: messages.FinishStop, err: errors.New("cut")},
			"cut by its limit":    {chunks: []messages.Chunk{opened, text}, finish: messages.FinishLength},
			"filtered":            {chunks: []messages.Chunk{opened, text}, finish: messages.FinishContentFilter},
			"a call of a tool":    {chunks: []messages.Chunk{opened, text, {Kind: messages.ChunkToolCall}}, finish: messages.FinishStop},
			"a refusal":           {chunks: []messages.Chunk{opened, {Kind: messages.ChunkRefusal, Text: "no"}}, finish: messages.FinishStop},
			"empty":               {chunks: []messages.Chunk{opened}, finish: messages.FinishStop},
			"too long":            {chunks: []messages.Chunk{opened, {Kind: messages.ChunkText, Text: strings.Repeat("x", 1<<10+1)}}, finish: messages.FinishStop},
			"of two providers":    {chunks: []messages.Chunk{opened, text, opened, text}, finish: messages.FinishStop},
			"with opaque thought": {chunks: []messages.Chunk{opened, text, {Kind: messages.ChunkReasoning, Detail: &messages.ChunkDetail{Opaque: "s"}}}, finish: messages.FinishStop},
		} {
			spec := question("acme", "What is "+name+" and why?")
			asked := w.ask(spec)
			for _, c := range tt.chunks {
				asked.Flight.Add(c)
			}
			asked.Flight.Ended(tt.err, tt.finish, messages.Usage{}, 0)
			wait(0)
			if got, _ := w.found(spec); got != messages.CacheMiss {
				t.Errorf("%s: %s", name, got)
			}
		}
	})
}

func TestReplayMayBePaced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		spec := question("acme", "What do owls eat?")
		w.learn(spec, "mice and voles ")
		spec.Cache.Pace = 20 * time.Millisecond
		began := time.Now()
		got := hear(w.ask(spec).Answer)
		if took := time.Since(began); got.text != "mice and voles " || got.chunks != 6 || took != 60*time.Millisecond {
			t.Errorf("%+v took %s", got, took)
		}
	})
}

// unable is an embedder that gives no vector, or a wrong one.
type unable struct {
	values []float32
	err    error
}

func (unable) ID() string                { return "unable" }
func (unable) Calibrate(float64) float32 { return 0.5 }
func (u unable) Embed(_ context.Context, dst []float32, _ string) ([]float32, error) {
	return append(dst, u.values...), u.err
}

func TestEmbedderThatFailsCostsOneTierOnly(t *testing.T) {
	for name, e := range map[string]unable{
		"fails": {err: errors.New("down")}, "says nothing": {}, "says NaN": {values: []float32{float32(math.NaN()), 1, 0, 0}}, "says zero": {values: make([]float32, 4)},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorldWith(t, e)
				w.learn(question("acme", "What is the best way to sharpen a chisel?"), "stone")
				w.wants(question("acme", "What is the best way to sharpen a chisel?"), messages.CacheExact)
				w.wants(question("acme", "what is the best way to sharpen a chisel"), messages.CacheLexical)
				w.wants(question("acme", "How do I sharpen a chisel?"), messages.CacheMiss)
			})
		})
	}
}

func TestNoContentIsMeasured(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.learn(question("acme-canary", "What is the canary's best way to sharpen a chisel?"), "canary reply")
		w.wants(question("acme-canary", "how do i sharpen a chisel, canary"), messages.CacheMiss)
		families, err := w.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprint(families); strings.Contains(text, "canary") {
			t.Errorf("%q", text)
		}
	})
}

func TestCacheThatIsOffKeepsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(c *cache.Config) { c.Enabled = false })
		if asked := w.ask(question("acme", "What do owls eat?")); asked.Outcome.Tier != messages.CacheBypass || asked.Flight != nil {
			t.Errorf("%+v", asked)
		}
	})
}
