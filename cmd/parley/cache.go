package main

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors/cache"
	"example.com/parley/actors/cache/embed"
)

// openCache makes the cache that the configuration asks for. One that is off is
// asked nothing, and keeps nothing.
func openCache(cfg *Config, routes cache.Routes, registerer prometheus.Registerer) (c cached, err error) {
	c.embedder, c.remote, err = embed.Open(cfg.Cache.Embed, registerer)
	if err != nil {
		return c, fmt.Errorf("open the cache: %w", err)
	}
	c.cache = cache.New(cfg.Cache, cache.Deps{Embedder: c.embedder, Routes: routes, Registerer: registerer})
	return c, nil
}

// cached is the cache, and who turns texts into vectors for it.
type cached struct {
	cache    *cache.Cache
	embedder embed.Embedder
	remote   *embed.Remote // nil where no server is asked
}

// run is what the embedder needs while the server runs; nil for nothing.
func (c cached) run() func(context.Context) error {
	if c.remote == nil {
		return nil
	}
	return c.remote.Run
}
