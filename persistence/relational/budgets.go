package relational

import (
	"context"
	"encoding/json"

	"example.com/parley/messages"
)

// PutBudget stores a budget, or changes the one of its tenant, key and period,
// which keeps its id and what was spent. A new one starts with what the ledger has
// of this period and the one before. An empty secret keeps the one that is there.
func (s *Store) PutBudget(ctx context.Context, b messages.Budget) (put messages.Budget, created bool, err error) {
	err = s.write(ctx, operator, "PutBudget", func(t *transaction) error {
		put, created = b, false
		if err := t.checkOwner(b.Tenant, b.Key); err != nil {
			return err
		}
		before, found, err := t.holdBudget("tenant = ? AND key = ? AND period = ?", b.Tenant, b.Key, b.Period)
		if err != nil {
			return err
		}
		change := messages.AuditChange{Action: "budget.change", Tenant: b.Tenant, Before: stateOfBudget(before)}
		if found {
			put.ID, put.Created = before.ID, before.Created
			if b.Secret == "" {
				put.Secret = before.Secret
			}
			err = t.updateBudget(&put)
		} else {
			created = true
			change.Action, change.Before = "budget.create", nil
			err = t.insertBudget(&put)
		}
		if err != nil {
			return err
		}
		change.Object, change.After = string(put.ID), stateOfBudget(put)
		if err := t.audit(ctx, change); err != nil {
			return err
		}
		return t.budgetsChanged()
	})
	return put, created, err
}

// checkOwner sees to it that there are the tenant and, where one is named, its key.
func (t *transaction) checkOwner(tenant messages.TenantID, key messages.KeyID) error {
	var one int
	found, err := t.row("SELECT 1 FROM tenants WHERE id = ?", []any{tenant}, &one)
	if err == nil && !found {
		return &messages.Failure{Code: messages.CodeItemAbsent, What: "there is no tenant with this id", Do: "list the tenants with `parley tenant list`", Param: "tenant"}
	}
	if err != nil || key == "" {
		return err
	}
	found, err = t.row("SELECT 1 FROM keys WHERE id = ? AND tenant = ?", []any{key, tenant}, &one)
	if err == nil && !found {
		return &messages.Failure{Code: messages.CodeItemAbsent, What: "the tenant has no key with this id", Do: "list its keys with `parley key list`", Param: "key"}
	}
	return err
}

