package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"example.com/parley/messages"
	"example.com/parley/persistence/relational"
)

// Exclusively calls f unless somebody else is in a call with the same lock on this
// database. The lock is a connection's, and so ends with the process that holds it.
func (s *Store) Exclusively(ctx context.Context, lock int64, f func() error) error {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return relational.Unavailable("Exclusively", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the lock goes with it in any case
	if _, err := conn.Exec(ctx, "SELECT set_config('lock_timeout', $1, false)", strconv.FormatInt(exclusivelyWithin.Milliseconds(), 10)); err != nil {
		return relational.Unavailable("Exclusively", err)
	}
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", lock); hasCode(err, lockNotAvailable) {
		return &messages.Failure{Code: messages.CodeInvalidRequest, What: "somebody else moves shards at this moment", Do: "wait until that is done; one shard moves at a time"}
	} else if err != nil {
		return relational.Unavailable("Exclusively", err)
	}
	return f()
}

// exclusivelyWithin is for the server to notice that a connection has ended.
const exclusivelyWithin = 2 * time.Second
