package main

import (
	"context"
	"log/slog"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors"
	"example.com/parley/actors/batch"
	"example.com/parley/actors/budget"
	"example.com/parley/actors/cache"
	"example.com/parley/actors/tenant"
	parleyhttp "example.com/parley/http"
	"example.com/parley/http/admin"
	"example.com/parley/persistence/redis"
)

// server is what a process is made of. Each field stands on those above it, and
// [serve] fills them in from the top.
type server struct {
	cfg     *Config
	log     *slog.Logger
	metrics *prometheus.Registry
	sockets sockets

	kept           kept
	administration inStore
	door           door
	models         models
	nearby         nearby
	answers        cached
	nodes          membership
	tree           *actors.System

	// What works beside the requests.
	warmer    *cache.Warmer
	batches   *batch.Batches
	eraser    *tenant.Eraser
	retention *tenant.Retention
	fleet     *operated

	clients   *parleyhttp.Server
	operators *admin.Server
}

// door is who may come in, and how often.
type door struct {
	keys   *tenant.Keys
	tries  *tenant.Tries
	limits *tenant.Limiter
	shares *redis.Limits // of limits; nil where there is one node
}

// share is what other nodes need while the server runs; nil for nothing.
func (d door) share() func(context.Context) error {
	if d.shares == nil {
		return nil
	}
	return d.limits.Share
}

// close is for when nobody comes in any more.
func (d door) close() {
	if d.shares != nil {
		_ = d.shares.Close() // nothing is on its way by then
	}
}

func openDoor(ctx context.Context, cfg *Config, kept store, metrics prometheus.Registerer) (d door, err error) {
	if d.keys, err = tenant.New(cfg.Keys, tenant.Deps{Store: kept, Registerer: metrics}); err != nil {
		return door{}, err
	}
	d.tries = tenant.NewTries(cfg.Keys, metrics)
	deps := tenant.LimiterDeps{Registerer: metrics}
	if cfg.Redis.URL != "" {
		if d.shares, err = redis.OpenLimits(cfg.Redis); err != nil {
			return door{}, err
		}
		deps.Shares = d.shares
	}
	if d.limits, err = tenant.NewLimiter(cfg.Limits, deps); err != nil {
		return door{}, err
	}
	return d, d.limits.Load(ctx, kept)
}

// startActors starts the tree, which outlives the context of the process: it is
// drained when that has ended.
func (s *server) startActors() (*actors.System, error) {
	return actors.Start(s.cfg.Config, actors.Deps{
		Parts: slices.Concat(
			actors.ModelParts(s.models.router, s.models.providers, s.cfg.Outliers),
			actors.CacheParts(s.answers.cache),
			[]actors.Part{
				{Name: "tenants", Props: s.door.keys.Props()},
				{Name: "limits", Props: s.door.limits.Props()},
				{Name: "budgets", Props: s.kept.budgets.Props()},
			}),
		Journal:    s.kept.store,
		Ledger:     budget.NewLedger(s.kept.budgets, s.kept.ledger),
		Models:     actors.NewModels(s.models.router, s.models.providers),
		Prices:     s.kept.prices,
		Cache:      actors.NewCache(s.answers.cache),
		Limits:     s.door.limits,
		Capacity:   actors.NewCapacity(s.models.router, s.models.providers),
		Elsewhere:  s.nodes.elsewhere(),
		Processors: containersProcessors(systemRoot()),
		Registerer: s.metrics,
		Log:        s.log,
	})
}

// prepareWork makes what works beside the requests. It begins with the parts.
func (s *server) prepareWork() {
	s.warmer = cache.NewWarmer(s.answers.cache, s.tree)
	s.batches = batch.New(s.cfg.Batch, s.tree, s.metrics)
	s.eraser = tenant.NewEraser(s.kept.store, s.answers.cache, s.log)
	s.retention = tenant.NewRetention(s.cfg.Retention, s.kept.store, s.metrics, s.log)
	s.fleet = newOperated(s.cfg, s.models, s.tree)
}

