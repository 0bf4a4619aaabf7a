package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"example.com/parley/messages"
)

// Where the nodes meet elsewhere, this database does not know who owns a shard. It
// knows up to which epoch one was opened, and refuses what those before it write.

// FencedEpochs are the epochs that writes are held to, in the order of the shards.
func (s *Store) FencedEpochs(ctx context.Context) (epochs []messages.ShardEpoch, err error) {
	err = s.cluster(ctx, "FencedEpochs", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT epoch FROM cluster_shards ORDER BY shard")
		if err != nil {
			return err
		}
		epochs, err = pgx.CollectRows(rows, pgx.RowTo[messages.ShardEpoch])
		return err
	})
	return epochs, err
}

// RaiseShards holds writes to the epochs of those who own shards by now, where they
// are held to earlier ones. An owner does so before it opens a shard: what it finds
// there then nobody before it changes any more.
func (s *Store) RaiseShards(ctx context.Context, owned func(messages.Shard) (messages.ShardEpoch, bool)) error {
	var shards []int32
	var epochs []int64
	for shard := range messages.Shard(messages.Shards) {
		if epoch, is := owned(shard); is {
			shards, epochs = append(shards, int32(shard)), append(epochs, int64(epoch)) // #nosec G115 -- below 1024
		}
	}
	return s.cluster(ctx, "RaiseShards", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", shardsLock); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE cluster_shards s SET epoch = raised.epoch FROM unnest($1::int[], $2::bigint[]) AS raised(shard, epoch)
			WHERE s.shard = raised.shard AND s.epoch < raised.epoch`, shards, epochs)
		return err
	})
}

// ReleaseMembers frees the keys of requests that nobody answers any more, since the
// members that did so are gone.
func (s *Store) ReleaseMembers(ctx context.Context, gone []messages.MemberID) error {
	return s.cluster(ctx, "ReleaseMembers", func(tx pgx.Tx) error { return release(ctx, tx, named(gone)...) })
}

// CutMembers ends the connections of members that were removed, and with them what they
// have locked.
func (s *Store) CutMembers(ctx context.Context, gone []messages.MemberID) error {
	return s.cluster(ctx, "CutMembers", func(tx pgx.Tx) error { return endSessions(ctx, tx, named(gone)) })
}

func named(members []messages.MemberID) []string {
	names := make([]string, len(members))
	for i, id := range members {
		names[i] = string(id)
	}
	return names
}
