// Package spool is the durable local queue of the ledger: it keeps the rows of
// turns that no transaction carries, from the moment at which the turn may end
// until the store has them, and the reservations of attempts in flight.
//
// A record is in the kernel's hands when a method returns, so that it outlives
// this process, however it dies. A power cut may take what was not yet synced:
// see Config.
//
// Two goroutines work for a queue: one waits for the disk, the other for the
// store. Neither delays the other, nor whoever writes.
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
// once. It does not keep the slice.
type Sink interface {
	AppendUsage(ctx context.Context, rows []messages.UsageRow) error
}

// Deps is what a queue works with.
type Deps struct {
	Sink       Sink
	Price      func(target messages.Target, usage messages.Usage, began time.Time) messages.Charge // of attempts that were interrupted
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
	full    []*segment           // to be synced and closed
	unread  []*segment           // have rows that are not in memory
	bytes   int64                // on disk, all segments
	flying  map[attempt]*segment // of attempts that are reserved
	pending rows                 // for the store, at most maxPending
	waiting int                  // rows that the store has not got, in memory or not
	buffer  []byte
	dirty   bool // written since the last sync
	flush   *flush
	closed  bool

	due   chan struct{} // capacity 1: somebody waits for the disk
	many  chan struct{} // capacity 1: many rows wait for the store
	quit  chan struct{}
	ended sync.WaitGroup
}

// attempt names a row.
type attempt struct {
	tenant  messages.TenantID
	request messages.TurnID
	number  int
}

func attemptOf(r *messages.UsageRow) attempt { return attempt{r.Tenant, r.Request, r.Attempt} }

// rows wait for the store, each with the file that has it.
type rows struct {
	usage    []messages.UsageRow
	segments []*segment
}

func (r *rows) add(usage *messages.UsageRow, in *segment) {
	r.usage, r.segments = append(r.usage, *usage), append(r.segments, in)
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
		cfg: cfg, deps: deps, flying: make(map[attempt]*segment), flush: newFlush(),
		due: make(chan struct{}, 1), many: make(chan struct{}, 1), quit: make(chan struct{}),
	}
	if err := s.recover(ctx); err != nil {
		return nil, err
	}
	if err := s.rotate(0); err != nil {
		return nil, err
	}
	s.register(deps.Registerer)
	s.ended.Go(s.syncLoop)
	s.ended.Go(s.drainLoop)
	return s, nil
}

// recover brings what is left in the folder to the store, and empties it. A file
// that is damaged is set aside for a person to look at.
func (s *Spool) recover(ctx context.Context) error {
	take := func(rows []messages.UsageRow) error {
		if err := s.deps.Sink.AppendUsage(ctx, rows); err != nil {
			return fmt.Errorf("bring the ledger's queue to the store: %w", err)
		}
		return nil
	}
	found, err := replay(s.cfg.Folder, take)
	if err != nil {
		return err
	}
	left := make([]messages.UsageRow, 0, len(found.flying))
	for _, row := range found.flying {
		left = append(left, s.interrupted(row))
	}
	if err := inBatches(left, take); err != nil {
		return err
	}
	for _, path := range found.damaged {
		s.deps.Log.Error("a file of the ledger's queue is damaged and was set aside; what could be read of it was kept",
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
	charge := s.deps.Price(messages.Target{Provider: row.Served.Provider, Model: row.Served.Model}, row.Usage, row.Created)
	row.Cost, row.Priced, row.Price = charge.Cost, charge.Known, charge.Price
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
	flush, err := s.settle(&usage)
	if err != nil || !s.cfg.SyncAlways {
		return err
	}
	return flush.wait(ctx)
}

func (s *Spool) settle(usage *messages.UsageRow) (*flush, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.write(settled, usage); err != nil {
		return nil, err
	}
	s.enqueue(usage)
	s.release(attemptOf(usage))
	if s.cfg.SyncAlways {
		nudge(s.due)
	}
	return s.flush, nil
}

// enqueue lets a row wait for the store: in memory, or where too many do so
// already, on disk until its file is read again.
func (s *Spool) enqueue(usage *messages.UsageRow) {
	s.waiting++
	if n := len(s.pending.usage); n < maxPending {
		s.pending.add(usage, s.current)
		if n == maxPending/2 {
			nudge(s.many)
		}
		return
	}
	if s.current.unread == 0 {
		s.unread = append(s.unread, s.current)
	}
	s.current.unread++
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
		s.forget(segment, 1)
	}
}

// write puts a record into the current file. The mutex is held: it takes less
// than handing the record to a goroutine.
func (s *Spool) write(k kind, usage *messages.UsageRow) error {
	if s.closed {
		return closed()
	}
	s.buffer = appendRecord(s.buffer[:0], k, usage)
	if len(s.buffer) > maxRecordBytes {
		return tooLong()
	}
	if !s.current.fits(s.buffer) {
		if err := s.rotate(len(s.buffer)); err != nil {
			return unwritable(err)
		}
	}
	if err := s.current.put(s.buffer); err != nil {
		return unwritable(errors.Join(err, s.rotate(0))) // nothing behind it would be read
	}
	s.bytes += int64(len(s.buffer))
	s.current.live++
	s.dirty = true
	return nil
}

// rotate begins a new file, with room for a record of the given size.
func (s *Spool) rotate(room int) error {
	next, err := createSegment(s.cfg.Folder, s.number+1, room)
	if err != nil {
		return err
	}
	s.number++
	last := s.current
	s.current = next
	if last != nil {
		s.full = append(s.full, last)
		s.clean(last)
	}
	return nil
}

// forget takes records off a file's account.
func (s *Spool) forget(of *segment, records int) {
	of.live -= records
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
	of.removed.Store(true)
	s.bytes -= of.size
}

func nudge(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Close brings what waits to the store once more, and syncs. Rows that the store
// did not take are brought to it by the next Open.
func (s *Spool) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	s.mu.Unlock()
	close(s.quit)
	s.ended.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.current
	s.current = nil
	s.clean(last)
	_ = s.closeFiles(append(s.full, last)) // logged; the files are read again at the next start
}
