package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"example.com/parley/persistence/relational"
)

const (
	// maxWaitingWrites bounds the queue. A caller that finds it full waits with
	// its own deadline.
	maxWaitingWrites = 1024
	// maxBatch bounds one transaction, and so how long the first of it waits
	// for the last.
	maxBatch = 256
)

// writer owns the one connection that writes.
type writer struct {
	jobs    chan *job
	quit    chan struct{}
	once    sync.Once
	ended   chan struct{}
	conn    *sql.Conn
	metrics *metrics

	prepared map[string]*sql.Stmt
}

// job is one write that waits for its commit.
type job struct {
	ctx   context.Context //nolint:containedctx // the caller's, who waits for the job
	run   func(*transaction) error
	begun atomic.Bool // set by whoever comes first: the writer to begin it, or the caller to give it up
	done  chan error  // capacity 1
}

// startWriter starts the goroutine, which stop ends.
func startWriter(ctx context.Context, db *sql.DB, m *metrics) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the writer's connection: %w", err)
	}
	w := &writer{
		jobs: make(chan *job, maxWaitingWrites), quit: make(chan struct{}), ended: make(chan struct{}),
		conn: conn, metrics: m, prepared: make(map[string]*sql.Stmt),
	}
	go w.loop() //nolint:contextcheck // it outlives the caller
	return w, nil
}

// do waits until f was committed with others, or failed alone. When ctx ends
// before f was begun f is not run, and do returns at once; once begun its outcome
// is waited for, since f has the caller's variables.
func (w *writer) do(ctx context.Context, f func(*transaction) error) error {
	j := &job{ctx: ctx, run: f, done: make(chan error, 1)}
	select {
	case <-w.quit:
		return errClosed
	default:
	}
	select {
	case w.jobs <- j:
	case <-w.quit:
		return errClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		if j.begun.CompareAndSwap(false, true) {
			return context.Cause(ctx)
		}
		return <-j.done
	case <-w.ended:
		if j.begun.CompareAndSwap(false, true) { // it came behind the last batch
			return errClosed
		}
		return <-j.done
	}
}

var errClosed = errors.New("the store is closed")

func (w *writer) stop() {
	w.once.Do(func() { close(w.quit) })
	<-w.ended
}

func (w *writer) loop() {
	defer close(w.ended)
	defer w.conn.Close() //nolint:errcheck // everything is committed or was refused
	for {
		select {
		case first := <-w.jobs:
			w.commit(w.batch(first))
		case <-w.quit:
			w.drain()
			return
		}
	}
}

// drain carries out what was taken before the end.
func (w *writer) drain() {
	for {
		select {
		case first := <-w.jobs:
			w.commit(w.batch(first))
		default:
			return
		}
	}
}

// batch takes what waits behind first, without waiting for more: while one
// batch is on its way to the disk the next comes together by itself.
func (w *writer) batch(first *job) []*job {
	batch := []*job{first}
	for len(batch) < maxBatch {
		select {
		case next := <-w.jobs:
			batch = append(batch, next)
		default:
			w.metrics.queue.Set(float64(len(w.jobs)))
			return batch
		}
	}
	w.metrics.queue.Set(float64(len(w.jobs)))
	return batch
}

// commit runs the batch in one transaction. When that is lost as a whole, so are
// all of its jobs.
func (w *writer) commit(batch []*job) {
	ctx := context.Background() // the connection is ours: a caller that gives up must not break it for the others
	errs := make([]error, len(batch))
	lost := w.command(ctx, "BEGIN IMMEDIATE")
	for i := 0; i < len(batch) && lost == nil; i++ {
		errs[i], lost = w.run(ctx, batch[i])
	}
	if lost == nil {
		lost = w.command(ctx, "COMMIT")
	}
	if lost != nil {
		_ = w.command(ctx, "ROLLBACK") // there may be nothing left to roll back; the first error is the one to tell
	}
	w.metrics.batch.Observe(float64(len(batch)))
	for i, j := range batch {
		if errs[i] == nil {
			errs[i] = lost
		}
		j.done <- errs[i]
	}
}

// run carries one job out in a savepoint: what it did is undone when it fails.
// A full disk may take the whole transaction with it.
func (w *writer) run(ctx context.Context, j *job) (failed, lost error) {
	if j.ctx.Err() != nil || !j.begun.CompareAndSwap(false, true) {
		return context.Cause(j.ctx), nil //nolint:contextcheck // the caller's, which has given up
	}
	if err := w.command(ctx, "SAVEPOINT job"); err != nil {
		return err, err
	}
	if failed = guarded(j.run, &transaction{ctx: ctx, writer: w}); failed != nil {
		lost = w.command(ctx, "ROLLBACK TO job")
	}
	if lost = errors.Join(lost, w.command(ctx, "RELEASE job")); lost != nil {
		lost = errors.Join(failed, lost)
	}
	return failed, lost
}

// guarded makes a panic in f its failure: the writer serves everybody.
func guarded(f func(*transaction) error, t *transaction) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a write: %v", p)
		}
	}()
	return f(t)
}

func (w *writer) command(ctx context.Context, sql string) error {
	statement, err := w.prepare(ctx, sql) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return err
	}
	_, err = statement.ExecContext(ctx)
	return err
}

// prepare returns the statement of a text, made once.
func (w *writer) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if statement, ok := w.prepared[text]; ok {
		return statement, nil
	}
	statement, err := w.conn.PrepareContext(ctx, text)
	if err == nil {
		w.prepared[text] = statement
	}
	return statement, err
}

// transaction is what a write sees. Only the writer's goroutine uses it. It
// implements relational.Transaction.
type transaction struct {
	ctx    context.Context
	writer *writer
}

// Exec returns the number of rows that were changed.
func (t *transaction) Exec(text string, args ...any) (int64, error) {
	statement, err := t.writer.prepare(t.ctx, text) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return 0, err
	}
	result, err := statement.ExecContext(t.ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Later is carried out at once: nothing travels.
func (t *transaction) Later(text string, args []any, check func(changed int64) error) error {
	changed, err := t.Exec(text, args...)
	if err == nil && check != nil {
		err = check(changed)
	}
	return err
}

// Row scans one row into the targets, and tells whether there was one.
func (t *transaction) Row(text string, args []any, into ...any) (found bool, err error) {
	statement, err := t.writer.prepare(t.ctx, text) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return false, err
	}
	return one(statement.QueryRowContext(t.ctx, args...), into...)
}

// Rows calls scan for each row.
func (t *transaction) Rows(text string, args []any, scan func(relational.Scanner) error) error {
	statement, err := t.writer.prepare(t.ctx, text) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return err
	}
	rows, err := statement.QueryContext(t.ctx, args...)
	return each(rows, err, scan)
}
