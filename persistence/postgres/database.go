package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"example.com/parley/messages"
	"example.com/parley/persistence/relational"
)

// database brings the transactions.
type database struct {
	pool       *pgxpool.Pool
	metrics    *metrics
	statements statements
}

// maxTries bounds how often a transaction is carried out that the server gave up
// for the sake of another: nothing of it was done.
const maxTries = 5

// Write implements relational.Database.
func (d *database) Write(ctx context.Context, tenant messages.TenantID, method string, f func(relational.Transaction) error) error {
	defer d.metrics.observe(method)()
	var err error
	for range maxTries {
		if err = d.inTransaction(ctx, tenant, pgx.ReadWrite, func(t *transaction) error { return f(t) }); !isConflict(err) {
			break
		}
	}
	return failure(method, err)
}

// Read implements relational.Database.
func (d *database) Read(ctx context.Context, tenant messages.TenantID, method string, f func(relational.Querier) error) error {
	defer d.metrics.observe(method)()
	return failure(method, d.inTransaction(ctx, tenant, pgx.ReadOnly, func(t *transaction) error { return f(t) }))
}

// inTransaction runs f for a tenant, or for the operator without one. The
// setting ends with the transaction, and so never reaches whoever has the
// connection next.
func (d *database) inTransaction(ctx context.Context, tenant messages.TenantID, mode pgx.TxAccessMode, f func(*transaction) error) error {
	setting, value := "parley.tenant", string(tenant)
	if tenant == "" {
		setting, value = "parley.scope", "operator"
	}
	return pgx.BeginTxFunc(ctx, d.pool, pgx.TxOptions{AccessMode: mode}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT set_config($1, $2, true)", setting, value); err != nil {
			return err
		}
		return f(&transaction{ctx: ctx, tx: tx, statements: &d.statements})
	})
}

// transaction implements relational.Transaction.
type transaction struct {
	ctx context.Context //nolint:containedctx // it lives as long as the transaction, which is the context's
	tx  pgx.Tx

	statements *statements
}

// Exec returns the number of rows that were changed.
func (t *transaction) Exec(text string, args ...any) (int64, error) {
	tag, err := t.tx.Exec(t.ctx, t.statements.of(text), args...)
	return tag.RowsAffected(), err
}

// Row scans one row into the targets, and tells whether there was one.
func (t *transaction) Row(text string, args []any, into ...any) (found bool, err error) {
	err = t.tx.QueryRow(t.ctx, t.statements.of(text), args...).Scan(into...)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Rows calls scan for each row.
func (t *transaction) Rows(text string, args []any, scan func(relational.Scanner) error) error {
	rows, err := t.tx.Query(t.ctx, t.statements.of(text), args...)
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
}

// isConflict tells a transaction that the server gave up because of another.
func isConflict(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == serializationFailure || e.Code == deadlockDetected)
}

// The conditions that are told apart, from PostgreSQL's appendix A.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	diskFull             = "53100"
)

// failure tells callers what they can do about err.
func failure(method string, err error) error {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == diskFull {
		return relational.Full(method, err)
	}
	return relational.Unavailable(method, err)
}
