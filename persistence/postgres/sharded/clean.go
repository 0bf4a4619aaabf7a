package sharded

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"example.com/parley/messages"
)

// cleanGrace is how long what a shard left stays: a listing may go by a map that is a
// tick old.
const cleanGrace = 2 * time.Second

// CleanShards takes away what shards that have moved left behind, also those of an
// earlier try, and returns how many they were.
func (s *Store) CleanShards(ctx context.Context, o MoveOptions) (cleaned int, err error) {
	err = s.Exclusively(ctx, moverLock, func() error {
		left, err := s.left(ctx)
		if err != nil || len(left) == 0 {
			return err
		}
		if !o.noGrace {
			pause(ctx, cleanGrace)
		}
		for from, shards := range left {
			d := named(s.databases, from)
			if d == nil {
				return unnamed(from)
			}
			if err := s.clean(ctx, d, shards); err != nil {
				return err
			}
			cleaned += len(shards)
		}
		return nil
	})
	return cleaned, err
}

// left is in which databases shards have left something.
func (s *Store) left(ctx context.Context) (left map[string][]messages.Shard, err error) {
	err = s.Operate(ctx, "CleanShards", func(tx pgx.Tx) error {
		left = make(map[string][]messages.Shard)
		rows, err := tx.Query(ctx, "SELECT shard, target FROM shard_storage WHERE state = $1 ORDER BY shard", stateCleaning)
		if err != nil {
			return err
		}
		var shard messages.Shard
		var from string
		_, err = pgx.ForEachRow(rows, []any{&shard, &from}, func() error {
			left[from] = append(left[from], shard)
			return nil
		})
		return err
	})
	return left, err
}

func (s *Store) clean(ctx context.Context, d *database, shards []messages.Shard) error {
	if err := s.wipe(ctx, d, func(shard messages.Shard) bool { return slices.Contains(shards, shard) }); err != nil {
		return err
	}
	return s.Operate(ctx, "CleanShards", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "UPDATE shard_storage SET state = '', target = '', version = version + 1 WHERE shard = ANY($1) AND state = $2", shards, stateCleaning); err != nil {
			return err
		}
		return tell(ctx, tx)
	})
}

// wipe removes the conversations of shards that a database does not have.
func (s *Store) wipe(ctx context.Context, d *database, of func(messages.Shard) bool) error {
	var refs []messages.ConversationRef
	if err := d.scan(ctx, of, func(ref messages.ConversationRef, _ messages.ConversationID) error {
		refs = append(refs, ref)
		return nil
	}); err != nil {
		return err
	}
	for batch := range slices.Chunk(refs, copyBatch) {
		tenants, ids := columns(batch)
		shards := make([]int32, len(batch))
		for i := range batch {
			shards[i] = int32(messages.ShardOf(batch[i])) // #nosec G115 -- below 1024
		}
		if err := d.Operate(ctx, "CleanShards", func(tx pgx.Tx) error {
			var here int
			if err := tx.QueryRow(ctx, "SELECT count(*) FROM shard_places WHERE shard = ANY($1) AND state NOT IN ('gone', 'arriving')", shards).Scan(&here); err != nil {
				return err
			}
			if here > 0 {
				return fmt.Errorf("%d shards whose conversations were to be removed from %s are there", here, d.name)
			}
			return deleteConversations(ctx, tx, tenants, ids)
		}); err != nil {
			return err
		}
	}
	return nil
}

// RevertMove has a shard stay where it is, whose move was cut off. Where that was past
// the point at which it has moved, it is finished instead; reverted says which.
func (s *Store) RevertMove(ctx context.Context, shard messages.Shard) (reverted bool, err error) {
	err = s.Exclusively(ctx, moverLock, func() error {
		var at storage
		if err := s.Operate(ctx, "RevertMove", func(tx pgx.Tx) error {
			return tx.QueryRow(ctx, "SELECT database, state, target FROM shard_storage WHERE shard = $1", shard).Scan(&at.database, &at.state, &at.target)
		}); err != nil || at.state != stateCopying {
			return err
		}
		m := &mover{Store: s, shard: shard, from: named(s.databases, at.database), to: named(s.databases, at.target)}
		if m.from == nil || m.to == nil {
			return unnamed(at.database + " or " + at.target)
		}
		if err := m.unmark(ctx); errors.Is(err, errNotMoved) {
			return m.flip(ctx)
		} else if err != nil {
			return err
		}
		reverted = true
		if err := s.wipe(ctx, m.to, m.own); err != nil {
			return err
		}
		return s.Operate(ctx, "RevertMove", func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "UPDATE shard_storage SET state = '', target = '', version = version + 1 WHERE shard = $1", shard); err != nil {
				return err
			}
			return tell(ctx, tx)
		})
	})
	return reverted, err
}
