package sharded

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"example.com/parley/messages"
)

// ShardSize is a shard with what is in it.
type ShardSize struct {
	Shard         messages.Shard
	Database      string
	Conversations int64
	Items         int64 // places that were taken, those of what was erased among them
	Bytes         int64 // estimated: its part, by items, of what the items take in the database
}

// DatabaseSize is what a database has.
type DatabaseSize struct {
	Name          string
	Shards        int
	Conversations int64
	Items         int64
	Bytes         int64
}

// PlannedMove is a shard that is to be elsewhere.
type PlannedMove struct {
	ShardSize

	To string
}

// ShardPlan is what would move for an even spread, and what that comes to.
type ShardPlan struct {
	Before, After []DatabaseSize
	Moves         []PlannedMove
}

// SpreadBy says what is to be even.
type SpreadBy string

// What a plan goes by.
const (
	SpreadByItems  SpreadBy = "items"
	SpreadByBytes  SpreadBy = "bytes"
	SpreadByShards SpreadBy = "shards"
)

// Plan returns the fewest moves, about, after which the shards are spread evenly over
// some of the databases. Those that are not named are to have none.
func (s *Store) Plan(ctx context.Context, over []string, by SpreadBy) (ShardPlan, error) {
	for _, name := range over {
		if named(s.databases, name) == nil {
			return ShardPlan{}, unnamed(name)
		}
	}
	sizes, err := s.ShardSizes(ctx)
	if err != nil {
		return ShardPlan{}, err
	}
	plan := ShardPlan{Before: s.total(sizes), Moves: spread(sizes, over, weigher(by))}
	for i := range plan.Moves {
		sizes[plan.Moves[i].Shard].Database = plan.Moves[i].To
	}
	plan.After = s.total(sizes)
	return plan, nil
}

// weigher is what a shard counts for. One in which nothing is counts for a little, so
// that what comes is spread, too.
func weigher(by SpreadBy) func(*ShardSize) int64 {
	switch by {
	case SpreadByShards:
		return func(*ShardSize) int64 { return 1 }
	case SpreadByBytes:
		return func(s *ShardSize) int64 { return s.Bytes + 1 }
	default:
		return func(s *ShardSize) int64 { return s.Items + 1 }
	}
}

// spread gives shards of whoever has too much to who has least, the largest first, as
// long as that makes the two more alike.
func spread(sizes []ShardSize, over []string, weigh func(*ShardSize) int64) (moves []PlannedMove) {
	load := make(map[string]int64)
	for i := range sizes {
		load[sizes[i].Database] += weigh(&sizes[i])
	}
	order := make([]*ShardSize, len(sizes))
	for i := range sizes {
		order[i] = &sizes[i]
	}
	slices.SortStableFunc(order, func(a, b *ShardSize) int { return cmp.Compare(weigh(b), weigh(a)) })
	for _, size := range order {
		weight := weigh(size)
		least := slices.MinFunc(over, func(a, b string) int { return cmp.Compare(load[a], load[b]) })
		stays := slices.Contains(over, size.Database) && load[size.Database] < load[least]+2*weight
		if size.Database == least || stays {
			continue
		}
		load[size.Database], load[least] = load[size.Database]-weight, load[least]+weight
		moves = append(moves, PlannedMove{ShardSize: *size, To: least})
	}
	return moves
}

func (s *Store) total(sizes []ShardSize) []DatabaseSize {
	totals := make([]DatabaseSize, len(s.databases))
	for i, d := range s.databases {
		totals[i].Name = d.name
		for j := range sizes {
			if size := &sizes[j]; size.Database == d.name {
				totals[i].Shards++
				totals[i].Conversations, totals[i].Items, totals[i].Bytes = totals[i].Conversations+size.Conversations, totals[i].Items+size.Items, totals[i].Bytes+size.Bytes
			}
		}
	}
	return totals
}

// ShardSizes are all shards in their order. It reads every conversation's name.
func (s *Store) ShardSizes(ctx context.Context) ([]ShardSize, error) {
	sizes := make([]ShardSize, messages.Shards)
	chart := s.atlas.current.Load()
	for i := range sizes {
		sizes[i].Shard, sizes[i].Database = messages.Shard(i), chart.of[i].name
	}
	for _, d := range s.databases {
		if err := d.measure(ctx, chart, sizes); err != nil {
			return nil, fmt.Errorf("measure the shards in %s: %w", d.name, err)
		}
	}
	return sizes, nil
}

func (d *database) measure(ctx context.Context, c *chart, sizes []ShardSize) error {
	return d.Operate(ctx, "ShardSizes", func(tx pgx.Tx) error {
		if err := unhurried(ctx, tx); err != nil {
			return err
		}
		var bytes, all int64
		if err := tx.QueryRow(ctx, "SELECT pg_total_relation_size('items')").Scan(&bytes); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "SELECT tenant, id, next_seq - 1 - parent_seq FROM conversations")
		if err != nil {
			return err
		}
		var ref messages.ConversationRef
		var items int64
		if _, err := pgx.ForEachRow(rows, []any{&ref.Tenant, &ref.Conversation, &items}, func() error {
			shard := messages.ShardOf(ref)
			all += items
			if c.of[shard] == d {
				sizes[shard].Conversations, sizes[shard].Items = sizes[shard].Conversations+1, sizes[shard].Items+items
			}
			return nil
		}); err != nil {
			return err
		}
		for i := range sizes {
			if size := &sizes[i]; c.of[i] == d {
				size.Bytes = int64(float64(bytes) * float64(size.Items) / float64(max(all, 1)))
			}
		}
		return nil
	})
}
