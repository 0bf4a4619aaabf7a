package cache_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"example.com/parley/actors/actortest"
	"example.com/parley/actors/cache"
	"example.com/parley/actors/cache/embed"
	"example.com/parley/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a cache with its actors. It belongs into a synctest bubble: what expires
// does so at once.
type world struct {
	t        *testing.T
	cache    *cache.Cache
	registry *prometheus.Registry
	denials  denials
}

// denials keeps pairs for as long as the test lasts.
type denials struct {
	kept []messages.CacheDrop
	err  error
}

func (d *denials) Deny(_ context.Context, drop messages.CacheDrop) error {
	if d.err == nil {
		d.kept = append(d.kept, drop)
	}
	return d.err
}

func newWorld(t *testing.T, change ...func(*cache.Config)) *world {
	t.Helper()
	return newWorldWith(t, static(t), change...)
}

func static(t *testing.T) embed.Embedder {
	t.Helper()
	s, err := embed.OpenStatic()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newWorldWith(t *testing.T, embedder embed.Embedder, change ...func(*cache.Config)) *world {
	t.Helper()
	return newNode(t, embedder, nil, change...)
}

// newNode is a world that shares with others what it keeps.
func newNode(t *testing.T, embedder embed.Embedder, shared cache.Shared, change ...func(*cache.Config)) *world {
	t.Helper()
	return newFollowed(t, embedder, shared, nil, change...)
}

// newFollowed is a world that tells somebody what becomes of it.
func newFollowed(t *testing.T, embedder embed.Embedder, shared cache.Shared, feed cache.Feed, change ...func(*cache.Config)) *world {
	t.Helper()
	cfg := cache.DefaultConfig()
	for _, c := range change {
		c(&cfg)
	}
	w := &world{t: t, registry: prometheus.NewRegistry()}
	w.cache = cache.New(cfg, cache.Deps{Embedder: embedder, Shared: shared, Feed: feed, Denials: &w.denials, Denied: w.denials.kept, Registerer: w.registry})
	system := actortest.NewSystem(t)
	for _, props := range w.cache.Props() {
		actortest.Spawn(t, system, props)
	}
	synctest.Wait()
	return w
}

// question is a turn of a tenant that asks one thing.
func question(tenant messages.TenantID, text string, change ...func(*messages.TurnSpec)) *messages.TurnSpec {
	spec := &messages.TurnSpec{
		Tenant: tenant, Key: "key1", Model: "gpt-5",
		Input: []messages.Item{messages.TextMessage(messages.RoleUser, text)},
	}
	for _, c := range change {
		c(spec)
	}
	return spec
}

func (w *world) ask(spec *messages.TurnSpec) cache.Asked {
	w.t.Helper()
	return w.cache.Ask(w.t.Context(), spec, spec.Input)
}

var cost messages.NanoDollars = 1500

// learn answers a turn with a reply, as a model would, and waits until it is kept.
func (w *world) learn(spec *messages.TurnSpec, reply string) {
	w.t.Helper()
	asked := w.ask(spec)
	if asked.Flight == nil {
		w.t.Fatalf("nothing is kept of %q: %+v", spec.Input[0].Text(), asked.Outcome)
	}
	say(asked.Flight, reply)
	synctest.Wait()
}

// say is a model's whole reply.
func say(f *cache.Flight, reply string) {
	f.Add(messages.Chunk{Kind: messages.ChunkOpened, Served: &messages.Served{Provider: "p", Model: "m"}})
	for word := range strings.SplitAfterSeq(reply, " ") {
		f.Add(messages.Chunk{Kind: messages.ChunkText, Text: word})
	}
	f.Ended(nil, messages.FinishStop, messages.Usage{Input: 3, Output: 5}, cost)
}

// heard is what an answer said.
type heard struct {
	text   string
	chunks int
	served messages.Served
	finish messages.FinishReason
	usage  messages.Usage
	err    error
}

func hear(a cache.Answer) (h heard) {
	defer a.Close() //nolint:errcheck // nothing was written
	for {
		chunk, err := a.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				h.err = err
			}
			return h
		}
		switch h.chunks++; chunk.Kind {
		case messages.ChunkOpened:
			h.served = *chunk.Served
		case messages.ChunkFinish:
			h.finish = chunk.Finish
		case messages.ChunkUsage:
			h.usage = *chunk.Usage
		default:
			h.text += chunk.Text
		}
	}
}

// found asks, and returns the tier and the text of the answer.
func (w *world) found(spec *messages.TurnSpec) (messages.CacheTier, string) {
	w.t.Helper()
	asked := w.ask(spec)
	if asked.Answer == nil {
		if asked.Flight != nil { // nobody is to wait for it
			asked.Flight.Ended(errors.New("not asked"), "", messages.Usage{}, 0)
		}
		return asked.Outcome.Tier, ""
	}
	return asked.Outcome.Tier, hear(asked.Answer).text
}

// wants asks, and wants the tier.
func (w *world) wants(spec *messages.TurnSpec, want messages.CacheTier) {
	w.t.Helper()
	if got, _ := w.found(spec); got != want {
		w.t.Errorf("%q was answered by %s, want %s", spec.Input[len(spec.Input)-1].Text(), got, want)
	}
}

// bubble runs a test in which time passes at once.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// counted is what a counter without labels came to.
func (w *world) counted(name string) int {
	w.t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return int(family.GetMetric()[0].GetCounter().GetValue())
		}
	}
	w.t.Fatalf("there is no metric %s", name)
	return 0
}
