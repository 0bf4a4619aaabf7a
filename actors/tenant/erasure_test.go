package tenant

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/messages"
)

// shredder is a store in which an erasure takes some steps.
type shredder struct {
	mu    sync.Mutex
	all   map[string]messages.Erasure
	steps int   // that each takes
	fault error // of the next steps

	deleted []messages.TenantID
}

func (s *shredder) CreateErasure(_ context.Context, e messages.Erasure) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[e.ID] = e
	return nil
}

func (s *shredder) DeleteTenant(ctx context.Context, e messages.Erasure) error {
	s.deleted = append(s.deleted, e.Tenant)
	return s.CreateErasure(ctx, e)
}

func (s *shredder) EraseSome(_ context.Context, id string) (messages.Erasure, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.all[id]
	if s.fault != nil {
		return e, s.fault
	}
	if e.Turns++; e.Turns == int64(s.steps) {
		e.User, e.Ended = "", time.Now()
	}
	s.all[id] = e
	return e, nil
}

func (s *shredder) Erasure(_ context.Context, id string) (messages.Erasure, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[id], nil
}

func (s *shredder) Erasures(context.Context, messages.TenantID) ([]messages.Erasure, error) {
	return s.where(func(messages.Erasure) bool { return true }), nil
}

func (s *shredder) PendingErasures(context.Context) ([]messages.Erasure, error) {
	return s.where(func(e messages.Erasure) bool { return !e.Done() }), nil
}

func (s *shredder) ErasedSince(_ context.Context, at time.Time) ([]messages.Erasure, error) {
	return s.where(func(e messages.Erasure) bool { return e.Done() && !e.Ended.Before(at) }), nil
}

func (s *shredder) where(is func(messages.Erasure) bool) (found []messages.Erasure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.all {
		if is(e) {
			found = append(found, e)
		}
	}
	return found
}

// bin remembers whose replies were forgotten.
type bin struct {
	mu      sync.Mutex
	emptied []messages.TenantID
	fault   error
}

func (b *bin) Empty(_ context.Context, tenant messages.TenantID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.emptied = append(b.emptied, tenant)
	return b.fault
}

func (b *bin) times(tenant messages.TenantID) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, of := range b.emptied {
		if of == tenant {
			n++
		}
	}
	return n
}

func TestErasureGoesOnUntilNothingIsLeft(t *testing.T) {
	t.Parallel()
	store, cache := &shredder{all: make(map[string]messages.Erasure), steps: 3}, &bin{}
	e := NewEraser(store, cache, slog.New(slog.DiscardHandler))
	receipt, err := e.Erase(t.Context(), "acme", "ann")
	if err != nil || !receipt.Done() || receipt.Turns != 3 || receipt.UserHash != messages.HashUser("ann") || receipt.User != "" || !strings.HasPrefix(receipt.ID, "erasure_") {
		t.Errorf("%+v, %v", receipt, err)
	}
	if !slices.Equal(cache.emptied, []messages.TenantID{"acme"}) {
		t.Errorf("forgotten were %v", cache.emptied)
	}
	if _, err := e.Erase(t.Context(), "acme", strings.Repeat("x", 513)); messages.AsFailure(err).Param != "user" {
		t.Errorf("of a name that is none: %v", err)
	}
}

func TestDeletionOfATenantErasesItsContentAndForgetsItsReplies(t *testing.T) {
	t.Parallel()
	store, cache := &shredder{all: make(map[string]messages.Erasure), steps: 3}, &bin{}
	e := NewEraser(store, cache, slog.New(slog.DiscardHandler))
	receipt, err := e.DeleteTenant(t.Context(), "acme")
	if err != nil || !receipt.Done() || receipt.Tenant != "acme" || receipt.UserHash != "" || receipt.Turns != 3 {
		t.Errorf("%+v, %v", receipt, err)
	}
	if !slices.Equal(store.deleted, []messages.TenantID{"acme"}) || !slices.Equal(cache.emptied, store.deleted) {
		t.Errorf("deleted is %v, forgotten were %v", store.deleted, cache.emptied)
	}
}

func TestErasureThatIsInterruptedIsFinishedLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, cache := &shredder{all: make(map[string]messages.Erasure), steps: 3}, &bin{}
		e := NewEraser(store, cache, slog.New(slog.DiscardHandler))
		over, stop := context.WithCancel(t.Context())
		stop()
		store.fault = errors.New("away")
		receipt, err := e.Erase(over, "acme", "")
		if err != nil || receipt.Done() {
			t.Errorf("%+v, %v", receipt, err)
		}
		if _, err := e.Erase(t.Context(), "acme", ""); err == nil {
			t.Error("a store that is away is no failure")
		}
		running, stop := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { _ = e.Run(running) })
		time.Sleep(eraserInterval)
		store.mu.Lock()
		store.fault = nil
		store.mu.Unlock()
		time.Sleep(2 * eraserInterval)
		if pending, _ := store.PendingErasures(t.Context()); len(pending) != 0 {
			t.Errorf("%d are not done", len(pending))
		}
		// Another node's is forgotten here, too, and once.
		before := cache.times("rival")
		_ = store.CreateErasure(t.Context(), messages.Erasure{ID: "erasure_other", Tenant: "rival", Ended: time.Now()})
		time.Sleep(10 * eraserInterval)
		if got := cache.times("rival") - before; got != 1 {
			t.Errorf("it was forgotten %d times", got)
		}
		stop()
		done.Wait()
	})
}

func TestErasureWaitsForTheCache(t *testing.T) {
	t.Parallel()
	store, cache := &shredder{all: make(map[string]messages.Erasure), steps: 1}, &bin{fault: errors.New("redis is gone")}
	if receipt, err := NewEraser(store, cache, slog.New(slog.DiscardHandler)).Erase(t.Context(), "acme", ""); err == nil || receipt.Done() {
		t.Errorf("%+v, %v", receipt, err)
	}
}
