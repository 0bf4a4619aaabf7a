package relational

import (
	"context"
	"time"

	"example.com/parley/messages"
)

// unsaid stands for what the configuration says.
const unsaid = -1

// SetRetention keeps for how long something of a tenant is kept.
func (s *Store) SetRetention(ctx context.Context, r messages.Retention) error {
	return s.write(ctx, operator, "SetRetention", func(t *transaction) error {
		if _, err := t.holdTenant(r.Tenant); err != nil {
			return err
		}
		before, err := readRetentions(t, "WHERE tenant = ?", r.Tenant)
		if err != nil {
			return err
		}
		if err := t.later(nil, `INSERT INTO retentions (tenant, content_days, ledger_days) VALUES (?, ?, ?)
			ON CONFLICT (tenant) DO UPDATE SET content_days = excluded.content_days, ledger_days = excluded.ledger_days`,
			r.Tenant, daysOr(r.ContentDays), daysOr(r.LedgerDays)); err != nil {
			return err
		}
		change := messages.AuditChange{Action: "retention.set", Object: string(r.Tenant), Tenant: r.Tenant, After: stateOfRetention(&r)}
		if len(before) > 0 {
			change.Before = stateOfRetention(&before[0])
		}
		return t.audit(ctx, change)
	})
}

// Retentions lists those of tenants of which something was said.
func (s *Store) Retentions(ctx context.Context) (found []messages.Retention, err error) {
	err = s.read(ctx, operator, "Retentions", func(r *querying) (err error) {
		found, err = readRetentions(r, "ORDER BY tenant")
		return err
	})
	return found, err
}

func readRetentions(q querier, where string, args ...any) (found []messages.Retention, err error) {
	err = q.rows("SELECT tenant, content_days, ledger_days FROM retentions "+where, args, func(row Scanner) error {
		var r messages.Retention
		var content, ledger int
		err := row.Scan(&r.Tenant, &content, &ledger)
		r.ContentDays, r.LedgerDays = orNil(content), orNil(ledger)
		found = append(found, r)
		return err
	})
	return found, err
}

func daysOr(days *int) int {
	if days == nil {
		return unsaid
	}
	return *days
}

func orNil(days int) *int {
	if days == unsaid {
		return nil
	}
	return &days
}

// SweepLedger removes some of a tenant's usage rows whose requests came before a
// moment, and returns how many.
func (s *Store) SweepLedger(ctx context.Context, tenant messages.TenantID, before time.Time) (removed int, err error) {
	err = s.write(ctx, tenant, "SweepLedger", func(t *transaction) error {
		n, err := t.exec(`DELETE FROM usage_rows WHERE tenant = ? AND month <= ? AND (request, attempt) IN
			(SELECT request, attempt FROM usage_rows WHERE tenant = ? AND month <= ? AND request < ? LIMIT ?)`,
			tenant, MonthOf(before), tenant, MonthOf(before), turnBytes(messages.FirstTurnID(before)), eraseBatch)
		removed = int(n)
		return err
	})
	return removed, err
}

// SweepContent takes some of a tenant's content away that came before a moment, and
// returns how much. Places stay taken, as with all that is erased; a conversation
// of which nothing is left goes.
func (s *Store) SweepContent(ctx context.Context, tenant messages.TenantID, before time.Time) (removed int, err error) {
	err = s.write(ctx, tenant, "SweepContent", func(t *transaction) error {
		removed = 0
		if moving, err := t.holdSweep(); err != nil || moving {
			return err
		}
		for _, sweep := range []func(messages.TenantID, time.Time) (int, error){t.sweepTurns, t.sweepItems, t.sweepConversations} {
			if removed, err = sweep(tenant, before); err != nil || removed > 0 {
				return err
			}
		}
		return nil
	})
	return removed, err
}

// sweepTurns removes old turns, and the content of their items. Their conversations
// are taken from whoever remembers them.
func (t *transaction) sweepTurns(tenant messages.TenantID, before time.Time) (int, error) {
	var last []byte
	old := turnBytes(messages.FirstTurnID(before))
	if err := t.rows("SELECT id FROM turns WHERE tenant = ? AND id < ? AND status <> 'in_progress' ORDER BY id LIMIT ?",
		[]any{tenant, old, eraseBatch}, func(row Scanner) error { return row.Scan(&last) }); err != nil || last == nil {
		return 0, err
	}
	if _, err := t.erase("turn <= ? AND turn IN (SELECT id FROM turns WHERE tenant = items.tenant AND id <= ? AND status <> 'in_progress')", tenant, last, last); err != nil {
		return 0, err
	}
	if _, err := t.exec(`UPDATE conversations SET epoch = epoch + 1 WHERE tenant = ? AND id IN
		(SELECT conversation FROM turns WHERE tenant = ? AND id <= ? AND status <> 'in_progress')`, tenant, tenant, last); err != nil {
		return 0, err
	}
	n, err := t.exec("DELETE FROM turns WHERE tenant = ? AND id <= ? AND status <> 'in_progress'", tenant, last)
	return int(n), err
}

// sweepItems erases what no turn brought.
func (t *transaction) sweepItems(tenant messages.TenantID, before time.Time) (int, error) {
	old := turnBytes(messages.FirstTurnID(before))
	n, err := t.erase(`(conversation, seq) IN (SELECT i.conversation, i.seq FROM items i WHERE i.tenant = ? AND i.turn < ? AND i.erased = FALSE
		AND NOT EXISTS (SELECT 1 FROM turns u WHERE u.tenant = i.tenant AND u.id = i.turn) LIMIT ?)`, tenant, tenant, old, eraseBatch)
	return int(n), err
}

// sweepConversations drops those that are old and in which nothing is left.
func (t *transaction) sweepConversations(tenant messages.TenantID, before time.Time) (int, error) {
	var empty []messages.ConversationID
	if err := t.rows(`SELECT c.id FROM conversations c WHERE c.tenant = ? AND c.created < ? AND c.deleted = FALSE
		AND NOT EXISTS (SELECT 1 FROM turns u WHERE u.tenant = c.tenant AND u.conversation = c.id)
		AND NOT EXISTS (SELECT 1 FROM items i WHERE i.tenant = c.tenant AND i.conversation = c.id AND i.erased = FALSE) LIMIT ?`,
		[]any{tenant, micros(before), eraseConversations}, func(row Scanner) error {
			var id messages.ConversationID
			err := row.Scan(&id)
			empty = append(empty, id)
			return err
		}); err != nil {
		return 0, err
	}
	for _, id := range empty {
		if err := t.drop(messages.ConversationRef{Tenant: tenant, Conversation: id}); err != nil {
			return 0, err
		}
	}
	return len(empty), nil
}

// retentionState is a retention in the audit log.
type retentionState struct {
	ContentDays *int `json:"content_days"`
	LedgerDays  *int `json:"ledger_days"`
}

func stateOfRetention(r *messages.Retention) retentionState {
	return retentionState{ContentDays: r.ContentDays, LedgerDays: r.LedgerDays}
}
