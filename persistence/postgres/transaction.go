package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"example.com/parley/persistence/relational"
)

// transaction implements relational.Transaction. What nothing hangs on yet waits
// in batch, its beginning too, and travels with what comes next: a write is two
// or three journeys to the server and back.
type transaction struct {
	ctx  context.Context //nolint:containedctx // it lives as long as the transaction, which is the context's
	conn *pgx.Conn

	statements *statements
	batch      pgx.Batch
	checks     []func(changed int64) error // of the batch
}

func (t *transaction) queue(check func(changed int64) error, text string, args ...any) {
	t.batch.Queue(text, args...)
	t.checks = append(t.checks, check)
}

// ask sends what waits, and a query behind it, whose results read takes.
func (t *transaction) ask(text string, args []any, read func(pgx.BatchResults) error) error {
	t.batch.Queue(t.statements.of(text), args...)
	return t.send(read)
}

// send sends what waits, and looks at what became of it.
func (t *transaction) send(read func(pgx.BatchResults) error) error {
	batch, checks := t.batch, t.checks
	t.batch, t.checks = pgx.Batch{}, nil
	results := t.conn.SendBatch(t.ctx, &batch)
	err := outcome(results, checks)
	if err == nil && read != nil {
		err = read(results)
	}
	if closeErr := results.Close(); err == nil {
		err = closeErr
	}
	return err
}

// outcome is the first failure of a batch.
func outcome(results pgx.BatchResults, checks []func(changed int64) error) error {
	for _, check := range checks {
		tag, err := results.Exec()
		if err == nil && check != nil {
			err = check(tag.RowsAffected())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Exec returns the number of rows that were changed.
func (t *transaction) Exec(text string, args ...any) (changed int64, err error) {
	err = t.ask(text, args, func(results pgx.BatchResults) error {
		tag, err := results.Exec()
		changed = tag.RowsAffected()
		return err
	})
	return changed, err
}

// Later waits for what comes next.
func (t *transaction) Later(text string, args []any, check func(changed int64) error) error {
	t.queue(check, t.statements.of(text), args...)
	return nil
}

// Row scans one row into the targets, and tells whether there was one.
func (t *transaction) Row(text string, args []any, into ...any) (found bool, err error) {
	err = t.ask(text, args, func(results pgx.BatchResults) error { return results.QueryRow().Scan(into...) })
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Rows calls scan for each row.
func (t *transaction) Rows(text string, args []any, scan func(relational.Scanner) error) error {
	return t.ask(text, args, func(results pgx.BatchResults) error {
		rows, err := results.Query()
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// commit makes sure of what still waits, and ends the transaction. A server that
// answers with a rollback has kept nothing.
func (t *transaction) commit() error {
	if len(t.checks) > 0 {
		if err := t.send(nil); err != nil {
			t.rollback()
			return err
		}
	}
	tag, err := t.conn.Exec(t.ctx, "COMMIT")
	if err == nil && tag.String() != "COMMIT" {
		err = pgx.ErrTxCommitRollback
	}
	return err
}

// rollback undoes what was sent. Where it fails the connection is given up, which
// undoes it as well.
func (t *transaction) rollback() {
	if t.conn.PgConn().TxStatus() != 'I' {
		_, _ = t.conn.Exec(t.ctx, "ROLLBACK")
	}
}
