// Package sharded keeps conversations in several PostgreSQL databases, by their shards.
//
// The first of them, home, keeps everything else besides: tenants, keys, limits,
// budgets and prices, the ledger, idempotency keys, the audit log, the cluster's
// members, and the map of which shard is where. The others have conversations with
// their turns and items, and nothing else that lasts. docs/decisions/sharded-storage.md
// says why.
//
// The map says where to look. What decides is each database's own word on which shards
// it has: whoever goes by an old map is refused, looks at the map again, and goes on.
package sharded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
	"example.com/parley/persistence/postgres"
)

// Store is a store over several databases. Whatever it does not do itself home does.
// Its methods are safe for concurrent use.
type Store struct {
	*postgres.Store // home

	databases []*database // home first
	atlas     *atlas
	courier   *courier
}

// database is one of several.
type database struct {
	*postgres.Store

	name string
}

// Open opens all databases that the configuration names, home first, as a node of a
// cluster where member has a name. Close the store when done.
func Open(ctx context.Context, cfg postgres.Config, member messages.MemberID, registerer prometheus.Registerer, log *slog.Logger) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Store{}
	family := ""
	for _, name := range cfg.Names() {
		role := postgres.Role{Member: member, Database: name, Family: family}
		opened, err := postgres.OpenAs(ctx, cfg.Of(name), role, registerer)
		if err != nil {
			s.closeDatabases()
			return nil, fmt.Errorf("open the database %s: %w", name, err)
		}
		family = opened.Family()
		s.databases = append(s.databases, &database{Store: opened, name: name})
	}
	s.Store = s.databases[0].Store
	var err error
	if s.atlas, err = openAtlas(ctx, s.databases, log); err != nil {
		s.closeDatabases()
		return nil, err
	}
	s.courier = startCourier(ctx, s.databases, log)
	return s, nil
}

// Close brings home what waits, and waits for running queries.
func (s *Store) Close() {
	s.courier.stop()
	s.atlas.close()
	s.closeDatabases()
}

func (s *Store) closeDatabases() {
	for _, d := range s.databases {
		d.Close()
	}
}

// Ready returns nil when all databases can be written to.
func (s *Store) Ready(ctx context.Context) error {
	_, err := everywhere(s, func(d *database) (struct{}, error) {
		if err := d.Ready(ctx); err != nil {
			return struct{}{}, fmt.Errorf("the database %s: %w", d.name, err)
		}
		return struct{}{}, nil
	})
	return errors.Join(err...)
}

// RecoverTurns ends the turns that a dead process left running, wherever they are.
func (s *Store) RecoverTurns(ctx context.Context) (recovered int, err error) {
	return s.sum(func(d *database) (int, error) { return d.RecoverTurns(ctx) })
}

// UnfinishedTurns are those that are to be taken up, wherever they are.
func (s *Store) UnfinishedTurns(ctx context.Context, owned func(messages.Shard) bool) ([]messages.UnfinishedTurn, error) {
	found, faults := everywhere(s, func(d *database) ([]messages.UnfinishedTurn, error) { return d.UnfinishedTurns(ctx, owned) })
	return slices.Concat(found...), errors.Join(faults...)
}

// RecoverShards ends the turns that earlier owners of shards left running, and has what
// those write be refused from then on.
func (s *Store) RecoverShards(ctx context.Context, owned func(messages.Shard) (messages.ShardEpoch, bool)) (recovered int, err error) {
	members, _, err := s.Topology(ctx)
	if err != nil {
		return 0, err
	}
	return s.sum(func(d *database) (recovered int, err error) {
		if err := d.EndFrozen(ctx, members); err != nil {
			return 0, err
		}
		if err := d.RaiseEpochs(ctx, owned); err != nil {
			return 0, err
		}
		err = s.waitOut(ctx, func() (err error) {
			recovered, err = d.RecoverShards(ctx, owned)
			return err
		})
		return recovered, err
	})
}
