package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3/lock"
)

// delayCommits lets commits that come together share one wait for the disk. Only
// some roles may set it: to the others it is nothing lost.
func delayCommits(d time.Duration) func(context.Context, *pgx.Conn) error {
	set := fmt.Sprintf("SET commit_delay = %d", d.Microseconds())
	return func(ctx context.Context, conn *pgx.Conn) error {
		ctx, release := context.WithTimeout(ctx, connectWithin)
		defer release()
		_, err := conn.Exec(ctx, set)
		if err != nil && conn.IsClosed() {
			return err
		}
		return nil
	}
}

func migrationLock() (lock.SessionLocker, error) {
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, fmt.Errorf("make the lock of the migrations: %w", err)
	}
	return locker, nil
}
