package main

import (
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors/provider"
	"example.com/parley/actors/router"
	"example.com/parley/messages/parking"
)

// models is whom to call, and who decides on it.
type models struct {
	providers *provider.Providers
	router    *router.Router
}

// openModels makes providers and router, and calls nobody.
func openModels(cfg *Config, prices router.Prices, poller *parking.Poller, metrics prometheus.Registerer) (m models, err error) {
	known := routed(cfg.Providers)
	m.providers, err = provider.New(cfg.Providers, provider.Deps{
		Poller: poller, Registerer: metrics, Models: router.KnownModels(cfg.Models, known),
	})
	if err != nil {
		return models{}, err
	}
	m.router, err = router.New(cfg.Models, router.Deps{
		Providers: known, Health: m.providers, Prices: prices, Demo: cfg.Demo, Registerer: metrics,
	})
	if err != nil {
		m.providers.Close()
		return models{}, err
	}
	return m, nil
}

// routed is what the router has to know of the providers.
func routed(providers provider.Config) []router.Provider {
	known := make([]router.Provider, 0, len(providers))
	for _, name := range slices.Sorted(maps.Keys(providers)) {
		p := providers[name]
		known = append(known, router.Provider{
			Name: name, Kind: string(p.Kind), Models: p.Models, Weight: p.Weight, Simulated: p.Kind == provider.KindSimulated,
		})
	}
	return known
}
