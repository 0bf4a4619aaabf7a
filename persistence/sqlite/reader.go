package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"example.com/parley/persistence/relational"
)

// readers is how many connections read at once. More only compete for the same
// cores and page cache.
const readers = 4

// reading is the pool that reads, with the statements that were met. There are
// as many as in the code; closing the pool frees them. It is safe for concurrent
// use.
type reading struct {
	db       *sql.DB
	prepared sync.Map // text -> *sql.Stmt
}

func (r *reading) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if statement, ok := r.prepared.Load(text); ok {
		return statement.(*sql.Stmt), nil
	}
	statement, err := r.db.PrepareContext(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("prepare a statement: %w", err)
	}
	first, met := r.prepared.LoadOrStore(text, statement)
	if met { // another came first; nothing was read with this one
		_ = statement.Close() //nolint:sqlclosecheck // the others are kept
	}
	return first.(*sql.Stmt), nil
}

// reader is what a read sees. It implements relational.Querier.
type reader struct {
	ctx  context.Context //nolint:containedctx // it lives as long as the read, which is the context's
	pool *reading
}

func (r *reader) Row(text string, args []any, into ...any) (found bool, err error) {
	statement, err := r.pool.prepare(r.ctx, text) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return false, err
	}
	return one(statement.QueryRowContext(r.ctx, args...), into...)
}

func (r *reader) Rows(text string, args []any, scan func(relational.Scanner) error) error {
	statement, err := r.pool.prepare(r.ctx, text) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return err
	}
	rows, err := statement.QueryContext(r.ctx, args...)
	return each(rows, err, scan)
}

func one(row *sql.Row, into ...any) (found bool, err error) {
	err = row.Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func each(rows *sql.Rows, err error, scan func(relational.Scanner) error) error {
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err below tells
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
