// Package spool is the durable local queue of the ledger: it keeps the rows of
// turns that no transaction carries, from the moment at which the turn may end
// until the store has them, and the reservations of attempts in flight.
//
// A record is in the kernel's hands when a method returns, so that it outlives
// this process, however it dies. A power cut may take what was not yet synced:
// see Config.
package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
)

// Sink is where rows end up: the store. A row that it gets twice must count
// once.
type Sink interface {
	AppendUsage(ctx context.Context, rows []messages.UsageRow) error
}

// Deps is what a queue works with.
type Deps struct {
	Sink       Sink
	Price      func(messages.Target, messages.Usage) (messages.NanoDollars, bool) // of attempts that were interrupted
	Registerer prometheus.Registerer
	Log        *slog.Logger
}

// Spool is an open queue. Its methods are safe for concurrent use.
type Spool struct {
	cfg  Config
	deps Deps

	mu      sync.Mutex
	number  uint64
	current *segment
	bytes   int64                // on disk, all segments
	flying  map[attempt]*segment // of attempts that are reserved
	pending []row
	buffer  []byte
	dirty   bool          // written since the last sync
	synced  chan struct{} // closed by the next sync
	closed  bool

	wake  chan struct{} // capacity 1: rows wait, or a sync is asked for
	quit  chan struct{}
	ended chan struct{}
}

// attempt names a row.
type attempt struct {
	tenant  messages.TenantID
	request messages.TurnID
	number  int
}

func attemptOf(r *messages.UsageRow) attempt { return attempt{r.Tenant, r.Request, r.Attempt} }

// row waits for the store.
type row struct {
	usage   messages.UsageRow
	segment *segment
}

// Open settles what earlier processes left, in the store, and starts the queue.
func Open(ctx context.Context, cfg Config, deps Deps) (*Spool, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the ledger's queue: %w", err)
	}
	s := &Spool{
		cfg: cfg, deps: deps, flying: make(map[attempt]*segment), synced: make(chan struct{}),
		wake: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{}),
	}
	if err := s.recover(ctx); err != nil {
		return nil, err
	}
	if err := s.rotate(); err != nil {
		return nil, err
	}
	s.register(deps.Registerer)
	go s.drain() //nolint:contextcheck // it outlives the opening, and ends with Close
	return s, nil
}

// recover brings what is left in the folder to the store, and empties it. A file
// that is damaged is set aside for a person to look at.
func (s *Spool) recover(ctx context.Context) error {
	found, err := replay(s.cfg.Folder, s.interrupted)
	if err != nil {
		return err
	}
	for first := 0; first < len(found.rows); first += maxBatch {
		batch := found.rows[first:min(first+maxBatch, len(found.rows))]
		if err := s.deps.Sink.AppendUsage(ctx, batch); err != nil {
			return fmt.Errorf("bring the ledger's queue to the store: %w", err)
		}
	}
	for _, path := range found.damaged {
		s.deps.Log.Error("a file of the ledger's queue is damaged and was set aside; what came before the damage was kept",
			slog.String("file", path+".damaged"))
		if err := os.Rename(path, path+".damaged"); err != nil {
			return fmt.Errorf("set a damaged file aside: %w", err)
		}
	}
	for _, path := range found.paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("empty the ledger's queue: %w", err)
		}
	}
	s.number = found.last
	return nil
}

// interrupted settles an attempt whose process died under it: its input was
// sent, and what came back is not known.
func (s *Spool) interrupted(row messages.UsageRow) messages.UsageRow {
	row.Status = messages.AttemptInterrupted
	row.Cost, row.Priced = s.deps.Price(messages.Target{Provider: row.Served.Provider, Model: row.Served.Model}, row.Usage)
	return row
}

// Reserve writes down what an attempt may cost. It is refused while the queue
// is full, which it is only when the store has been away for long.
func (s *Spool) Reserve(_ context.Context, r messages.Reservation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes >= s.cfg.MaxBytes {
		return full()
	}
	if err := s.write(reserved, &r.Row); err != nil {
		return err
	}
	s.flying[attemptOf(&r.Row)] = s.current
	return nil
}

// Settle writes a row down, and ends its attempt's reservation.
func (s *Spool) Settle(ctx context.Context, usage messages.UsageRow) error {
	synced, err := s.settle(usage)
	if err != nil || !s.cfg.SyncAlways {
		return err
	}
	select {
	case <-synced:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Spool) settle(usage messages.UsageRow) (synced <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.write(settled, &usage); err != nil {
		return nil, err
	}
	s.pending = append(s.pending, row{usage, s.current})
	s.release(attemptOf(&usage))
	if s.cfg.SyncAlways || len(s.pending) >= maxBatch {
		s.nudge()
	}
	return s.synced, nil
}

// Release ends a reservation without a row of its own. Nothing is written: a
// later process would settle it once more, under a name that the store has.
func (s *Spool) Release(tenant messages.TenantID, request messages.TurnID, number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release(attempt{tenant, request, number})
}

func (s *Spool) release(a attempt) {
	if segment, ok := s.flying[a]; ok {
		delete(s.flying, a)
		s.forget(segment)
	}
}

// write appends a record to the current file. The mutex is held: an append to
// the page cache takes about a microsecond, less than handing it to a goroutine.
func (s *Spool) write(k kind, usage *messages.UsageRow) error {
	if s.closed {
		return closed()
	}
	s.buffer = appendRecord(s.buffer[:0], k, usage)
	if s.current.size >= segmentBytes {
		if err := s.rotate(); err != nil {
			return unwritable(err)
		}
	}
	n, err := s.current.file.Write(s.buffer)
	s.current.size += int64(n)
	s.bytes += int64(n)
	if err != nil {
		err = errors.Join(err, s.rotate()) // half a record ends its file: what is behind it would not be read
		return unwritable(err)
	}
	s.current.live++
	s.dirty = true
	return nil
}

// rotate begins a new file.
func (s *Spool) rotate() error {
	next, err := createSegment(s.cfg.Folder, s.number+1)
	if err != nil {
		return err
	}
	s.number++
	last := s.current
	s.current = next
	if last != nil {
		err = errors.Join(last.file.Sync(), last.file.Close())
		s.clean(last)
	}
	return err
}

// forget takes one record off a file's account.
func (s *Spool) forget(of *segment) {
	of.live--
	s.clean(of)
}

// clean removes a file that nothing needs.
func (s *Spool) clean(of *segment) {
	if of.live > 0 || of == s.current {
		return
	}
	if err := os.Remove(of.path); err != nil {
		s.deps.Log.Warn("a file of the ledger's queue could not be removed", slog.Any("error", err))
	}
	s.bytes -= of.size
}

func (s *Spool) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func full() error {
	return &messages.Failure{
		Code: messages.CodeStoreUnavailable, What: "the ledger's queue is full, because the store has taken no rows for a while",
		Do: "bring the store back; an operator can raise ledger.max_bytes meanwhile", RetryAfter: time.Second,
	}
}

func closed() error {
	return &messages.Failure{
		Code: messages.CodeShuttingDown, What: "the ledger is closed", Do: "send the request again", RetryAfter: time.Second,
	}
}

func unwritable(err error) error {
	return &messages.Failure{
		Code: messages.CodeStoreFull, What: "the ledger's queue could not be written", Do: "look at the disk of the data folder",
		RetryAfter: time.Minute, Cause: err,
	}
}
