package postgres

import (
	"context"
	"time"

	"example.com/parley/messages"
	"example.com/parley/persistence/relational"
)

// monthsAhead is how many months of the ledger are prepared beside the current
// one. A server that is up for longer prepares the next in time; one that is away
// for longer starts with the net under them.
const monthsAhead = 2

// PrepareMonths makes the ledger's partitions of the month of now and of those
// that follow, and returns how many it made. Rows of a month that had none are
// brought there.
func (s *Store) PrepareMonths(ctx context.Context, now time.Time) (made int, err error) {
	year, month, _ := now.UTC().Date()
	for ahead := range time.Month(monthsAhead + 1) {
		first := time.Date(year, month+ahead, 1, 0, 0, 0, 0, time.UTC)
		fresh, err := s.prepareMonth(ctx, relational.MonthOf(first))
		if err != nil {
			return made, err
		}
		if fresh {
			made++
		}
	}
	return made, nil
}

func (s *Store) prepareMonth(ctx context.Context, month int) (made bool, err error) {
	const nobody = messages.TenantID("") // the operator, who sees all rows
	err = s.db.Write(ctx, nobody, "PrepareMonths", func(t relational.Transaction) error {
		_, err := t.Row("SELECT prepare_usage_month(?)", []any{month}, &made)
		return err
	})
	return made, err
}
