package tenant

import (
	"context"
	"fmt"
	"slices"

	"example.com/parley/messages"
)

// RetentionAdministration says for how long tenants' things are kept. It is safe for
// concurrent use.
type RetentionAdministration struct{ store RetentionStore }

// NewRetentionAdministration works on the store.
func NewRetentionAdministration(store RetentionStore) *RetentionAdministration {
	return &RetentionAdministration{store: store}
}

// Retention returns what was said of a tenant.
func (a *RetentionAdministration) Retention(ctx context.Context, tenant messages.TenantID) (messages.Retention, error) {
	all, err := a.store.Retentions(ctx)
	if err != nil {
		return messages.Retention{}, fmt.Errorf("read the retention of %s: %w", tenant, err)
	}
	if i := slices.IndexFunc(all, func(r messages.Retention) bool { return r.Tenant == tenant }); i >= 0 {
		return all[i], nil
	}
	return messages.Retention{Tenant: tenant}, nil
}

// SetRetention says for how long a tenant's things are kept, from the next sweep on.
func (a *RetentionAdministration) SetRetention(ctx context.Context, r messages.Retention) error {
	for param, days := range map[string]*int{"content_days": r.ContentDays, "ledger_days": r.LedgerDays} {
		if days != nil && (*days < 0 || *days > maxDays) {
			return invalid(param, param+" is no number of days", fmt.Sprintf("give up to %d, 0 to keep all, or null for what the configuration says", maxDays))
		}
	}
	if err := a.store.SetRetention(ctx, r); err != nil {
		return fmt.Errorf("set the retention of %s: %w", r.Tenant, err)
	}
	return nil
}
