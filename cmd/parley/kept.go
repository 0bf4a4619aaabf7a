package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors"
	"example.com/parley/actors/budget"
	"example.com/parley/actors/provider"
	"example.com/parley/actors/tenant"
	"example.com/parley/http/admin"
	"example.com/parley/messages"
	"example.com/parley/persistence/spool"
)

// kept is what outlives the process, and what it takes to count money.
type kept struct {
	store store
	// registry is where this process meets others.
	registry registry
	member   messages.MemberID // of this process; empty where it is alone
	prices   *tenant.Prices
	rows     *counting // where rows of usage end up
	ledger   *spool.Spool
	budgets  *budget.Budgets
}

// counting is a store that tells budgets of the rows which the ledger's queue
// brings.
type counting struct {
	spool.Sink
	budgets atomic.Pointer[budget.Budgets] // nil while the queue settles what an earlier process left
}

// AppendUsage implements spool.Sink.
func (c *counting) AppendUsage(ctx context.Context, rows []messages.UsageRow) error {
	err := c.Sink.AppendUsage(ctx, rows)
	if budgets := c.budgets.Load(); err == nil && budgets != nil {
		budgets.Counted(rows)
	}
	return err
}

// openKept opens store and ledger and settles what an earlier process left
// unfinished.
func openKept(ctx context.Context, cfg *Config, s sockets, metrics prometheus.Registerer, log *slog.Logger) (k kept, err error) {
	if k.prices, err = tenant.NewPrices(cfg.Prices); err != nil {
		return kept{}, err
	}
	k.member = memberID(cfg.Cluster)
	if k.store, err = awaitStore(ctx, cfg.Store, k.member, s, metrics, log); err != nil {
		return kept{}, err
	}
	if k.registry, err = openRegistry(cfg.Cluster, k.store); err != nil {
		k.store.Close()
		return kept{}, err
	}
	recovered, err := k.recoverTurns(ctx)
	k.rows = &counting{Sink: k.store}
	if err == nil {
		err = k.prices.Load(ctx, k.store) // what was interrupted goes by the prices of then
	}
	if err == nil {
		k.ledger, err = spool.Open(ctx, cfg.Ledger, spool.Deps{
			Sink: k.rows, Price: k.prices.Charge, Registerer: metrics, Log: log,
		})
	}
	if err == nil {
		k.budgets, err = openBudgets(ctx, cfg, k, metrics, log)
		k.rows.budgets.Store(k.budgets)
	}
	if err != nil {
		if k.ledger != nil {
			k.ledger.Close()
		}
		k.registry.close()
		k.store.Close()
		return kept{}, fmt.Errorf("settle what the last process left: %w", err)
	}
	if recovered > 0 {
		log.Warn("turns were cut off by the end of the last process; they are kept as incomplete", slog.Int("count", recovered))
	}
	return k, nil
}

// recoverTurns ends what the last process left running. In a cluster it may be
// another node's: whoever takes a shard over sees to what is there.
func (k kept) recoverTurns(ctx context.Context) (recovered int, err error) {
	if k.member != "" {
		return 0, nil
	}
	if err := notInACluster(ctx, k.registry); err != nil {
		return 0, err
	}
	return k.store.RecoverTurns(ctx)
}

// takeUp goes on with what the last process left running and nobody waits for. In a
// cluster whoever takes a shard over does, before the shard opens.
func (k kept) takeUp(ctx context.Context, tree *actors.System, log *slog.Logger) error {
	if k.member != "" {
		return nil
	}
	unfinished, err := k.store.UnfinishedTurns(ctx, func(messages.Shard) bool { return true })
	if err != nil {
		return fmt.Errorf("look for the turns that are to go on: %w", err)
	}
	if len(unfinished) > 0 {
		log.Info("turns in the background are taken up, which the last process did not live to end", slog.Int("count", len(unfinished)))
	}
	tree.TakeUp(ctx, unfinished)
	return nil
}

// openBudgets is for when the rows of the process before are in the store.
func openBudgets(ctx context.Context, cfg *Config, k kept, metrics prometheus.Registerer, log *slog.Logger) (*budget.Budgets, error) {
	node, err := folder(cfg.Data).node()
	if err != nil {
		return nil, err
	}
	return budget.Open(ctx, cfg.Budgets, budget.Deps{Store: k.store, Charge: k.prices.Charge, Node: node, Registerer: metrics, Log: log})
}

// close brings the ledger to the store, and closes all.
func (k kept) close() {
	k.ledger.Close()
	k.registry.close()
	k.store.Close()
}

// standing is how budgets stand, in the store and here.
type standing struct {
	admin.Budgets
	here *budget.Budgets
}

// Remaining implements http.Budgets.
func (s standing) Remaining(of messages.TenantID, key messages.KeyID) (messages.MicroDollars, bool) {
	return s.here.Remaining(of, key)
}

// telling tells the webhooks of budgets, at addresses on the internet unless the
// operator allows any.
func (k kept) telling(cfg *Config) *budget.Alerts {
	if cfg.ProvidersAdmin.AllowLocal {
		return budget.NewAlerts(k.budgets, k.store, budget.NewWebhook(nil))
	}
	return budget.NewAlerts(k.budgets, k.store, budget.NewWebhook(provider.Guard))
}
