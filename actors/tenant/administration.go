package tenant

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"example.com/parley/messages"
)

// Administration makes, changes and ends tenants and keys. The command line and the admin
// API both go through it. Its errors are *messages.Failure where a person can do
// something about them. It is safe for concurrent use.
type Administration struct{ store Store }

// NewAdministration works on the store.
func NewAdministration(store Store) *Administration { return &Administration{store: store} }

// CreateTenant makes the tenant that is wanted, with an id of its own. Its name
// must be free.
func (a *Administration) CreateTenant(ctx context.Context, wanted messages.Tenant) (messages.Tenant, error) {
	if err := checkTitle(wanted.Name); err != nil {
		return messages.Tenant{}, err
	}
	t := wanted
	if err := tidyAllowance(&t.Allowance.Models, &t.Allowance.Providers); err != nil {
		return messages.Tenant{}, err
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails: the process ends instead
	t.ID, t.Created = messages.TenantID("tenant_"+hex.EncodeToString(random[:])), time.Now().UTC()
	if err := a.store.CreateTenant(ctx, t); err != nil {
		return messages.Tenant{}, fmt.Errorf("create tenant: %w", err)
	}
	return t, nil
}

// ChangeTenant changes a tenant. Servers go by it within 5 seconds.
func (a *Administration) ChangeTenant(ctx context.Context, id messages.TenantID, change messages.TenantChange) (messages.Tenant, error) {
	if change.Name != nil {
		if err := checkTitle(*change.Name); err != nil {
			return messages.Tenant{}, err
		}
	}
	if err := tidyChange(&change.Models, &change.Providers); err != nil {
		return messages.Tenant{}, err
	}
	t, err := a.store.ChangeTenant(ctx, id, change)
	if err != nil {
		return messages.Tenant{}, fmt.Errorf("change tenant %s: %w", id, err)
	}
	return t, nil
}

// Tenant finds a tenant.
func (a *Administration) Tenant(ctx context.Context, id messages.TenantID) (messages.Tenant, error) {
	return a.store.Tenant(ctx, id)
}

// Tenants lists the tenants, the oldest first.
func (a *Administration) Tenants(ctx context.Context) ([]messages.Tenant, error) {
	return a.store.Tenants(ctx)
}

const maxTitle = 100 // characters of a tenant's or a key's name

func checkTitle(name string) error {
	if name == "" || utf8.RuneCountInString(name) > maxTitle || !utf8.ValidString(name) ||
		strings.TrimSpace(name) != name || strings.ContainsFunc(name, unicode.IsControl) {
		return invalid("name", "the name cannot be used", fmt.Sprintf("give 1 to %d characters on one line, without space around them", maxTitle))
	}
	return nil
}

func invalid(param, what, do string) error {
	return &messages.Failure{Code: messages.CodeInvalidRequest, What: what, Do: do, Param: param}
}
