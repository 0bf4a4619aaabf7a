package tenant

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"example.com/parley/messages"
)

// ErasureStore takes content away. Both stores implement it.
type ErasureStore interface {
	CreateErasure(ctx context.Context, e messages.Erasure) error
	// DeleteTenant revokes the keys of the erasure's tenant, takes it out of the
	// list, and keeps the wish for the erasure, or does nothing of it.
	DeleteTenant(ctx context.Context, e messages.Erasure) error
	// EraseSome takes a step, and says how far it is. It may be called by several
	// at once.
	EraseSome(ctx context.Context, id string) (messages.Erasure, error)
	Erasure(ctx context.Context, id string) (messages.Erasure, error)
	Erasures(ctx context.Context, tenant messages.TenantID) ([]messages.Erasure, error)
	PendingErasures(ctx context.Context) ([]messages.Erasure, error)
	// ErasedSince lists those that ended at a moment or later.
	ErasedSince(ctx context.Context, at time.Time) ([]messages.Erasure, error)
}

// Emptier forgets a tenant's cached replies. actors/cache implements it.
type Emptier interface {
	Empty(ctx context.Context, tenant messages.TenantID) error
}

// Eraser has content taken away. It is safe for concurrent use; Run goes on with
// what others began, and has this node forget what was erased on another.
type Eraser struct {
	store   ErasureStore
	emptier Emptier // nil where nothing is cached
	log     *slog.Logger
}

// NewEraser works on the store. emptier is nil where nothing is cached.
func NewEraser(store ErasureStore, emptier Emptier, log *slog.Logger) *Eraser {
	return &Eraser{store: store, emptier: emptier, log: log}
}

const maxUserName = 512 // bytes, as with OpenAI

// Erase takes the content of a tenant's user away, or all of the tenant's for the
// empty name. It returns the receipt, when everything is gone or ctx ends: then
// the receipt says that it is not done, and Run goes on.
func (e *Eraser) Erase(ctx context.Context, tenant messages.TenantID, user string) (messages.Erasure, error) {
	if len(user) > maxUserName {
		return messages.Erasure{}, invalid("user", "no user has a name that long", "give the safety_identifier or user of the requests")
	}
	wanted := newErasure(tenant)
	if user != "" {
		wanted.User, wanted.UserHash = user, messages.HashUser(user)
	}
	if err := e.store.CreateErasure(ctx, wanted); err != nil {
		return messages.Erasure{}, fmt.Errorf("erase content of %s: %w", tenant, err)
	}
	return e.begin(ctx, wanted)
}

// DeleteTenant revokes a tenant's keys, takes it out of the list, and erases its
// content as Erase does. Its rows of usage stay.
func (e *Eraser) DeleteTenant(ctx context.Context, id messages.TenantID) (messages.Erasure, error) {
	wanted := newErasure(id)
	if err := e.store.DeleteTenant(ctx, wanted); err != nil {
		return messages.Erasure{}, fmt.Errorf("delete tenant %s: %w", id, err)
	}
	return e.begin(ctx, wanted)
}

func newErasure(of messages.TenantID) messages.Erasure {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails: the process ends instead
	return messages.Erasure{ID: "erasure_" + hex.EncodeToString(random[:]), Tenant: of, Requested: time.Now().UTC().Truncate(time.Microsecond)}
}

// begin goes on with what was written down, for as long as ctx lasts.
func (e *Eraser) begin(ctx context.Context, wanted messages.Erasure) (messages.Erasure, error) {
	at, err := e.finish(ctx, wanted)
	if err != nil && ctx.Err() != nil {
		return at, nil //nolint:nilerr // it is kept, and goes on
	}
	return at, err
}

// Erasure returns a receipt.
func (e *Eraser) Erasure(ctx context.Context, id string) (messages.Erasure, error) {
	return e.store.Erasure(ctx, id)
}

// Erasures lists the receipts of a tenant, or of all, the newest first.
func (e *Eraser) Erasures(ctx context.Context, tenant messages.TenantID) ([]messages.Erasure, error) {
	return e.store.Erasures(ctx, tenant)
}

// finish takes steps until nothing is left. The cache is emptied before the receipt
// says that all is gone.
func (e *Eraser) finish(ctx context.Context, of messages.Erasure) (at messages.Erasure, err error) {
	if err := e.empty(ctx, of.Tenant); err != nil {
		return of, err
	}
	for at = of; !at.Done(); {
		next, err := e.store.EraseSome(ctx, of.ID)
		if err != nil {
			return at, err
		}
		at = next
	}
	return at, nil
}

func (e *Eraser) empty(ctx context.Context, tenant messages.TenantID) error {
	if e.emptier == nil {
		return nil
	}
	return e.emptier.Empty(ctx, tenant)
}

const (
	eraserInterval = 2 * time.Second
	eraserPatience = time.Minute // for one erasure, which goes on with the next look
	// eraserOverlap is how far back a look goes behind the last one: clocks of nodes
	// differ, and a transaction is seen after the moment that it names.
	eraserOverlap = time.Minute
)

// Run goes on with what is not done, and forgets what was erased elsewhere, until ctx
// ends.
func (e *Eraser) Run(ctx context.Context) error {
	ticker := time.NewTicker(eraserInterval)
	defer ticker.Stop()
	known := make(map[string]time.Time) // erasures that this node heard of, by when they ended
	since := time.Now()                 // the cache was empty then
	for {
		if err := e.look(ctx, known, since.Add(-eraserOverlap)); err != nil && ctx.Err() == nil {
			e.log.Warn("content that is to be erased is there still; it is tried again", slog.Any("error", err))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		since = time.Now().Add(-eraserInterval)
	}
}

func (e *Eraser) look(ctx context.Context, known map[string]time.Time, since time.Time) error {
	pending, err := e.store.PendingErasures(ctx)
	if err != nil {
		return err
	}
	var faults []error
	for i := range pending {
		working, release := context.WithTimeout(ctx, eraserPatience)
		_, err := e.finish(working, pending[i])
		release()
		faults = append(faults, err)
	}
	ended, err := e.store.ErasedSince(ctx, since)
	if err != nil {
		return errors.Join(append(faults, err)...)
	}
	for i := range ended {
		d := &ended[i]
		if _, heard := known[d.ID]; heard {
			continue
		}
		if err := e.empty(ctx, d.Tenant); err != nil {
			return err
		}
		known[d.ID] = d.Ended
	}
	for id, at := range known {
		if at.Before(since.Add(-eraserOverlap)) {
			delete(known, id)
		}
	}
	return errors.Join(faults...)
}
