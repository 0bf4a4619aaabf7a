package spool

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// flush is a sync that some wait for.
type flush struct {
	done chan struct{}
	err  error // set before done is closed
}

func newFlush() *flush { return &flush{done: make(chan struct{})} }

func (f *flush) wait(ctx context.Context) error {
	select {
	case <-f.done:
		if f.err != nil {
			return unwritable(f.err)
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// syncLoop waits for the disk every few moments, or when somebody asks for it,
// until Close.
func (s *Spool) syncLoop() {
	tick := time.NewTicker(s.cfg.SyncInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.sync()
		case <-s.due:
			s.sync()
		case <-s.quit:
			s.sync()
			return
		}
	}
}

// sync waits for the disk, if anything was written since it last did, and tells
// those who wait for it. What is written meanwhile is for the next one.
func (s *Spool) sync() {
	s.mu.Lock()
	current, full, told, dirty := s.current, s.full, s.flush, s.dirty
	s.full, s.dirty = nil, false
	if dirty {
		s.flush = newFlush()
	}
	s.mu.Unlock()
	err := s.closeFiles(full)
	if !dirty {
		return
	}
	if e := current.sync(); e != nil {
		s.deps.Log.Error("the ledger's queue could not be synced", slog.Any("error", e))
		err = errors.Join(err, e)
	}
	told.err = err
	close(told.done)
}

// closeFiles syncs and closes files that are full.
func (s *Spool) closeFiles(files []*segment) (err error) {
	for _, file := range files {
		if e := file.close(); e != nil {
			s.deps.Log.Error("a file of the ledger's queue could not be closed", slog.Any("error", e))
			err = errors.Join(err, e)
		}
	}
	return err
}
