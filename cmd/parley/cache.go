package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors/cache"
	"example.com/parley/actors/cache/embed"
	"example.com/parley/persistence/redis"
)

// openCache makes the cache that the configuration asks for. One that is off is
// asked nothing, and keeps nothing.
func openCache(ctx context.Context, cfg *Config, kept store, routes cache.Routes, feed cache.Feed, registerer prometheus.Registerer, log *slog.Logger) (c cached, err error) {
	c.embedder, c.remote, err = embed.Open(cfg.Cache.Embed, registerer)
	if err != nil {
		return c, fmt.Errorf("open the cache: %w", err)
	}
	denied, err := kept.Denied(ctx, cache.MostDenied)
	if err != nil {
		return c, fmt.Errorf("open the cache: %w", err)
	}
	deps := cache.Deps{Embedder: c.embedder, Routes: routes, Denials: kept, Denied: denied, Feed: feed, Registerer: registerer}
	if cfg.Redis.URL != "" && cfg.Cache.Enabled {
		if c.records, err = redis.Open(cfg.Redis, redis.Deps{Registerer: registerer, Log: log}); err != nil {
			return c, fmt.Errorf("open the cache: %w", err)
		}
		if cfg.Redis.Secret == "" {
			log.Warn("redis.secret is not set: who can write to Redis can make up replies, and who can read it reads them")
		}
		deps.Shared = c.records
	}
	c.cache = cache.New(cfg.Cache, deps)
	return c, nil
}

// cached is the cache, and who works for it.
type cached struct {
	cache    *cache.Cache
	embedder embed.Embedder
	remote   *embed.Remote  // nil where no server turns texts into vectors
	records  *redis.Records // nil where nodes share nothing
}

// run is what the embedder needs while the server runs; nil for nothing.
func (c cached) run() func(context.Context) error {
	if c.remote == nil {
		return nil
	}
	return c.remote.Run
}

// share is what other nodes need while the server runs; nil for nothing.
func (c cached) share() func(context.Context) error {
	if c.records == nil {
		return nil
	}
	return func(ctx context.Context) error { return c.records.Run(ctx, c.cache) }
}

func (c cached) close() {
	if c.records != nil {
		_ = c.records.Close() // what it had was written, or is lost
	}
}
