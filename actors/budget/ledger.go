package budget

import (
	"context"

	"example.com/parley/messages"
)

// Rows keeps usage rows and reservations. persistence/spool implements it.
type Rows interface {
	Reserve(ctx context.Context, r messages.Reservation) error
	Settle(ctx context.Context, row messages.UsageRow) error
	Release(tenant messages.TenantID, request messages.TurnID, attempt int)
}

// Ledger is a ledger behind budgets: what they have no room for is not attempted.
// It is safe for concurrent use.
type Ledger struct {
	budgets *Budgets
	rows    Rows
}

// NewLedger puts budgets in front of a ledger.
func NewLedger(budgets *Budgets, rows Rows) *Ledger { return &Ledger{budgets, rows} }

// Reserve holds what the attempt may cost, and writes it down.
func (l *Ledger) Reserve(ctx context.Context, r messages.Reservation) error {
	if err := l.budgets.reserve(ctx, &r); err != nil {
		return err
	}
	if err := l.rows.Reserve(ctx, r); err != nil {
		l.budgets.drop(&r.Row)
		return err
	}
	return nil
}

// Ended lets go of what the attempt did not come to. Its row may be written later.
func (l *Ledger) Ended(row *messages.UsageRow) { l.budgets.settle(row) }

// Settle writes a row down. What it came to stays held until the store has it, of
// which Counted tells.
func (l *Ledger) Settle(ctx context.Context, row messages.UsageRow) error {
	if err := l.rows.Settle(ctx, row); err != nil {
		return err
	}
	l.budgets.settle(&row)
	return nil
}

// Release ends the reservation of a row that the store has.
func (l *Ledger) Release(row *messages.UsageRow) {
	l.rows.Release(row.Tenant, row.Request, row.Attempt)
	l.budgets.counted(row)
}

// Counted tells that the store has rows by now.
func (b *Budgets) Counted(rows []messages.UsageRow) {
	for i := range rows {
		b.counted(&rows[i])
	}
}
