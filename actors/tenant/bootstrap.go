package tenant

import (
	"context"
	"fmt"
	"time"

	"example.com/parley/messages"
)

// firstTenant is made on a server that has none. Its id is fixed, so that two
// servers that start at once make the same one.
const firstTenant messages.TenantID = "tenant_first"

// Bootstrap is what a server made on its first start, to be shown once. What was
// there before is zero.
type Bootstrap struct {
	Tenant messages.Tenant
	Key    Secret // of the tenant
	Admin  Secret
}

// EnsureBootstrap sees to it that there is a tenant with a key, and an admin
// key. A given key becomes the first tenant's, also on a server that has others;
// the zero one is made up where one is missing. Keys that were revoked count as
// there: nothing opens what an operator has closed.
func (a *Administration) EnsureBootstrap(ctx context.Context, given Secret) (made Bootstrap, err error) {
	tenant, created, err := a.ensureTenant(ctx)
	if err != nil {
		return Bootstrap{}, fmt.Errorf("first tenant: %w", err)
	}
	if created {
		made.Tenant = tenant
	}
	if made.Key, err = a.ensureMember(ctx, tenant.ID, given); err != nil {
		return Bootstrap{}, fmt.Errorf("first key: %w", err)
	}
	if made.Admin, err = a.ensureKey(ctx, KeySpec{Role: messages.KeyAdmin, Name: "first admin key"}); err != nil {
		return Bootstrap{}, fmt.Errorf("first admin key: %w", err)
	}
	return made, nil
}

// ensureMember sees to it that the tenant has a key. Where all tenants were
// deleted there is none to have one.
func (a *Administration) ensureMember(ctx context.Context, of messages.TenantID, given Secret) (Secret, error) {
	member := KeySpec{Tenant: of, Role: messages.KeyMember, Name: "first key"}
	switch {
	case of == "":
		return Secret{}, nil
	case given == (Secret{}):
		return a.ensureKey(ctx, member)
	default:
		return a.ensureGiven(ctx, member, given)
	}
}

// ensureTenant returns the oldest tenant, which it makes where there is none. Where
// the first one was deleted, and no other is there, it makes none.
func (a *Administration) ensureTenant(ctx context.Context) (first messages.Tenant, created bool, err error) {
	if first, err = a.oldestTenant(ctx); err != nil || first.ID != "" {
		return first, false, err
	}
	first = messages.Tenant{ID: firstTenant, Name: "first", Created: time.Now().UTC()}
	err = a.store.CreateTenant(ctx, first)
	if messages.CodeOf(err) == messages.CodeInvalidRequest { // another server made it just now, or it was there and deleted
		first, err = a.oldestTenant(ctx)
		return first, false, err
	}
	return first, err == nil, err
}

func (a *Administration) oldestTenant(ctx context.Context) (oldest messages.Tenant, err error) {
	tenants, err := a.store.Tenants(ctx)
	if err == nil && len(tenants) > 0 {
		oldest = tenants[0]
	}
	return oldest, err
}

// ensureKey makes a key like spec where its tenant has none at all.
func (a *Administration) ensureKey(ctx context.Context, spec KeySpec) (Secret, error) {
	keys, err := a.store.Keys(ctx, spec.Tenant)
	if err != nil || len(keys) > 0 {
		return Secret{}, err
	}
	secret := newSecret()
	_, err = a.keep(ctx, spec, secret)
	return secret, err
}

// ensureGiven keeps a key that the operator made up, if it is not there.
func (a *Administration) ensureGiven(ctx context.Context, spec KeySpec, given Secret) (Secret, error) {
	want := given.key()
	have, err := a.store.Key(ctx, want.ID)
	switch {
	case messages.CodeOf(err) == messages.CodeInvalidKey:
		_, err = a.keep(ctx, spec, given)
		return given, err
	case err != nil:
		return Secret{}, err
	case have.OldHash == want.Hash: // it was rotated away
		return Secret{}, nil
	case have.Hash != want.Hash:
		return Secret{}, &messages.Failure{
			Code: messages.CodeInvalidKey, What: fmt.Sprintf("there is another key with the id %s", want.ID),
			Do: "choose another id for the first key, or leave it out",
		}
	default:
		return Secret{}, nil
	}
}
