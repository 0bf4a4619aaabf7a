package main

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors/cache"
	"example.com/parley/actors/cache/embed"
)

// openCache makes the cache that the configuration asks for. One that is off is
// asked nothing, and keeps nothing.
func openCache(cfg *Config, registerer prometheus.Registerer) (*cache.Cache, error) {
	embedder, err := embed.Open(cfg.Cache.Embed)
	if err != nil {
		return nil, fmt.Errorf("open the cache: %w", err)
	}
	return cache.New(cfg.Cache, cache.Deps{Embedder: embedder, Registerer: registerer}), nil
}
