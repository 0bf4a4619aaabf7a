package tenant

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"example.com/parley/messages"
)

// Administration makes and ends tenants and keys. The command line and the admin
// API both go through it. Its errors are *messages.Failure where a person can do
// something about them. It is safe for concurrent use.
type Administration struct{ store Store }

// NewAdministration works on the store.
func NewAdministration(store Store) *Administration { return &Administration{store: store} }

const maxTitle = 100 // characters of a tenant's or a key's name

// CreateTenant makes the tenant that is wanted, with an id of its own. Names need
// not differ.
func (a *Administration) CreateTenant(ctx context.Context, wanted messages.Tenant) (messages.Tenant, error) {
	if err := checkTitle(wanted.Name); err != nil {
		return messages.Tenant{}, err
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails: the process ends instead
	t := wanted
	t.ID, t.Created = messages.TenantID("tenant_"+hex.EncodeToString(random[:])), time.Now().UTC()
	if err := a.store.CreateTenant(ctx, t); err != nil {
		return messages.Tenant{}, fmt.Errorf("create tenant: %w", err)
	}
	return t, nil
}

// ChangeTenant changes a tenant. Servers go by it within 5 seconds.
func (a *Administration) ChangeTenant(ctx context.Context, id messages.TenantID, change messages.TenantChange) (messages.Tenant, error) {
	t, err := a.store.ChangeTenant(ctx, id, change)
	if err != nil {
		return messages.Tenant{}, fmt.Errorf("change tenant %s: %w", id, err)
	}
	return t, nil
}

// Tenants lists the tenants, the oldest first.
func (a *Administration) Tenants(ctx context.Context) ([]messages.Tenant, error) {
	return a.store.Tenants(ctx)
}

// KeySpec is a key that is wanted.
type KeySpec struct {
	Tenant  messages.TenantID // empty for an admin key
	Role    messages.KeyRole
	Name    string    // for people; may be empty
	Expires time.Time // zero: never
}

// CreateKey makes a key. The secret is nowhere kept: this is the one time that
// it can be seen.
func (a *Administration) CreateKey(ctx context.Context, spec KeySpec) (messages.APIKey, Secret, error) {
	if err := a.check(ctx, spec); err != nil {
		return messages.APIKey{}, Secret{}, err
	}
	secret := newSecret()
	key, err := a.keep(ctx, spec, secret)
	return key, secret, err
}

func (a *Administration) keep(ctx context.Context, spec KeySpec, secret Secret) (messages.APIKey, error) {
	key := secret.key()
	key.Tenant, key.Role, key.Name = spec.Tenant, spec.Role, spec.Name
	key.Created, key.Expires = time.Now().UTC(), spec.Expires
	if err := a.store.CreateKey(ctx, key); err != nil {
		return messages.APIKey{}, fmt.Errorf("create key %s: %w", key.ID, err)
	}
	return key, nil
}

func (a *Administration) check(ctx context.Context, spec KeySpec) error {
	if spec.Name != "" {
		if err := checkTitle(spec.Name); err != nil {
			return err
		}
	}
	if !spec.Expires.IsZero() && !spec.Expires.After(time.Now()) {
		return invalid("expires", "the key would have expired already", "give a time in the future, or none")
	}
	switch spec.Role {
	case messages.KeyAdmin:
		if spec.Tenant != "" {
			return invalid("tenant", "an admin key belongs to no tenant", "leave the tenant out, or ask for a member key")
		}
		return nil
	case messages.KeyMember:
		return a.checkTenant(ctx, spec.Tenant)
	default:
		return invalid("role", fmt.Sprintf("there is no role %q", spec.Role), "give member or admin")
	}
}

func (a *Administration) checkTenant(ctx context.Context, id messages.TenantID) error {
	tenants, err := a.store.Tenants(ctx)
	if err != nil {
		return fmt.Errorf("look for tenant %s: %w", id, err)
	}
	if !slices.ContainsFunc(tenants, func(t messages.Tenant) bool { return t.ID == id }) {
		return invalid("tenant", fmt.Sprintf("there is no tenant %q", id), "list the tenants, and give the id of one")
	}
	return nil
}

// Keys lists a tenant's keys, or with an empty tenant the admin keys.
func (a *Administration) Keys(ctx context.Context, tenant messages.TenantID) ([]messages.APIKey, error) {
	return a.store.Keys(ctx, tenant)
}

// RevokeKey ends a key. Servers that remember it forget it within 5 seconds.
func (a *Administration) RevokeKey(ctx context.Context, id messages.KeyID) error {
	if err := a.store.RevokeKey(ctx, id, time.Now().UTC()); err != nil {
		return fmt.Errorf("revoke key %s: %w", id, err)
	}
	return nil
}

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
