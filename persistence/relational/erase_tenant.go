package relational

import (
	"context"

	"example.com/parley/messages"
)

// contents are what was said under a tenant, and what it left in the way of
// requests: each statement takes some of it away. Rows of usage are not among it.
var contents = [...]string{
	"DELETE FROM items WHERE tenant = ? AND (conversation, seq) IN (SELECT conversation, seq FROM items WHERE tenant = ? LIMIT ?)",
	"DELETE FROM turns WHERE tenant = ? AND id IN (SELECT id FROM turns WHERE tenant = ? LIMIT ?)",
	"DELETE FROM conversations WHERE tenant = ? AND id IN (SELECT id FROM conversations WHERE tenant = ? LIMIT ?)",
	"DELETE FROM idempotency_keys WHERE tenant = ? AND key IN (SELECT key FROM idempotency_keys WHERE tenant = ? LIMIT ?)",
	"DELETE FROM cache_denials WHERE tenant = ? AND (entry, asked) IN (SELECT entry, asked FROM cache_denials WHERE tenant = ? LIMIT ?)",
}

// EraseDeleted takes away some of what the erasure of tenants that were deleted left,
// and returns how many rows that were: 0 once nothing is left. Turns that ran when
// their tenant was deleted may write a last time, so it is to be called again
// later, and costs little then.
func (s *Store) EraseDeleted(ctx context.Context) (removed int, err error) {
	deleted, err := s.DeletedTenants(ctx)
	for _, id := range deleted {
		if err != nil {
			return removed, err
		}
		var some int
		some, err = s.EraseDeletedOf(ctx, id)
		removed += some
	}
	return removed, err
}

// DeletedTenants lists the tenants that were deleted, the last first.
func (s *Store) DeletedTenants(ctx context.Context) (deleted []messages.TenantID, err error) {
	err = s.read(ctx, operator, "EraseDeleted", func(r *querying) error {
		deleted = nil
		return r.rows("SELECT id FROM tenants WHERE deleted <> 0 ORDER BY deleted DESC", nil, func(row Scanner) error {
			var id messages.TenantID
			err := row.Scan(&id)
			deleted = append(deleted, id)
			return err
		})
	})
	return deleted, err
}

// EraseDeletedOf takes a batch of each kind away from what a deleted tenant left, and
// nothing while a shard moves.
func (s *Store) EraseDeletedOf(ctx context.Context, tenant messages.TenantID) (removed int, err error) {
	err = s.write(ctx, tenant, "EraseDeleted", func(t *transaction) error {
		removed = 0
		if moving, err := t.holdSweep(); err != nil || moving {
			return err
		}
		for _, statement := range contents {
			n, err := t.exec(statement, tenant, tenant, sweepBatch)
			if err != nil {
				return err
			}
			removed += int(n)
		}
		return nil
	})
	return removed, err
}
