package sqlite

import (
	"context"
	"time"

	"example.com/parley/messages"
)

// PrepareMonths makes nothing: the ledger of one file is one table, in the order of
// asking.
func (s *Store) PrepareMonths(context.Context, time.Time) (made int, err error) { return 0, nil }

// DropMonths drops nothing: rows of one table go one by one.
func (s *Store) DropMonths(context.Context, time.Time, func(messages.TenantID, time.Time) bool) (dropped int, err error) {
	return 0, nil
}
