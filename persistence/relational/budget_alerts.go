package relational

import (
	"context"
	"fmt"
	"math/bits"
	"time"

	"example.com/parley/messages"
)

// reach writes down which thresholds were reached, each once a period, and returns
// those that were not before.
func (t *transaction) reach(b *messages.Budget, period messages.PeriodKey, spent messages.NanoDollars, now time.Time) (reached []int, err error) {
	for _, threshold := range b.Thresholds {
		if !isReached(spent, b.Limit, threshold) {
			continue
		}
		due := int64(0)
		if b.Webhook != "" {
			due = micros(now)
		}
		added, err := t.exec(`INSERT INTO budget_alerts (tenant, budget, period, threshold, spent, reached, due, tries) VALUES (?, ?, ?, ?, ?, ?, ?, 0)
			ON CONFLICT DO NOTHING`, b.Tenant, b.ID, period, threshold, spent, micros(now), due)
		if err != nil {
			return nil, err
		}
		if added > 0 {
			reached = append(reached, threshold)
		}
	}
	return reached, nil
}

// isReached tells whether so much is a threshold's part of the limit, without
// leaving 64 bits.
func isReached(spent, limit messages.NanoDollars, percent int) bool {
	if spent < 0 || limit < 0 || percent < 0 {
		return false
	}
	high, low := bits.Mul64(uint64(spent), 100)
	otherHigh, otherLow := bits.Mul64(uint64(limit), uint64(percent))
	return high > otherHigh || high == otherHigh && low >= otherLow
}

// TakeAlerts returns alerts that are due, and keeps other nodes from them until a
// moment: whoever does not say by then how it went has died.
func (s *Store) TakeAlerts(ctx context.Context, now, until time.Time, most int) (taken []messages.BudgetAlert, err error) {
	err = s.write(ctx, operator, "TakeAlerts", func(t *transaction) error {
		taken = nil
		return t.rows(`UPDATE budget_alerts SET due = ?, tries = tries + 1
			WHERE (tenant, budget, period, threshold) IN (SELECT tenant, budget, period, threshold FROM budget_alerts WHERE due > 0 AND due <= ? ORDER BY due LIMIT ?)
				AND due <= ?
			RETURNING tenant, budget, period, threshold, spent, reached, tries - 1`,
			[]any{micros(until), micros(now), most, micros(now)}, func(row Scanner) error {
				var a messages.BudgetAlert
				var reached int64
				err := row.Scan(&a.Budget.Tenant, &a.Budget.ID, &a.Budget.PeriodKey, &a.Threshold, &a.Budget.Spent, &reached, &a.Tries)
				a.Reached = fromMicros(reached)
				a.ID = fmt.Sprintf("%s_%d_%d", a.Budget.ID, a.Budget.PeriodKey, a.Threshold)
				taken = append(taken, a)
				return err
			})
	})
	for i := range taken {
		if err == nil {
			err = s.nameAlert(ctx, &taken[i])
		}
	}
	return taken, err
}

// nameAlert fills in of which budget an alert is. One that is gone has no webhook.
func (s *Store) nameAlert(ctx context.Context, a *messages.BudgetAlert) error {
	return s.read(ctx, operator, "TakeAlerts", func(r *querying) error {
		return r.rows("SELECT "+budgetColumns+" FROM budgets WHERE id = ?", []any{a.Budget.ID}, func(row Scanner) (err error) {
			a.Budget.Budget, err = scanBudget(row)
			return err
		})
	})
}

// PostponeAlert has an alert told again at a moment, or never more for the zero
// time.
func (s *Store) PostponeAlert(ctx context.Context, a messages.BudgetAlert, due time.Time) error {
	return s.write(ctx, operator, "PostponeAlert", func(t *transaction) error {
		_, err := t.exec("UPDATE budget_alerts SET due = ? WHERE tenant = ? AND budget = ? AND period = ? AND threshold = ?",
			micros(due), a.Budget.Tenant, a.Budget.ID, a.Budget.PeriodKey, a.Threshold)
		return err
	})
}
