package sharded

import (
	"context"
	"errors"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"example.com/parley/messages"
)

var errNotMoved = errors.New("the shard has not moved")

// finishOverdue takes the last steps of moves whose mover died before them.
func (a *atlas) finishOverdue(ctx context.Context) {
	for shard := range a.current.Load().copying {
		if err := a.finish(ctx, shard); err != nil && !errors.Is(err, errNotMoved) && ctx.Err() == nil {
			a.log.Warn("the move of a shard could not be finished; it is tried again", slog.Int("shard", int(shard)), slog.Any("error", err))
		}
	}
}

// finish takes the last step of a move: once the shard is gone from where it was, and
// so whole where it goes to, it is opened there, and the map says so. Whoever comes
// first does it. It fails with errNotMoved where nothing is left undone.
func (a *atlas) finish(ctx context.Context, shard messages.Shard) error {
	return a.home().Operate(ctx, "FinishMove", func(home pgx.Tx) error {
		var from, to, state string
		err := home.QueryRow(ctx, "SELECT database, target, state FROM shard_storage WHERE shard = $1 FOR UPDATE", shard).Scan(&from, &to, &state)
		if err != nil {
			return err
		}
		source, target := named(a.databases, from), named(a.databases, to)
		if state != stateCopying || source == nil || target == nil {
			return notMoved()
		}
		at, err := readPlace(ctx, source, shard)
		if err != nil {
			return err
		}
		if at.state != placeGone {
			return notMoved()
		}
		if err := target.Operate(ctx, "FinishMove", func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE shard_places SET state = 'here', epoch = greatest(epoch, $2) WHERE shard = $1 AND state = 'arriving'", shard, at.epoch)
			return err
		}); err != nil {
			return err
		}
		if _, err := home.Exec(ctx, "UPDATE shard_storage SET database = target, target = database, state = $2, version = version + 1 WHERE shard = $1", shard, stateCleaning); err != nil {
			return err
		}
		return tell(ctx, home)
	})
}
