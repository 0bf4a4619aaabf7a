// Package relational is what the stores have in common: every statement, written
// once in the SQL that SQLite and PostgreSQL share. The stores bring the
// connections, the transactions and their promises; see package persistence.
package relational

import (
	"context"

	"example.com/parley/messages"
)

// Scanner is a row.
type Scanner interface{ Scan(into ...any) error }

// Querier asks. Placeholders are question marks.
type Querier interface {
	// Row scans one row, and tells whether there was one.
	Row(text string, args []any, into ...any) (found bool, err error)
	// Rows calls scan for each row.
	Rows(text string, args []any, scan func(Scanner) error) error
}

// Transaction asks and changes.
type Transaction interface {
	Querier
	// Exec returns the number of rows that were changed.
	Exec(text string, args ...any) (int64, error)
	// Later is for a change of which nothing hangs on before the commit. Where
	// that saves a journey it is sent with what comes next, in order. check, if
	// there is one, is told the number of rows that were changed; its error
	// fails the transaction. It asks nothing itself.
	Later(text string, args []any, check func(changed int64) error) error
}

// Database carries out reads and writes. A write has returned when it is
// committed, or changed nothing. Each is for one tenant, whose rows alone it
// sees where the database can see to that, or for the operator, who sees all.
type Database interface {
	Write(ctx context.Context, tenant messages.TenantID, method string, f func(Transaction) error) error
	Read(ctx context.Context, tenant messages.TenantID, method string, f func(Querier) error) error
}

// operator is the scope of what no tenant asks for.
const operator = messages.TenantID("")

// Store is the repositories over a database. It is safe for concurrent use.
type Store struct {
	db    Database
	rules rules
}

// rules are what else the writes of a store go by.
type rules struct {
	shared bool // with the other nodes of a cluster: each asks for its shard's owner
	placed bool // one of several databases: each asks whether its shard is here
	away   bool // and not the one that keeps tenants, keys and the ledger
}

// New returns the repositories over db.
func New(db Database) *Store { return &Store{db: db} }

// Share has every write to a conversation ask whether its shard has the epoch that
// the write goes by. It is for a node of a cluster, before anything else is written.
func (s *Store) Share() { s.rules.shared = true }

// Ready returns nil when the store can be written to.
func (s *Store) Ready(ctx context.Context) error {
	return s.write(ctx, operator, "Ready", func(t *transaction) error {
		_, err := t.exec("UPDATE keys_version SET version = version WHERE version < 0")
		return err
	})
}

func (s *Store) write(ctx context.Context, tenant messages.TenantID, method string, f func(*transaction) error) error {
	return s.db.Write(ctx, tenant, method, func(t Transaction) error { return f(&transaction{db: t, rules: s.rules}) })
}

func (s *Store) read(ctx context.Context, tenant messages.TenantID, method string, f func(*querying) error) error {
	return s.db.Read(ctx, tenant, method, func(q Querier) error { return f(&querying{db: q, placed: s.rules.placed}) })
}

// querier is either of the two below.
type querier interface {
	row(text string, args []any, into ...any) (found bool, err error)
	rows(text string, args []any, scan func(Scanner) error) error
}

// querying is a read with the repositories' own words.
type querying struct {
	db     Querier
	placed bool
}

func (q *querying) row(text string, args []any, into ...any) (bool, error) {
	return q.db.Row(text, args, into...)
}

func (q *querying) rows(text string, args []any, scan func(Scanner) error) error {
	return q.db.Rows(text, args, scan)
}

// transaction is a write with the repositories' own words.
type transaction struct {
	db Transaction
	rules
}

func (t *transaction) exec(text string, args ...any) (int64, error) { return t.db.Exec(text, args...) }

func (t *transaction) later(check func(changed int64) error, text string, args ...any) error {
	return t.db.Later(text, args, check)
}

// orElse is a check that something was changed.
func orElse(failure func() error) func(changed int64) error {
	return func(changed int64) error {
		if changed == 0 {
			return failure()
		}
		return nil
	}
}

func (t *transaction) row(text string, args []any, into ...any) (bool, error) {
	return t.db.Row(text, args, into...)
}

func (t *transaction) rows(text string, args []any, scan func(Scanner) error) error {
	return t.db.Rows(text, args, scan)
}

func turnBytes(id messages.TurnID) []byte { return id[:] }

func turnID(b []byte) (id messages.TurnID) {
	copy(id[:], b)
	return id
}
