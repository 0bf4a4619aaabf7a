package sharded

import (
	"context"
	"errors"
	"time"

	"example.com/parley/messages"
)

// MoveKey gives a request the key of one that came to nothing. The key is at home and
// the turn may begin anywhere, so that it is barred from that everywhere else first.
func (s *Store) MoveKey(ctx context.Context, c messages.Claim, from messages.TurnID, seen messages.TurnStatus) (moved bool, err error) {
	for _, d := range s.databases[1:] {
		alive, err := d.BarTurn(ctx, c.Tenant, from, seen)
		if err != nil || alive {
			return false, err
		}
	}
	return s.Store.MoveKey(ctx, c, from, seen)
}

// SweepIdempotency removes keys that are old, and what was kept for their sake.
func (s *Store) SweepIdempotency(ctx context.Context, now time.Time) (removed int, err error) {
	removed, err = s.Store.SweepIdempotency(ctx, now)
	for _, d := range s.databases[1:] {
		_, barErr := d.SweepBars(ctx, now)
		err = errors.Join(err, barErr)
	}
	return removed, err
}
