// Command parley is an LLM chat server and gateway. This file is its wiring
// diagram; `parley help` lists what else the command does.
package main

import (
	"context"
	"log/slog"
	"os"
	"slices"

	"example.com/parley/actors"
	"example.com/parley/actors/batch"
	"example.com/parley/actors/budget"
	"example.com/parley/actors/cache"
	"example.com/parley/actors/tenant"
	parleyhttp "example.com/parley/http"
	"example.com/parley/http/admin"
)

func main() {
	os.Exit(run(context.Background(), world{
		arguments: os.Args[1:], environment: os.Environ(), out: os.Stdout, err: os.Stderr,
	}))
}

// serve shows what stands on what, from the disk up to the sockets. It returns
// when ctx has ended and everything was taken down again, in the opposite order.
func serve(ctx context.Context, cfg *Config, again *source, w world, log *slog.Logger) error {
	boundMemory(w.environment, os.DirFS("/"))
	ctx, stop := context.WithCancel(ctx) // an operator may end the process too
	defer stop()
	data := folder(cfg.Data)
	release, err := data.take()
	if err != nil {
		return err
	}
	defer release()
	sockets, err := listen(ctx, cfg)
	if err != nil {
		return err
	}
	defer sockets.close()
	metrics := newRegistry()

	kept, err := openKept(ctx, cfg, sockets, metrics, log)
	if err != nil {
		return err
	}
	defer kept.close()
	administration := administrationOf(kept.store, kept.prices)
	first, err := firstStart(ctx, administration, data, w.environment)
	if err != nil {
		return err
	}

	keys, err := tenant.New(cfg.Keys, tenant.Deps{Store: kept.store, Registerer: metrics})
	if err != nil {
		return err
	}
	tries := tenant.NewTries(cfg.Keys, metrics)
	limits, err := tenant.NewLimiter(cfg.Limits, tenant.LimiterDeps{Registerer: metrics})
	if err != nil {
		return err
	}
	models, err := openModels(cfg, kept.prices, metrics)
	if err != nil {
		return err
	}
	defer models.providers.Close()
	answers, err := openCache(ctx, cfg, kept.store, models.router, metrics, log)
	if err != nil {
		return err
	}
	defer answers.close()
	tree, err := actors.Start(cfg.Config, actors.Deps{ //nolint:contextcheck // the tree outlives ctx: it is drained when that has ended
		Parts: slices.Concat(actors.ModelParts(models.router, models.providers, cfg.Outliers), actors.CacheParts(answers.cache),
			[]actors.Part{{Name: "tenants", Props: keys.Props()}, {Name: "limits", Props: limits.Props()}, {Name: "budgets", Props: kept.budgets.Props()}}),
		Journal: kept.store, Ledger: budget.NewLedger(kept.budgets, kept.ledger), Models: actors.NewModels(models.router, models.providers), Prices: kept.prices,
		Cache:      actors.NewCache(answers.cache),
		Limits:     limits,
		Capacity:   actors.NewCapacity(models.router, models.providers),
		Registerer: metrics, Log: log,
	})
	if err != nil {
		return err
	}

	warmer := cache.NewWarmer(answers.cache, tree)
	batches := batch.New(cfg.Batch, tree, metrics)
	checks := []parleyhttp.Check{
		{Name: "the store", Probe: kept.store.Ready},
		{Name: "the actors", Probe: func(context.Context) error { return tree.Ready() }},
	}
	clients, err := parleyhttp.NewServer(cfg.HTTP, parleyhttp.Deps{ //nolint:contextcheck // what goes wrong in a request is logged also when its context has ended
		Conversations: tree, Library: kept.store, IdempotencyKeys: kept.store, Keys: keys, Tries: tries, Limits: limits, Catalogue: models.router, Cache: answers.cache, Warmer: warmer, Batches: batches, Embeddings: answers.embedder, Usage: kept.store,
		Sessions: tree, Standing: keys, SocketLimits: limits,
		Budgets: standing{administration, kept.budgets},
		Ready:   checks, Stop: stop, Registerer: metrics, Log: log,
	})
	if err != nil {
		return stopped(ctx, tree, err)
	}
	eraser := tenant.NewEraser(kept.store, answers.cache, log)
	retention := tenant.NewRetention(cfg.Retention, kept.store, metrics, log)
	fleet := newOperated(cfg, models, tree)
	operators := admin.NewServer(cfg.Admin, admin.Deps{
		Keys: keys, Tries: tries, Administration: administration, Prices: administration, Erasures: eraser, Retentions: administration, Usage: kept.store, Audit: kept.store, Providers: fleet, Drains: clients,
		Budgets: administration,
		Drill:   drills(cfg, tree), Checks: checks, Endpoints: clients.Endpoints(), Gatherer: metrics, Log: log,
	})

	withdraw, err := data.announce(sockets)
	if err != nil {
		return stopped(ctx, tree, err)
	}
	defer withdraw()
	newGreeting(cfg, sockets, first).show(ctx, w.out, keys)
	logStart(log, cfg, sockets)
	return runParts(ctx, cfg.HTTP.DrainTimeout, log,
		part{name: "the admin listener", run: sockets.serveAdmin(operators)},
		part{name: "the shared cache", run: answers.share()},
		part{name: "the actors", stop: draining(tree, clients)},
		part{name: "the embedder", run: answers.run()},
		part{name: "the collector's pace", run: pacing(w.environment)},
		part{name: "the warmer", run: warmer.Run},
		part{name: "the batches", run: batches.Run},
		part{name: "the judge", run: cache.NewJudge(answers.cache, tree).Run},
		part{name: "what is fetched ahead", run: cache.NewAhead(answers.cache, tree).Run},
		part{name: "the budgets' alerts", run: kept.telling(cfg).Run},
		part{name: "the prices", run: func(ctx context.Context) error { return kept.prices.Follow(ctx, kept.store, metrics) }},
		part{name: "what keys were used", run: keys.RecordUses},
		part{name: "what is to be erased", run: eraser.Run},
		part{name: "what is too old", run: retention.Run},
		part{name: "the sweeper", run: sweeping(kept.store, log)},
		part{name: "the configuration", run: (&reloader{source: again, takeOver: fleet.takeOver, running: *cfg, log: log}).run},
		part{name: "the listener", run: sockets.serve(clients)},
	)
}
