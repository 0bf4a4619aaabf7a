package tenant

import (
	"context"
	"fmt"
	"time"

	"example.com/parley/messages"
)

// KeySpec is a key that is wanted.
type KeySpec struct {
	Tenant    messages.TenantID // empty for an admin key
	Role      messages.KeyRole
	Name      string    // for people; may be empty
	Expires   time.Time // zero: never
	Scopes    messages.Scopes
	Allowance messages.Allowance
	Class     messages.KeyClass // empty for standard
}

// CreateKey makes a key. The secret is nowhere kept: this is the one time that
// it can be seen.
func (a *Administration) CreateKey(ctx context.Context, spec KeySpec) (messages.APIKey, Secret, error) {
	if err := a.check(ctx, &spec); err != nil {
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
	key.Scopes, key.Allowance, key.Class = spec.Scopes, spec.Allowance, spec.Class
	if err := a.store.CreateKey(ctx, key); err != nil {
		return messages.APIKey{}, fmt.Errorf("create key %s: %w", key.ID, err)
	}
	return key, nil
}

// check refuses a key that makes no sense, and tidies its lists.
func (a *Administration) check(ctx context.Context, spec *KeySpec) error {
	if spec.Name != "" {
		if err := checkTitle(spec.Name); err != nil {
			return err
		}
	}
	if err := checkExpiry(spec.Expires); err != nil {
		return err
	}
	if err := tidyAllowance(&spec.Allowance.Models, &spec.Allowance.Providers); err != nil {
		return err
	}
	if err := checkClass(spec.Class); err != nil {
		return err
	}
	switch spec.Role {
	case messages.KeyAdmin:
		return checkAdmin(spec)
	case messages.KeyMember, messages.KeyReadOnly:
		return a.checkTenant(ctx, spec.Tenant)
	default:
		return invalid("role", fmt.Sprintf("there is no role %.64q", spec.Role), "give member, read-only or admin")
	}
}

// checkAdmin refuses what would look like a bound and is none: an admin key opens
// no tenant's data, and all of the admin listener.
func checkAdmin(spec *KeySpec) error {
	switch {
	case spec.Tenant != "":
		return invalid("tenant", "an admin key belongs to no tenant", "leave the tenant out, or ask for a member key")
	case spec.Scopes != 0:
		return invalid("scopes", "an admin key has no scopes", "leave them out, or ask for a member key")
	case len(spec.Allowance.Models) > 0:
		return invalid("models", "an admin key asks no models", "leave them out, or ask for a member key")
	case len(spec.Allowance.Providers) > 0:
		return invalid("providers", "an admin key asks no providers", "leave them out, or ask for a member key")
	default:
		return nil
	}
}

func checkClass(class messages.KeyClass) error {
	if _, known := messages.ParsePriority(string(class)); class != "" && !known {
		return invalid("class", fmt.Sprintf("there is no class %.64q", class), "give interactive, standard or batch")
	}
	return nil
}

func checkExpiry(at time.Time) error {
	if !at.IsZero() && !at.After(time.Now()) {
		return invalid("expires", "the key would have expired already", "give a time in the future, or none")
	}
	return nil
}

func (a *Administration) checkTenant(ctx context.Context, id messages.TenantID) error {
	_, err := a.store.Tenant(ctx, id)
	if messages.CodeOf(err) == messages.CodeItemAbsent {
		return invalid("tenant", fmt.Sprintf("there is no tenant %q", id), "list the tenants, and give the id of one")
	}
	if err != nil {
		return fmt.Errorf("look for tenant %s: %w", id, err)
	}
	return nil
}

// Keys lists a tenant's keys, or with an empty tenant the admin keys.
func (a *Administration) Keys(ctx context.Context, tenant messages.TenantID) ([]messages.APIKey, error) {
	return a.store.Keys(ctx, tenant)
}

// Key finds a key, revoked and expired ones too.
func (a *Administration) Key(ctx context.Context, id messages.KeyID) (messages.APIKey, error) {
	return a.store.Key(ctx, id)
}

// ChangeKey changes a key. Servers go by it within 5 seconds.
func (a *Administration) ChangeKey(ctx context.Context, id messages.KeyID, change messages.KeyChange) (messages.APIKey, error) {
	if err := tidyChange(&change.Models, &change.Providers); err != nil {
		return messages.APIKey{}, err
	}
	if err := a.checkChange(ctx, id, &change); err != nil {
		return messages.APIKey{}, err
	}
	key, err := a.store.ChangeKey(ctx, id, change)
	if err != nil {
		return messages.APIKey{}, fmt.Errorf("change key %s: %w", id, err)
	}
	return key, nil
}

func (a *Administration) checkChange(ctx context.Context, id messages.KeyID, change *messages.KeyChange) error {
	key, err := a.store.Key(ctx, id)
	if err != nil {
		return err
	}
	after := change.Apply(key, time.Now())
	if (key.Role == messages.KeyAdmin) != (after.Role == messages.KeyAdmin) {
		return invalid("role", "an admin key does not become a tenant's, nor the other way round", "make another key, and revoke this one")
	}
	spec := KeySpec{Tenant: after.Tenant, Role: after.Role, Name: after.Name, Scopes: after.Scopes, Allowance: after.Allowance, Class: after.Class}
	if change.Expires != nil {
		spec.Expires = *change.Expires
	}
	return a.check(ctx, &spec)
}

// maxOverlap is how long an old secret may go on beside a new one. Longer than
// that nobody remembers that it does.
const maxOverlap = 90 * 24 * time.Hour

// RotateKey gives a key another secret, which can be seen this once. The old one
// opens until a time at most 90 days ahead; a time that has passed ends it now.
// The key goes on under its id: with its name, its scopes and what was counted of
// it. It fails with CodeInvalidRequest while a still older secret opens.
func (a *Administration) RotateKey(ctx context.Context, id messages.KeyID, oldExpires time.Time) (messages.APIKey, Secret, error) {
	now := time.Now()
	if oldExpires.After(now.Add(maxOverlap)) {
		return messages.APIKey{}, Secret{}, invalid("old_expires", "the old secret would go on for more than 90 days", "give an earlier time")
	}
	if oldExpires.Before(now) {
		oldExpires = now
	}
	secret := anotherSecret(id)
	key, err := a.store.RotateKey(ctx, id, messages.KeyRotation{Hash: secret.key().Hash, OldExpires: oldExpires})
	if err != nil {
		return messages.APIKey{}, Secret{}, fmt.Errorf("rotate key %s: %w", id, err)
	}
	return key, secret, nil
}

// RevokeKey ends a key, with both its secrets. Servers that remember it forget it
// within 5 seconds.
func (a *Administration) RevokeKey(ctx context.Context, id messages.KeyID) error {
	if err := a.store.RevokeKey(ctx, id, time.Now().UTC()); err != nil {
		return fmt.Errorf("revoke key %s: %w", id, err)
	}
	return nil
}
