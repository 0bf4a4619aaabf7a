package relational

import (
	"context"
	"time"

	"example.com/parley/messages"
)

// LeaseBudget sets what a node holds of a budget, to what it asks for or to what
// there is, and says how the budget stands. Whoever asks the same twice holds it
// once.
func (s *Store) LeaseBudget(ctx context.Context, q messages.LeaseRequest) (l messages.Lease, err error) {
	err = s.write(ctx, q.Tenant, "LeaseBudget", func(t *transaction) error {
		l = messages.Lease{}
		b, found, err := t.holdBudget("tenant = ? AND id = ?", q.Tenant, q.Budget)
		if err != nil || !found {
			l.Gone = !found
			return err
		}
		if err := t.addUp(q.Tenant, q.Budget); err != nil {
			return err
		}
		l.Limit = b.Limit
		if err := t.standing(&q, &l); err != nil {
			return err
		}
		if l.Reached, err = t.reach(&b, q.Period, l.Spent, q.Now); err != nil {
			return err
		}
		if q.Short {
			if err := t.later(nil, "UPDATE budgets SET short = ? WHERE tenant = ? AND id = ?", micros(q.Now.Add(shortFor)), q.Tenant, q.Budget); err != nil {
				return err
			}
		}
		if !b.Hard {
			return t.putLease(&q, 0)
		}
		l.Granted = grant(&q, &l)
		return t.putLease(&q, max(0, q.Held+q.Free+l.Granted))
	})
	return l, err
}

// shortFor is how long nodes keep nothing that they do not use, once requests of
// another had to wait for it.
const shortFor = 5 * time.Second

// share is which part of what is left a node may hold for requests that have not
// come yet. What is held shrinks with what is left, so that nodes do not keep the
// last of a budget from each other.
const share = 8

// grant is what a lease may grow by; below 0 where more is held than there is.
func grant(q *messages.LeaseRequest, l *messages.Lease) messages.NanoDollars {
	room := l.Limit - l.Spent - l.Others - q.Held - q.Free
	if room < 0 {
		return max(room, -max(q.Free, 0))
	}
	return min(room, max(q.Least, min(q.Most, room/share)))
}

// addUp brings what was spent lately to what was spent before.
func (t *transaction) addUp(tenant messages.TenantID, budget messages.BudgetID) error {
	sums := make(map[messages.PeriodKey]messages.NanoDollars)
	err := t.rows("DELETE FROM budget_entries WHERE tenant = ? AND budget = ? RETURNING period, amount", []any{tenant, budget}, func(row Scanner) error {
		var period messages.PeriodKey
		var amount messages.NanoDollars
		err := row.Scan(&period, &amount)
		sums[period] += amount
		return err
	})
	if err != nil {
		return err
	}
	for period, sum := range sums {
		if err := t.later(nil, `INSERT INTO budget_spending (tenant, budget, period, spent) VALUES (?, ?, ?, ?)
			ON CONFLICT (tenant, budget, period) DO UPDATE SET spent = budget_spending.spent + excluded.spent`, tenant, budget, period, sum); err != nil {
			return err
		}
	}
	return nil
}

// standing fills in what was spent and what others hold. A lease that has expired
// is nobody's.
func (t *transaction) standing(q *messages.LeaseRequest, l *messages.Lease) error {
	if _, err := t.row("SELECT spent FROM budget_spending WHERE tenant = ? AND budget = ? AND period = ?",
		[]any{q.Tenant, q.Budget, q.Period}, &l.Spent); err != nil {
		return err
	}
	_, err := t.row(`SELECT CAST(COALESCE(sum(amount), 0) AS BIGINT) FROM budget_leases WHERE tenant = ? AND budget = ? AND period = ? AND node <> ? AND expires > ?`,
		[]any{q.Tenant, q.Budget, q.Period, q.Node, micros(q.Now)}, &l.Others)
	return err
}

func (t *transaction) putLease(q *messages.LeaseRequest, amount messages.NanoDollars) error {
	if amount == 0 {
		return t.later(nil, "DELETE FROM budget_leases WHERE tenant = ? AND budget = ? AND period = ? AND (node = ? OR expires <= ?)",
			q.Tenant, q.Budget, q.Period, q.Node, micros(q.Now))
	}
	return t.later(nil, `INSERT INTO budget_leases (tenant, budget, period, node, amount, expires) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant, budget, period, node) DO UPDATE SET amount = excluded.amount, expires = excluded.expires`,
		q.Tenant, q.Budget, q.Period, q.Node, amount, micros(q.Now.Add(q.TTL)))
}

// EndLeases ends all that a node holds. Call it before the node holds anything, once
// the rows of the process before it are in the store.
func (s *Store) EndLeases(ctx context.Context, node string) error {
	return s.write(ctx, operator, "EndLeases", func(t *transaction) error {
		_, err := t.exec("DELETE FROM budget_leases WHERE node = ?", node)
		return err
	})
}

// BudgetStates lists budgets with how they stand: a tenant's, or all for the empty
// name.
func (s *Store) BudgetStates(ctx context.Context, tenant messages.TenantID, now time.Time) (found []messages.BudgetState, err error) {
	err = s.read(ctx, tenant, "BudgetStates", func(r *querying) error {
		found = nil
		err := r.rows("SELECT "+budgetColumns+" FROM budgets WHERE ? = '' OR tenant = ? ORDER BY tenant, created, id", []any{tenant, tenant}, func(row Scanner) error {
			b, err := scanBudget(row)
			found = append(found, messages.BudgetState{Budget: b, PeriodKey: b.Period.KeyAt(now), Ends: b.Period.Next(now), Begins: begins(b.Period, now)})
			return err
		})
		for i := range found {
			if err == nil {
				err = r.stand(&found[i], now)
			}
		}
		return err
	})
	return found, err
}

func begins(p messages.BudgetPeriod, now time.Time) time.Time {
	year, month, day := now.UTC().Date()
	switch p {
	case messages.BudgetDay:
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	case messages.BudgetMonth:
		return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	default:
		return time.Time{}
	}
}

// stand fills in how a budget stands.
func (q *querying) stand(b *messages.BudgetState, now time.Time) error {
	which := []any{b.Tenant, b.ID, b.PeriodKey}
	if _, err := q.row(`SELECT
			COALESCE((SELECT spent FROM budget_spending WHERE tenant = ? AND budget = ? AND period = ?), 0)
			+ COALESCE((SELECT CAST(sum(amount) AS BIGINT) FROM budget_entries WHERE tenant = ? AND budget = ? AND period = ?), 0),
			COALESCE((SELECT CAST(sum(amount) AS BIGINT) FROM budget_leases WHERE tenant = ? AND budget = ? AND period = ? AND expires > ?), 0)`,
		append(append(append([]any{}, which...), which...), append(which, micros(now))...), &b.Spent, &b.Leased); err != nil {
		return err
	}
	return q.rows("SELECT threshold FROM budget_alerts WHERE tenant = ? AND budget = ? AND period = ? ORDER BY threshold", which, func(row Scanner) error {
		var threshold int
		err := row.Scan(&threshold)
		b.Reached = append(b.Reached, threshold)
		return err
	})
}