// ready is what has to be in order for the server to be ready.
func (s *server) ready() []parleyhttp.Check {
	return append([]parleyhttp.Check{
		{Name: "the store", Probe: s.kept.store.Ready},
		{Name: "the actors", Probe: func(context.Context) error { return s.tree.Ready() }},
	}, s.nodes.checks()...)
}

// leaving tells whether clients are let in no more.
func (s *server) leaving() bool { return s.clients != nil && !s.clients.Draining().Until.IsZero() }

// newClients makes what serves clients. An operator may call stop through it.
func (s *server) newClients(stop context.CancelFunc) (*parleyhttp.Server, error) {
	return parleyhttp.NewServer(s.cfg.HTTP, parleyhttp.Deps{
		Conversations: s.tree, Sessions: s.tree,
		Library: s.kept.store, IdempotencyKeys: s.kept.store, Usage: s.kept.store,
		Keys: s.door.keys, Standing: s.door.keys, Tries: s.door.tries,
		Limits: s.door.limits, SocketLimits: s.door.limits,
		Budgets:   standing{s.administration, s.kept.budgets},
		Catalogue: s.models.router,
		Cache:     s.answers.cache, Embeddings: s.answers.embedder,
		Warmer: s.warmer, Batches: s.batches,
		Ready: s.ready(), Stop: stop, Poller: s.sockets.poller, Registerer: s.metrics, Log: s.log,
	})
}

// newOperators makes what serves operators.
func (s *server) newOperators() *admin.Server {
	return admin.NewServer(s.cfg.Admin, admin.Deps{
		Administration: s.administration, Prices: s.administration, Retentions: s.administration, Budgets: s.administration, Limits: s.administration, Cluster: s.administration,
		Keys: s.door.keys, Tries: s.door.tries,
		Usage: s.kept.store, Audit: s.kept.store, Erasures: s.eraser,
		Providers: s.fleet, Drains: s.clients, Drill: drills(s.cfg, s.tree),
		Checks: s.ready(), Endpoints: s.clients.Endpoints(), Gatherer: s.metrics, Log: s.log,
	})
}

// parts is what runs, in the order in which it begins, until ctx ends.
func (s *server) parts(ctx context.Context, again *source, environment []string) []part {
	reload := &reloader{source: again, takeOver: s.fleet.takeOver, running: *s.cfg, log: s.log}
	return slices.Concat([]part{
		{name: "the poller", run: s.sockets.poller.Run},
		{name: "the admin listener", run: s.sockets.serveAdmin(s.operators)},
		{name: "the shared cache", run: s.answers.share()},
		{name: "the shares of limits", run: s.door.share()},
		{name: "the actors", stop: draining(s.tree, s.clients)},
		{name: "the cluster", run: hurrying(s.clients.Drain, s.nodes.run(ctx, s.cfg.HTTP.DrainTimeout, s.tree))},
		{name: "the embedder", run: s.answers.run()},
		{name: "the collector's pace", run: pacing(environment)},
		{name: "the warmer", run: s.warmer.Run},
		{name: "the batches", run: s.batches.Run},
		{name: "the judge", run: cache.NewJudge(s.answers.cache, s.tree).Run},
		{name: "what is fetched ahead", run: cache.NewAhead(s.answers.cache, s.tree).Run},
		{name: "the budgets' alerts", run: s.kept.telling(s.cfg).Run},
		{name: "the prices", run: func(ctx context.Context) error { return s.kept.prices.Follow(ctx, s.kept.store, s.metrics) }},
		{name: "the limits", run: func(ctx context.Context) error { return s.door.limits.Follow(ctx, s.kept.store, s.metrics) }},
		{name: "what keys were used", run: s.door.keys.RecordUses},
		{name: "what is to be erased", run: s.eraser.Run},
		{name: "what is too old", run: s.retention.Run},
		{name: "the sweeper", run: sweeping(s.kept.store, s.log)},
		{name: "the configuration", run: reload.run},
	}, s.nearby.parts(s.clients), []part{
		{name: "the listener", run: s.sockets.serve(s.clients)},
	})
}
