package sharded

import (
	"context"
	"time"

	"example.com/parley/messages"
)

// UsageRows returns the rows of a request, those of this process's turns among them
// wherever they ended. So do those below.
func (s *Store) UsageRows(ctx context.Context, tenant messages.TenantID, request messages.TurnID) ([]messages.UsageRow, error) {
	if err := s.courier.settle(ctx); err != nil {
		return nil, err
	}
	return s.Store.UsageRows(ctx, tenant, request)
}

// UsageReport adds up rows.
func (s *Store) UsageReport(ctx context.Context, q messages.UsageQuery) (messages.UsageReport, error) {
	if err := s.courier.settle(ctx); err != nil {
		return messages.UsageReport{}, err
	}
	return s.Store.UsageReport(ctx, q)
}

// LeaseBudget sets what a node holds of a budget.
func (s *Store) LeaseBudget(ctx context.Context, q messages.LeaseRequest) (messages.Lease, error) {
	if err := s.courier.settle(ctx); err != nil {
		return messages.Lease{}, err
	}
	return s.Store.LeaseBudget(ctx, q)
}

// BudgetStates lists budgets with how they stand.
func (s *Store) BudgetStates(ctx context.Context, tenant messages.TenantID, now time.Time) ([]messages.BudgetState, error) {
	if err := s.courier.settle(ctx); err != nil {
		return nil, err
	}
	return s.Store.BudgetStates(ctx, tenant, now)
}
