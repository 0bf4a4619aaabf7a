package relational

import (
	"context"

	"example.com/parley/messages"
)

const selectLimit = "SELECT tenant, scope, name, requests, tokens, turns, connections, messages, weight FROM limits "

func scanLimit(row Scanner) (l messages.Limit, err error) {
	err = row.Scan(&l.Tenant, &l.Scope, &l.Name, &l.Limits.Requests, &l.Limits.Tokens, &l.Limits.Turns, &l.Limits.Connections, &l.Limits.Messages, &l.Weight)
	return l, err
}

// Limits lists what operators set, by tenant, scope and name.
func (s *Store) Limits(ctx context.Context) (found []messages.Limit, err error) {
	err = s.read(ctx, operator, "Limits", func(r *querying) error {
		return r.rows(selectLimit+"ORDER BY tenant, scope, name", nil, func(row Scanner) error {
			l, err := scanLimit(row)
			found = append(found, l)
			return err
		})
	})
	return found, err
}

// LimitsVersion counts the changes of limits.
func (s *Store) LimitsVersion(ctx context.Context) (version uint64, err error) {
	err = s.read(ctx, operator, "LimitsVersion", func(r *querying) error {
		_, err := r.row("SELECT version FROM limits_version", nil, &version)
		return err
	})
	return version, err
}

// SetLimit keeps the limits of a tenant, a key or a model, in place of those that
// were set before.
func (s *Store) SetLimit(ctx context.Context, l messages.Limit) error {
	return s.write(ctx, operator, "SetLimit", func(t *transaction) error {
		before, found, err := t.holdLimit(l.LimitHolder)
		if err != nil {
			return err
		}
		if l.Scope == messages.LimitKey {
			if err := t.checkOwner(l.Tenant, messages.KeyID(l.Name)); err != nil {
				return err
			}
		}
		if err := t.later(nil, `INSERT INTO limits (tenant, scope, name, requests, tokens, turns, connections, messages, weight) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (tenant, scope, name) DO UPDATE SET requests = excluded.requests, tokens = excluded.tokens, turns = excluded.turns,
				connections = excluded.connections, messages = excluded.messages, weight = excluded.weight`,
			l.Tenant, l.Scope, l.Name, l.Limits.Requests, l.Limits.Tokens, l.Limits.Turns, l.Limits.Connections, l.Limits.Messages, l.Weight); err != nil {
			return err
		}
		change := messages.AuditChange{Action: "limit.set", Object: objectOfLimit(l.LimitHolder), Tenant: l.Tenant, After: stateOfLimit(&l)}
		if found {
			change.Before = stateOfLimit(&before)
		}
		return t.limitsChanged(ctx, change)
	})
}

// ClearLimit forgets what was set for a holder.
func (s *Store) ClearLimit(ctx context.Context, of messages.LimitHolder) error {
	return s.write(ctx, operator, "ClearLimit", func(t *transaction) error {
		before, found, err := t.holdLimit(of)
		if err != nil {
			return err
		}
		if !found {
			return &messages.Failure{
				Code: messages.CodeItemAbsent, What: "no operator has set limits here that could be taken away", Do: "list those that are set with `parley limit show`",
			}
		}
		if err := t.later(nil, "DELETE FROM limits WHERE tenant = ? AND scope = ? AND name = ?", of.Tenant, of.Scope, of.Name); err != nil {
			return err
		}
		return t.limitsChanged(ctx, messages.AuditChange{Action: "limit.clear", Object: objectOfLimit(of), Tenant: of.Tenant, Before: stateOfLimit(&before)})
	})
}

// holdLimit returns what is set for a holder. Nobody else changes a limit of its
// tenant until the transaction has ended.
func (t *transaction) holdLimit(of messages.LimitHolder) (l messages.Limit, found bool, err error) {
	if _, err = t.holdTenant(of.Tenant); err != nil {
		return l, false, err
	}
	err = t.rows(selectLimit+"WHERE tenant = ? AND scope = ? AND name = ?", []any{of.Tenant, of.Scope, of.Name}, func(row Scanner) (err error) {
		found = true
		l, err = scanLimit(row)
		return err
	})
	return l, found, err
}

// dropLimits forgets all that was set for a tenant that is deleted.
func (t *transaction) dropLimits(tenant messages.TenantID) error {
	return t.later(nil, "DELETE FROM limits WHERE tenant = ?", tenant)
}

// limitsChanged writes down a change, and tells every server that its limits are
// out of date.
func (t *transaction) limitsChanged(ctx context.Context, change messages.AuditChange) error {
	if err := t.audit(ctx, change); err != nil {
		return err
	}
	return t.later(nil, "UPDATE limits_version SET version = version + 1")
}

// objectOfLimit is whose limits they are: the tenant's id, the key's, or the model's
// name.
func objectOfLimit(of messages.LimitHolder) string {
	if of.Scope == messages.LimitTenant {
		return string(of.Tenant)
	}
	return of.Name
}
