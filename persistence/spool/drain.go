package spool

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"example.com/parley/messages"
)

const (
	// maxBatch bounds one write to the store.
	maxBatch = 256
	// drainInterval is how long a row waits for others before it is brought
	// to the store: reports are up to date within it.
	drainInterval = 200 * time.Millisecond
	// sinkPatience bounds one write to the store.
	sinkPatience = 10 * time.Second
	// maxPause bounds the wait between tries while the store is away.
	maxPause = 5 * time.Second
)

// drain is the queue's goroutine: it syncs the file and brings rows to the
// store, until Close.
func (s *Spool) drain() {
	defer close(s.ended)
	sync := time.NewTicker(s.cfg.SyncInterval)
	defer sync.Stop()
	var next time.Time // when the store is asked again
	var pause time.Duration
	for open := true; open; {
		select {
		case <-sync.C:
		case <-s.wake:
		case <-s.quit:
			open = false
		}
		s.sync()
		if now := time.Now(); !open || !now.Before(next) {
			pause = s.empty(pause)
			next = now.Add(max(pause, drainInterval))
		}
	}
}

// sync waits for the disk, if anything was written since it last did, and tells
// those who wait for it.
func (s *Spool) sync() {
	s.mu.Lock()
	file, told := s.current.file, s.synced
	dirty := s.dirty
	if dirty {
		s.dirty, s.synced = false, make(chan struct{})
	}
	s.mu.Unlock()
	if !dirty {
		return
	}
	if err := file.Sync(); err != nil && !errors.Is(err, os.ErrClosed) { // a full file was synced when it was closed
		s.deps.Log.Error("the ledger's queue could not be synced", slog.Any("error", err))
	}
	close(told)
}

// empty brings all rows that wait to the store. It returns how long to wait
// before the next try, which is 0 when all went well.
func (s *Spool) empty(pause time.Duration) time.Duration {
	for {
		batch := s.batch()
		if len(batch) == 0 {
			return 0
		}
		if err := s.deliver(batch); err != nil {
			s.deps.Log.Warn("usage rows wait for the store", slog.Int("rows", s.depth()), slog.Any("error", err))
			return min(max(2*pause, drainInterval), maxPause)
		}
		s.delivered(batch)
	}
}

func (s *Spool) batch() []row {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending[:min(len(s.pending), maxBatch):min(len(s.pending), maxBatch)]
}

func (s *Spool) deliver(batch []row) error {
	rows := make([]messages.UsageRow, len(batch))
	for i := range batch {
		rows[i] = batch[i].usage
	}
	ctx, release := context.WithTimeout(context.Background(), sinkPatience)
	defer release()
	return s.deps.Sink.AppendUsage(ctx, rows)
}

func (s *Spool) delivered(batch []row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range batch {
		s.forget(batch[i].segment)
		batch[i] = row{}
	}
	s.pending = s.pending[len(batch):]
	if len(s.pending) == 0 {
		s.pending = nil
	}
}

func (s *Spool) depth() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pending)
}

// Close brings what waits to the store once more, syncs, and removes what is not
// needed. Rows that the store did not take are brought to it by the next Open.
func (s *Spool) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	s.mu.Unlock()
	close(s.quit)
	<-s.ended
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.current.file.Sync() // the files are read again at the next start
	_ = s.current.file.Close()
	if s.current.live == 0 {
		_ = os.Remove(s.current.path)
	}
}
