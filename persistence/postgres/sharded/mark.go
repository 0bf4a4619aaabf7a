package sharded

import (
	"context"
	"fmt"
	"time"

	"example.com/parley/messages"
)

// How long a move waits for erasures that have begun: they and moves do not go together,
// since what is erased in one database would come back from another.
const (
	erasuresPatience = time.Minute
	erasuresGlance   = time.Second
)

// mark has both databases say that the shard moves, so that what is written to is noted,
// and nothing is erased.
func (m *mover) mark(ctx context.Context) error {
	if err := m.guard(ctx); err != nil {
		return err
	}
	began := time.Now()
	for {
		if err := m.markBoth(ctx); err != nil {
			return err
		}
		pending, err := m.PendingErasures(ctx)
		if err != nil || len(pending) == 0 {
			return err
		}
		if err := m.unmark(ctx); err != nil {
			return err
		}
		if time.Since(began) > erasuresPatience || ctx.Err() != nil {
			return &messages.Failure{
				Code: messages.CodeStoreUnavailable, What: "content is being erased, and no shard moves meanwhile",
				Do: "wait until GET /admin/erasures has none that is not done, and run the command again",
			}
		}
		pause(ctx, erasuresGlance)
	}
}

// guard keeps servers out that know of one database.
func (m *mover) guard(ctx context.Context) error {
	for _, d := range []*database{m.from, m.to} {
		if err := d.GuardShards(ctx); err != nil {
			return fmt.Errorf("keep servers that know of one database out of %s: %w", d.name, err)
		}
	}
	return nil
}

func (m *mover) markBoth(ctx context.Context) error {
	if err := m.place(ctx, m.to, placeWithin, `INSERT INTO shard_places (shard, state) VALUES ($1, 'arriving')
		ON CONFLICT (shard) DO UPDATE SET state = 'arriving' WHERE shard_places.state IN ('gone', 'arriving')`); err != nil {
		return err
	}
	return m.place(ctx, m.from, placeWithin, "UPDATE shard_places SET state = 'copying' WHERE shard = $1 AND state IN ('here', 'copying', 'leaving')")
}

// unmark has the shard stay where it is.
func (m *mover) unmark(ctx context.Context) error {
	if err := m.place(ctx, m.from, placeWithin, "UPDATE shard_places SET state = 'here' WHERE shard = $1 AND state IN ('here', 'copying', 'leaving')"); err != nil {
		return err
	}
	return m.place(ctx, m.to, placeWithin, `INSERT INTO shard_places (shard, state) VALUES ($1, 'gone')
		ON CONFLICT (shard) DO UPDATE SET state = 'gone' WHERE shard_places.state IN ('gone', 'arriving')`)
}
