package postgres

import (
	"context"
	"strconv"
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

// DropMonths takes whole partitions of the ledger away, of months that have passed:
// those in which each tenant's rows may go, as expired says of a tenant and the
// month's end. It returns how many.
func (s *Store) DropMonths(ctx context.Context, now time.Time, expired func(tenant messages.TenantID, end time.Time) bool) (dropped int, err error) {
	parts, err := s.monthsBefore(ctx, now)
	if err != nil {
		return 0, err
	}
	for _, month := range parts {
		gone, err := s.dropMonth(ctx, month, expired)
		if err != nil {
			return dropped, err
		}
		if gone {
			dropped++
		}
	}
	return dropped, nil
}

// monthsBefore lists the months that have a partition and are over, the oldest
// first.
func (s *Store) monthsBefore(ctx context.Context, now time.Time) (months []int, err error) {
	err = s.db.Read(ctx, "", "DropMonths", func(q relational.Querier) error {
		return q.Rows(`SELECT substr(relname, 12)::INTEGER AS month FROM pg_class JOIN pg_inherits ON inhrelid = oid
			WHERE inhparent = 'usage_rows'::regclass AND relname ~ '^usage_rows_[0-9]{6}$' AND substr(relname, 12)::INTEGER < ? ORDER BY 1`,
			[]any{relational.MonthOf(now)}, func(row relational.Scanner) error {
				var month int
				err := row.Scan(&month)
				months = append(months, month)
				return err
			})
	})
	return months, err
}

// dropMonth looks twice: the second time nobody can add a row.
func (s *Store) dropMonth(ctx context.Context, month int, expired func(messages.TenantID, time.Time) bool) (gone bool, err error) {
	part := "usage_rows_" + strconv.Itoa(month)
	end := time.Date(month/100, time.Month(month%100)+1, 1, 0, 0, 0, 0, time.UTC)
	mayGo := func(tenant messages.TenantID) bool { return expired(tenant, end) }
	err = s.db.Write(ctx, "", "DropMonths", func(t relational.Transaction) error {
		if ok, err := allOf(t, part, mayGo); err != nil || !ok {
			return err
		}
		for _, text := range []string{
			"SET LOCAL lock_timeout = '2s'", // who waits for this lock has all others wait behind it
			"LOCK TABLE " + part + " IN ACCESS EXCLUSIVE MODE",
		} {
			if _, err := t.Exec(text); err != nil {
				return err
			}
		}
		if ok, err := allOf(t, part, mayGo); err != nil || !ok {
			return err
		}
		gone = true
		_, err := t.Exec("DROP TABLE " + part)
		return err
	})
	return gone && err == nil, err
}

// allOf asks for one tenant after the other who has rows in a partition, each by one
// look into its index.
func allOf(t relational.Transaction, part string, mayGo func(messages.TenantID) bool) (bool, error) {
	for tenant := messages.TenantID(""); ; {
		found, err := t.Row("SELECT tenant FROM "+part+" WHERE tenant > ? ORDER BY tenant LIMIT 1", []any{tenant}, &tenant)
		if err != nil || !found {
			return !found, err
		}
		if !mayGo(tenant) {
			return false, nil
		}
	}
}
