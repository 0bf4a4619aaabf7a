package main

import (
	"context"
	"log/slog"
	"runtime"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors/cache"
	"example.com/parley/actors/cache/embed"
	"example.com/parley/messages"
)

// subject is a cache as the server has it.
type subject struct {
	cache  *cache.Cache
	system *actor.ActorSystem
}

const tenant messages.TenantID = "acme"

// dollar is what a reply costs here, in nano-dollars: a tenth of a cent.
const price messages.NanoDollars = 1_000_000

func newSubject(change func(*cache.Config)) (*subject, error) {
	embedder, err := embed.OpenStatic()
	if err != nil {
		return nil, err
	}
	cfg := cache.DefaultConfig()
	cfg.MaxBytes = 1 << 40 // nothing is evicted, so that the number of replies is known
	if change != nil {
		change(&cfg)
	}
	quiet := slog.New(slog.DiscardHandler)
	s := &subject{cache: cache.New(cfg, cache.Deps{Embedder: embedder, Registerer: prometheus.NewRegistry()})}
	s.system = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return quiet }))
	for _, props := range s.cache.Props() {
		if err := s.system.Root.RequestFuture(s.system.Root.Spawn(props), &actor.Touch{}, time.Minute).Wait(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *subject) close() { s.system.Shutdown() }

// ask is a request with one question.
func (s *subject) ask(ctx context.Context, question string) cache.Asked {
	spec := messages.TurnSpec{Tenant: tenant, Model: "m", Input: []messages.Item{messages.TextMessage(messages.RoleUser, question)}}
	return s.cache.Ask(ctx, &spec, spec.Input)
}

// learn has a reply kept for a question that was missed.
func learn(asked cache.Asked, reply string) {
	asked.Flight.Add(messages.Chunk{Kind: messages.ChunkOpened, Served: &messages.Served{Provider: "p", Model: "m"}})
	asked.Flight.Add(messages.Chunk{Kind: messages.ChunkText, Text: reply})
	asked.Flight.Ended(nil, messages.FinishStop, messages.Usage{Input: 20, Output: 200}, price)
}

// settled waits until there are as many replies.
func (s *subject) settled(ctx context.Context, entries int) error {
	for s.cache.Stats(tenant).Entries < int64(entries) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Microsecond):
		}
	}
	return nil
}

// heap is what is reachable, in bytes.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
