package relational

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"example.com/parley/messages"
)

// audit writes down what the transaction changes, as a part of it: there is no
// change without its entry, and no entry without its change. The actor is the
// context's.
func (t *transaction) audit(ctx context.Context, c messages.AuditChange) error {
	before, err := encodeState(c.Before)
	if err != nil {
		return err
	}
	after, err := encodeState(c.After)
	if err != nil {
		return err
	}
	by := messages.ActorOf(ctx)
	return t.later(nil, `INSERT INTO audit_log (created, actor_kind, actor, address, request, action, object, tenant, state_before, state_after)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		micros(time.Now()), by.Kind, by.Name, by.Address, by.Request, c.Action, c.Object, c.Tenant, before, after)
}

// encodeState is the JSON of how something was or is, empty for nothing.
func encodeState(state any) (string, error) {
	if state == nil {
		return "", nil
	}
	text, err := json.Marshal(state)
	return string(text), err
}

// Audit writes an entry for a change that the store has no part in. What it
// changes itself it writes down by itself.
func (s *Store) Audit(ctx context.Context, c messages.AuditChange) error {
	return s.write(ctx, operator, "Audit", func(t *transaction) error { return t.audit(ctx, c) })
}

const selectAudit = `SELECT id, created, actor_kind, actor, address, request, action, object, tenant, state_before, state_after
	FROM audit_log WHERE id < ? AND (? = '' OR tenant = ?) AND (? = '' OR action = ?) AND (? = '' OR object = ?)
	ORDER BY id DESC LIMIT ?`

// AuditEntries returns a page of the audit log, the newest first, and whether
// there are more.
func (s *Store) AuditEntries(ctx context.Context, p messages.AuditPage) (found []messages.AuditEntry, more bool, err error) {
	err = s.read(ctx, operator, "AuditEntries", func(r *querying) error {
		below := p.After
		if below == 0 {
			below = math.MaxInt64
		}
		args := []any{below, string(p.Tenant), string(p.Tenant), p.Action, p.Action, p.Object, p.Object, p.Limit + 1}
		return r.rows(selectAudit, args, func(row Scanner) error {
			e, err := scanAudit(row)
			found = append(found, e)
			return err
		})
	})
	if len(found) > p.Limit {
		found, more = found[:p.Limit], true
	}
	return found, more, err
}

func scanAudit(row Scanner) (e messages.AuditEntry, err error) {
	var created int64
	err = row.Scan(&e.ID, &created, &e.Actor.Kind, &e.Actor.Name, &e.Actor.Address, &e.Actor.Request,
		&e.Action, &e.Object, &e.Tenant, &e.Before, &e.After)
	e.At = fromMicros(created)
	return e, err
}
