package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors/budget"
	"example.com/parley/actors/conversation"
	"example.com/parley/actors/tenant"
	parleyhttp "example.com/parley/http"
	"example.com/parley/http/admin"
	"example.com/parley/messages"
	"example.com/parley/persistence/postgres"
	"example.com/parley/persistence/postgres/sharded"
	"example.com/parley/persistence/spool"
	"example.com/parley/persistence/sqlite"
)

// StoreConfig is the section "store": where things are kept.
type StoreConfig struct {
	SQLite   sqlite.Config   `koanf:"sqlite"`
	Postgres postgres.Config `koanf:"postgres"`
}

// DefaultStoreConfig keeps everything in the data folder.
func DefaultStoreConfig() StoreConfig {
	return StoreConfig{SQLite: sqlite.DefaultConfig(), Postgres: postgres.DefaultConfig()}
}

// Validate reports every fault at once.
func (c StoreConfig) Validate() error { return errors.Join(c.SQLite.Validate(), c.Postgres.Validate()) }

// usesPostgres tells which of the two it is.
func (c StoreConfig) usesPostgres() bool { return c.Postgres.URL != "" }

// store is what the parts want of the place where things are kept.
type store interface {
	conversation.Journal
	parleyhttp.Library
	parleyhttp.IdempotencyKeys
	tenant.Store
	tenant.PriceKeeper
	tenant.ErasureStore
	tenant.RetentionStore
	tenant.LimitKeeper
	spool.Sink
	budget.Store
	budget.Book
	budget.AlertBook
	admin.Audit
	parleyhttp.Usage
	Deny(ctx context.Context, d messages.CacheDrop) error
	Denied(ctx context.Context, most int) ([]messages.CacheDrop, error)
	RecoverTurns(ctx context.Context) (recovered int, err error)
	UnfinishedTurns(ctx context.Context, owned func(messages.Shard) bool) ([]messages.UnfinishedTurn, error)
	PrepareMonths(ctx context.Context, now time.Time) (made int, err error)
	SweepIdempotency(ctx context.Context, now time.Time) (removed int, err error)
	EraseDeleted(ctx context.Context) (removed int, err error)
	Ready(ctx context.Context) error
	Close()
}

// openStore opens the store that the configuration names, as a node of a cluster
// where member has a name.
func openStore(ctx context.Context, c StoreConfig, member messages.MemberID, registerer prometheus.Registerer, log *slog.Logger) (store, error) {
	switch {
	case c.usesPostgres() && len(c.Postgres.Databases) > 0:
		return sharded.Open(ctx, c.Postgres, member, registerer, log)
	case member != "":
		return postgres.OpenMember(ctx, c.Postgres, member, registerer)
	case c.usesPostgres():
		return postgres.Open(ctx, c.Postgres, registerer)
	}
	return sqlite.Open(ctx, c.SQLite, registerer)
}
