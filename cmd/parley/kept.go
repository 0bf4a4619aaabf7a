package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors/tenant"
	"example.com/parley/persistence/spool"
)

// kept is what outlives the process, and what it takes to count money.
type kept struct {
	store  store
	prices *tenant.Prices
	ledger *spool.Spool
}

// openKept opens store and ledger and settles what an earlier process left
// unfinished.
func openKept(ctx context.Context, cfg *Config, s sockets, metrics prometheus.Registerer, log *slog.Logger) (k kept, err error) {
	if k.prices, err = tenant.NewPrices(cfg.Prices); err != nil {
		return kept{}, err
	}
	if k.store, err = awaitStore(ctx, cfg.Store, s, metrics, log); err != nil {
		return kept{}, err
	}
	recovered, err := k.store.RecoverTurns(ctx)
	if err == nil {
		err = k.prices.Load(ctx, k.store) // what was interrupted goes by the prices of then
	}
	if err == nil {
		k.ledger, err = spool.Open(ctx, cfg.Ledger, spool.Deps{
			Sink: k.store, Price: k.prices.Charge, Registerer: metrics, Log: log,
		})
	}
	if err != nil {
		k.store.Close()
		return kept{}, fmt.Errorf("settle what the last process left: %w", err)
	}
	if recovered > 0 {
		log.Warn("turns were cut off by the end of the last process; they are kept as incomplete", slog.Int("count", recovered))
	}
	return k, nil
}

// close brings the ledger to the store, and closes both.
func (k kept) close() {
	k.ledger.Close()
	k.store.Close()
}
