package sharded

import (
	"context"

	"github.com/jackc/pgx/v5"

	"example.com/parley/messages"
)

// DatabaseOf is where a shard is.
func (s *Store) DatabaseOf(shard messages.Shard) string { return s.atlas.of(shard).name }

// CutOff are the shards whose move has begun and not ended, and where they go.
func (s *Store) CutOff() map[messages.Shard]string { return s.atlas.current.Load().copying }

// DatabaseShares says how many shards each database has, home first.
func (s *Store) DatabaseShares(ctx context.Context) (shares []messages.DatabaseShare, err error) {
	err = s.Operate(ctx, "DatabaseShares", func(tx pgx.Tx) error {
		shares = make([]messages.DatabaseShare, len(s.databases))
		for i, d := range s.databases {
			shares[i].Name = d.name
			if err := tx.QueryRow(ctx, `SELECT count(*) FILTER (WHERE database = $1), count(*) FILTER (WHERE database = $1 AND state = 'copying'),
				count(*) FILTER (WHERE target = $1 AND state = 'cleaning') FROM shard_storage`, d.name).Scan(&shares[i].Shards, &shares[i].Moving, &shares[i].Left); err != nil {
				return err
			}
		}
		return nil
	})
	return shares, err
}