func (t *transaction) insertBudget(b *messages.Budget) error {
	thresholds, err := encode(thresholdsOf(b))
	if err != nil {
		return err
	}
	_, err = t.exec("INSERT INTO budgets (id, tenant, key, period, bound, hard, thresholds, webhook, secret, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		b.ID, b.Tenant, b.Key, b.Period, b.Limit, b.Hard, thresholds, b.Webhook, b.Secret, micros(b.Created))
	if err != nil {
		return err
	}
	column, since := "0", 0 // the whole ledger
	switch b.Period {
	case messages.BudgetDay:
		column, since = "day", messages.DayOf(b.Created.AddDate(0, 0, -1))/100
	case messages.BudgetMonth:
		column, since = "month", messages.DayOf(b.Created.AddDate(0, 0, -31))/100
	}
	_, err = t.exec(`INSERT INTO budget_spending (tenant, budget, period, spent)
		SELECT tenant, ?, `+column+`, CAST(sum(cost) AS BIGINT) FROM usage_rows WHERE tenant = ? AND (? = '' OR key = ?) AND month >= ? GROUP BY tenant, `+groupedBy(column),
		b.ID, b.Tenant, b.Key, b.Key, since)
	return err
}

// groupedBy is the column, or for a constant one that is as good: a number would
// name a place among the columns.
func groupedBy(column string) string {
	if column == "0" {
		return "tenant"
	}
	return column
}

// thresholdsOf is never null.
func thresholdsOf(b *messages.Budget) []int {
	if b.Thresholds == nil {
		return []int{}
	}
	return b.Thresholds
}

func (t *transaction) updateBudget(b *messages.Budget) error {
	thresholds, err := encode(thresholdsOf(b))
	if err != nil {
		return err
	}
	_, err = t.exec("UPDATE budgets SET bound = ?, hard = ?, thresholds = ?, webhook = ?, secret = ? WHERE id = ?",
		b.Limit, b.Hard, thresholds, b.Webhook, b.Secret, b.ID)
	return err
}

const budgetColumns = "id, tenant, key, period, bound, hard, thresholds, webhook, secret, created"

func scanBudget(row Scanner) (b messages.Budget, err error) {
	var thresholds []byte
	var created int64
	if err := row.Scan(&b.ID, &b.Tenant, &b.Key, &b.Period, &b.Limit, &b.Hard, &thresholds, &b.Webhook, &b.Secret, &created); err != nil {
		return b, err
	}
	b.Created = fromMicros(created)
	return b, json.Unmarshal(thresholds, &b.Thresholds)
}

// holdBudget returns a budget, of which nobody else grants anything until the
// transaction has ended.
func (t *transaction) holdBudget(where string, args ...any) (b messages.Budget, found bool, err error) {
	err = t.rows("UPDATE budgets SET hard = hard WHERE "+where+" RETURNING "+budgetColumns, args, func(row Scanner) (err error) {
		found = true
		b, err = scanBudget(row)
		return err
	})
	return b, found, err
}

// budgetsChanged tells every node that what it knows is out of date.
func (t *transaction) budgetsChanged() error {
	_, err := t.exec("UPDATE budgets_version SET version = version + 1")
	return err
}

// DeleteBudget forgets a budget with what was spent of it.
func (s *Store) DeleteBudget(ctx context.Context, id messages.BudgetID) error {
	return s.write(ctx, operator, "DeleteBudget", func(t *transaction) error {
		before, found, err := t.holdBudget("id = ?", id)
		if err != nil {
			return err
		}
		if !found {
			return budgetAbsent()
		}
		for _, statement := range []string{
			"DELETE FROM budget_entries WHERE budget = ?", "DELETE FROM budget_spending WHERE budget = ?",
			"DELETE FROM budget_leases WHERE budget = ?", "DELETE FROM budget_alerts WHERE budget = ?", "DELETE FROM budgets WHERE id = ?",
		} {
			if _, err := t.exec(statement, id); err != nil {
				return err
			}
		}
		if err := t.audit(ctx, messages.AuditChange{Action: "budget.delete", Object: string(id), Tenant: before.Tenant, Before: stateOfBudget(before)}); err != nil {
			return err
		}
		return t.budgetsChanged()
	})
}

func budgetAbsent() error {
	return &messages.Failure{Code: messages.CodeItemAbsent, What: "there is no budget with this id", Do: "list the budgets with `parley budget list`", Param: "id"}
}

// Budgets lists all budgets, by tenant and age.
func (s *Store) Budgets(ctx context.Context) (found []messages.Budget, err error) {
	err = s.read(ctx, operator, "Budgets", func(r *querying) error {
		return r.rows("SELECT "+budgetColumns+" FROM budgets ORDER BY tenant, created, id", nil, func(row Scanner) error {
			b, err := scanBudget(row)
			found = append(found, b)
			return err
		})
	})
	return found, err
}

// LookAtBudgets returns what there is new. now is in microseconds since 1970.
func (s *Store) LookAtBudgets(ctx context.Context, now int64) (news messages.BudgetNews, err error) {
	err = s.read(ctx, operator, "LookAtBudgets", func(r *querying) error {
		news = messages.BudgetNews{Waiting: make(map[messages.BudgetID]int64)}
		if _, err := r.row("SELECT version FROM budgets_version", nil, &news.Version); err != nil {
			return err
		}
		if err := r.rows("SELECT id FROM budgets WHERE short > 0 AND short > ?", []any{now}, func(row Scanner) error {
			var id messages.BudgetID
			err := row.Scan(&id)
			news.Short = append(news.Short, id)
			return err
		}); err != nil {
			return err
		}
		return r.rows("SELECT budget, min(id) FROM budget_entries GROUP BY budget", nil, func(row Scanner) error {
			var id messages.BudgetID
			var first int64
			err := row.Scan(&id, &first)
			news.Waiting[id] = first
			return err
		})
	})
	return news, err
}
