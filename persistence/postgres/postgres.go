// Package postgres keeps everything in PostgreSQL, for production and for more
// than one server. See package persistence for what it promises.
//
// Each read and write is one transaction for one tenant, and says so to the
// server, whose row-level security shows it that tenant's rows alone. The role
// may not be one that is above that.
package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
	"example.com/parley/persistence/relational"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is a pool and the repositories on it. Its methods are safe for
// concurrent use.
type Store struct {
	*relational.Store

	pool    *pgxpool.Pool
	members *pgxpool.Pool // for what the cluster does, which waits for no request; the same one on a server that is alone
	db      *database
	replica *replica // nil where there is none
	family  string   // of one of several databases: what they have in common
}

// Open connects, checks the role, and brings the schema up to date. Close the
// store when done.
func Open(ctx context.Context, cfg Config, registerer prometheus.Registerer) (*Store, error) {
	return OpenAs(ctx, cfg, Role{}, registerer)
}

// OpenMember is [Open] for a node of a cluster: its writes to conversations go by
// the epochs of the shards that it owns.
func OpenMember(ctx context.Context, cfg Config, id messages.MemberID, registerer prometheus.Registerer) (*Store, error) {
	return OpenAs(ctx, cfg, Role{Member: id}, registerer)
}

// OpenAs is [Open] in a role.
func OpenAs(ctx context.Context, cfg Config, role Role, registerer prometheus.Registerer) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	pool, err := connect(ctx, cfg, role)
	if err != nil {
		return nil, err
	}
	if err := prepare(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	db := &database{pool: pool, metrics: newMetrics(role.labelled(registerer), pool)}
	s := &Store{Store: relational.New(db), pool: pool, members: pool, db: db}
	if err := s.furnish(ctx, cfg, role, role.labelled(registerer)); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// furnish has the store do what its role is.
func (s *Store) furnish(ctx context.Context, cfg Config, role Role, registerer prometheus.Registerer) (err error) {
	if role.Member != "" {
		if s.members, err = connect(ctx, cfg.forMembers(), role); err != nil {
			s.members = s.pool
			return err
		}
	}
	if err := s.become(ctx, role); err != nil {
		return err
	}
	if cfg.ReplicaURL != "" {
		s.replica, err = openReplica(ctx, cfg, role, s.db, registerer)
	}
	return err
}

// become finds out what the database is, and tells it what the store does.
func (s *Store) become(ctx context.Context, role Role) (err error) {
	if s.family, err = s.identify(ctx, role); err != nil {
		return err
	}
	if role.Member != "" {
		s.Share()
	}
	if role.Database != "" {
		s.Place(role.away())
	}
	if role.away() { // it has no ledger
		return nil
	}
	if _, err := s.PrepareMonths(ctx, time.Now()); err != nil {
		return fmt.Errorf("prepare the ledger's months: %w", err)
	}
	return nil
}

func connect(ctx context.Context, cfg Config, role Role) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("store.postgres.url cannot be read: %w", err)
	}
	config.MinConns, config.MaxConns = cfg.Connections, cfg.MaxConns
	config.MaxConnLifetime, config.MaxConnLifetimeJitter = cfg.Lifetime, cfg.Lifetime/10
	parameters := config.ConnConfig.RuntimeParams
	parameters["application_name"] = "parley"
	if role.Member != "" {
		parameters["parley.node"] = string(role.Member) // whose the idempotency keys are that it takes
		parameters["application_name"] = sessionName(role.Member)
	}
	if role.Database != "" {
		parameters["parley.databases"] = "on" // it knows that there are several
	}
	parameters["synchronous_commit"] = "on" // what is acknowledged is on the disk
	parameters["statement_timeout"] = "10000"
	parameters["idle_in_transaction_session_timeout"] = "30000"
	boundConnecting(config.ConnConfig)
	config.BeforeClose = boundGoodbye
	if cfg.CommitDelay > 0 {
		config.AfterConnect = delayCommits(cfg.CommitDelay)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, relational.Unavailable("connect to PostgreSQL", err)
	}
	return pool, nil
}

const (
	// reachWithin is how long a connection may take to reach the server. Where it was cut
	// off, the system asks at growing distances, of 1, 2, 4 and 8 seconds: a new try comes
	// through sooner once the way is open again.
	reachWithin = 2 * time.Second
	// connectWithin is how long all may take that is said until a connection can be used.
	connectWithin = 5 * time.Second
)

// boundConnecting bounds also what a query that was given up waits for: a connection of
// its own on which to say so, with its place in the pool. A connect_timeout in the URL
// bounds both.
func boundConnecting(config *pgx.ConnConfig) {
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectWithin
		config.DialFunc = (&net.Dialer{Timeout: reachWithin}).DialContext
	}
}

// goodbyeWithin is how long a connection whose query was given up waits for the server to
// close it as well.
const goodbyeWithin = time.Second

// boundGoodbye closes a connection for which the library would wait for 15 seconds: where
// the server was cut off its goodbye comes seconds after the way is open again, and until
// then the connection's place in the pool is taken, and a store that is closed waits.
func boundGoodbye(conn *pgx.Conn) {
	if !conn.IsClosed() {
		return // it is about to be closed by itself, which waits for nothing
	}
	patience := time.NewTimer(goodbyeWithin)
	defer patience.Stop()
	select {
	case <-conn.PgConn().CleanupDone():
	case <-patience.C:
		_ = conn.PgConn().Conn().Close() // an error says that it is closed
	}
}

func prepare(ctx context.Context, pool *pgxpool.Pool) error {
	if err := pool.Ping(ctx); err != nil {
		return relational.Unavailable("connect to PostgreSQL", err)
	}
	if err := checkRole(ctx, pool); err != nil {
		return err
	}
	return migrate(ctx, pool)
}

// checkRole refuses a role that row-level security does not hold.
func checkRole(ctx context.Context, pool *pgxpool.Pool) error {
	var name string
	var above bool
	err := pool.QueryRow(ctx, "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user").Scan(&name, &above)
	if err != nil {
		return relational.Unavailable("look at the role", err)
	}
	if above {
		return &messages.Failure{
			Code: messages.CodeInvalidRequest,
			What: "the PostgreSQL role " + strconv.Quote(name) + " is above row-level security, which keeps tenants apart",
			Do:   "connect as one that is not: CREATE ROLE parley LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '...', and give it the database",
		}
	}
	return nil
}

// migrate takes an advisory lock, so that several servers may start at once.
func migrate(ctx context.Context, pool *pgxpool.Pool) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close() //nolint:errcheck // the pool stays open
	lock, err := migrationLock()
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(lock))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("bring the database's schema up to date: %w", err)
	}
	return nil
}

// Close waits for running queries.
func (s *Store) Close() {
	s.replica.close()
	if s.members != s.pool {
		s.members.Close()
	}
	s.pool.Close()
}
