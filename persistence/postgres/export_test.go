package postgres

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// RowsSeenUnasked counts the conversations that a connection of the pool sees
// when it does not say for whom it asks.
func (s *Store) RowsSeenUnasked(ctx context.Context) (n int, err error) {
	err = s.pool.QueryRow(ctx, "SELECT count(*) FROM conversations").Scan(&n)
	return n, err
}

// TakeAll takes all connections that requests share, until the returned function gives
// them back.
func (s *Store) TakeAll(ctx context.Context) (release func(), err error) {
	var taken []*pgxpool.Conn
	release = func() {
		for _, conn := range taken {
			conn.Release()
		}
	}
	for range s.pool.Config().MaxConns {
		conn, err := s.pool.Acquire(ctx)
		if err != nil {
			release()
			return nil, err
		}
		taken = append(taken, conn)
	}
	return release, nil
}

// Setting is what a connection of the pool has for a parameter of the server's.
func (s *Store) Setting(ctx context.Context, name string) (value string, err error) {
	err = s.pool.QueryRow(ctx, "SELECT current_setting($1)", name).Scan(&value)
	return value, err
}

// MigrateBefore takes the schema back to what it was before a migration, which the
// end of its name names.
func (s *Store) MigrateBefore(ctx context.Context, name string) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	db := stdlib.OpenDBFromPool(s.pool)
	defer db.Close() //nolint:errcheck // the pool stays open
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files)
	if err != nil {
		return err
	}
	for _, source := range provider.ListSources() {
		if strings.HasSuffix(source.Path, name) {
			_, err = provider.DownTo(ctx, source.Version-1)
			return err
		}
	}
	return errors.New("there is no migration " + name)
}
