package postgres

import (
	"context"
	"errors"
	"slices"

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
		if err = d.inTransaction(ctx, tenant, "BEGIN", func(t *transaction) error { return f(t) }); !hasCode(err, serializationFailure, deadlockDetected) {
			break
		}
	}
	if hasCode(err, readOnly) { // connections of a server that is no longer the primary: new ones find the one that is
		d.pool.Reset()
	}
	return failure(method, err)
}

// Read implements relational.Database.
func (d *database) Read(ctx context.Context, tenant messages.TenantID, method string, f func(relational.Querier) error) error {
	defer d.metrics.observe(method)()
	return failure(method, d.inTransaction(ctx, tenant, "BEGIN READ ONLY", func(t *transaction) error { return f(t) }))
}

// inTransaction runs f for a tenant, or for the operator without one. The
// setting ends with the transaction, and so never reaches whoever has the
// connection next.
func (d *database) inTransaction(ctx context.Context, tenant messages.TenantID, begin string, f func(*transaction) error) error {
	setting, value := "parley.tenant", string(tenant)
	if tenant == "" {
		setting, value = "parley.scope", "operator"
	}
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release() // of a connection that has a transaction open nothing is kept
	t := &transaction{ctx: ctx, conn: conn.Conn(), statements: &d.statements}
	t.queue(nil, begin)
	t.queue(nil, "SELECT set_config($1, $2, true)", setting, value)
	if err := f(t); err != nil {
		t.rollback()
		return err
	}
	return t.commit()
}

func hasCode(err error, codes ...string) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && slices.Contains(codes, e.Code)
}

// The conditions that are told apart, from PostgreSQL's appendix A.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	diskFull             = "53100"
	readOnly             = "25006"
	lockNotAvailable     = "55P03"
)

// failure tells callers what they can do about err.
func failure(method string, err error) error {
	if hasCode(err, diskFull) {
		return relational.Full(method, err)
	}
	return relational.Unavailable(method, err)
}
