package sharded

import (
	"context"
	"time"

	"example.com/parley/messages"
	"example.com/parley/persistence/relational"
)

// EraseSome takes a step of an erasure in every database. It is done once none has
// anything left; what each took away counts.
func (s *Store) EraseSome(ctx context.Context, id string) (messages.Erasure, error) {
	wanted, err := s.Erasure(ctx, id)
	if err != nil || wanted.Done() {
		return wanted, err
	}
	return s.EraseSomeWith(ctx, id, func() (taken relational.ElsewhereErased, done bool, err error) {
		done = true
		for _, d := range s.databases[1:] {
			e, err := d.eraseSome(ctx, wanted)
			if err != nil {
				return taken, false, err
			}
			taken.Conversations, taken.Turns, taken.Items = taken.Conversations+e.Conversations, taken.Turns+e.Turns, taken.Items+e.Items
			done = done && e.Done()
		}
		return taken, done, nil
	})
}

// eraseSome takes a step in one of the further databases, which keeps how far it is.
func (d *database) eraseSome(ctx context.Context, wanted messages.Erasure) (messages.Erasure, error) {
	if err := d.CopyErasure(ctx, wanted); err != nil {
		return wanted, err
	}
	return d.EraseSome(ctx, wanted.ID)
}

// EraseDeleted takes away some of what deleted tenants left, wherever it is.
func (s *Store) EraseDeleted(ctx context.Context) (removed int, err error) {
	deleted, err := s.DeletedTenants(ctx)
	if err != nil {
		return 0, err
	}
	return s.sum(func(d *database) (removed int, err error) {
		for _, tenant := range deleted {
			some, err := d.EraseDeletedOf(ctx, tenant)
			if removed += some; err != nil {
				return removed, err
			}
		}
		return removed, nil
	})
}

// SweepContent takes some of a tenant's content away that came before a moment.
func (s *Store) SweepContent(ctx context.Context, tenant messages.TenantID, before time.Time) (removed int, err error) {
	return s.sum(func(d *database) (int, error) { return d.SweepContent(ctx, tenant, before) })
}
