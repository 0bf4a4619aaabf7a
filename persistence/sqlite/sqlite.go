// Package sqlite keeps everything in one SQLite database: the embedded default,
// with nothing to install. See package persistence for what it promises.
//
// One goroutine writes. It takes what waits and commits it together, each piece
// in a savepoint of its own, so that many turns share one fsync and a fenced
// one fails alone. Readers have a pool of their own and never wait for it.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	"github.com/prometheus/client_golang/prometheus"
	_ "modernc.org/sqlite" // registers the driver

	"example.com/parley/messages"
	"example.com/parley/persistence/relational"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an open database. Its methods are safe for concurrent use.
type Store struct {
	*relational.Store

	reading reading
	writing *sql.DB
	writer  *writer
	lock    *lock
	metrics *metrics
}

// Open opens or creates the database, brings its schema up to date and starts
// the writer. A database that another process has open is refused.
func Open(ctx context.Context, cfg Config, registerer prometheus.Registerer) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(cfg.Path), 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	lock, err := acquire(cfg.Path + ".lock")
	if err != nil {
		return nil, err
	}
	s := &Store{lock: lock, metrics: newMetrics(registerer)}
	s.Store = relational.New(database{s})
	if err := s.open(ctx, cfg.Path); err != nil {
		s.Close() //nolint:contextcheck // the opening may have failed because its context ended
		return nil, err
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, path string) (err error) {
	if err := createPrivate(path); err != nil {
		return err
	}
	// What a savepoint would undo is kept in memory: a file took a third of each write.
	if s.writing, err = connect(path, 1, "synchronous(FULL)", "temp_store(MEMORY)"); err != nil {
		return err
	}
	if err := migrate(ctx, s.writing); err != nil {
		return err
	}
	if s.reading.db, err = connect(path, readers, "query_only(1)"); err != nil {
		return err
	}
	s.writer, err = startWriter(ctx, s.writing, s.metrics)
	return err
}

// createPrivate makes the file before SQLite does, which would let others read it.
func createPrivate(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // #nosec G304 -- the operator's own path
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	return file.Close()
}

// connect opens a pool. WAL lets readers go on while the writer writes;
// synchronous(FULL) makes each commit wait for the disk.
func connect(path string, connections int, pragmas ...string) (*sql.DB, error) {
	query := url.Values{"_pragma": append([]string{"journal_mode(WAL)", "busy_timeout(5000)", "foreign_keys(1)"}, pragmas...)}
	db, err := sql.Open("sqlite", address(path)+"?"+query.Encode())
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// address is a path as SQLite wants it, to which parameters can be added.
func address(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("bring the database's schema up to date: %w", err)
	}
	return nil
}

// Close waits for the writes that were taken, and closes the database.
func (s *Store) Close() {
	if s.writer != nil {
		s.writer.stop()
	}
	if s.reading.db != nil {
		_ = s.reading.db.Close() // only read
	}
	if s.writing != nil {
		_, _ = s.writing.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)") // a server that stopped leaves all in one file
		_ = s.writing.Close()                                                                 // committed already; there is nothing left to lose
	}
	s.lock.release()
}

// database brings the transactions.
type database struct{ store *Store }

// Write implements relational.Database. One file has one owner, who is trusted
// with every tenant's rows: each statement names its tenant.
func (d database) Write(ctx context.Context, _ messages.TenantID, method string, f func(relational.Transaction) error) error {
	defer d.store.metrics.observe(method)()
	return failure(method, d.store.writer.do(ctx, func(t *transaction) error { return f(t) }))
}

// Read implements relational.Database.
func (d database) Read(ctx context.Context, _ messages.TenantID, method string, f func(relational.Querier) error) error {
	defer d.store.metrics.observe(method)()
	return failure(method, f(&reader{ctx: ctx, pool: &d.store.reading}))
}
