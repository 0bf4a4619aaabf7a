package tenant

import (
	"context"
	"time"

	"example.com/parley/messages"
)

// KeySource knows keys. Both stores implement it, and on an edge node cluster/edge.
type KeySource interface {
	// Key returns a key by its id, revoked and expired ones too. It fails with
	// CodeInvalidKey when there is none.
	Key(ctx context.Context, id messages.KeyID) (messages.APIKey, error)
	// KeysVersion changes whenever any key does.
	KeysVersion(ctx context.Context) (uint64, error)
	// MarkUsed remembers when keys opened something; it does not change them.
	MarkUsed(ctx context.Context, uses []messages.KeyUse) error
}

// Store keeps tenants and keys. Its methods are safe for concurrent use; their
// errors are *messages.Failure where a person can do something about them.
// persistence/sqlite and persistence/postgres implement it.
type Store interface {
	KeySource
	CreateKey(ctx context.Context, key messages.APIKey) error
	// Keys lists a tenant's keys, or with an empty tenant the admin keys.
	Keys(ctx context.Context, tenant messages.TenantID) ([]messages.APIKey, error)
	// ChangeKey returns the key as it is then, RotateKey too. They fail with
	// CodeInvalidKey when there is none.
	ChangeKey(ctx context.Context, id messages.KeyID, change messages.KeyChange) (messages.APIKey, error)
	// RotateKey fails with CodeInvalidRequest while the key has two secrets that
	// open.
	RotateKey(ctx context.Context, id messages.KeyID, r messages.KeyRotation) (messages.APIKey, error)
	// RevokeKey marks a key. It fails with CodeInvalidKey when there is none;
	// one that is revoked already keeps its time.
	RevokeKey(ctx context.Context, id messages.KeyID, at time.Time) error
	CreateTenant(ctx context.Context, tenant messages.Tenant) error
	// ChangeTenant returns the tenant as it is then. It fails with
	// CodeItemAbsent when there is none.
	ChangeTenant(ctx context.Context, id messages.TenantID, change messages.TenantChange) (messages.Tenant, error)
	// Tenant fails with CodeItemAbsent when there is none.
	Tenant(ctx context.Context, id messages.TenantID) (messages.Tenant, error)
	// Tenants lists them, the oldest first.
	Tenants(ctx context.Context) ([]messages.Tenant, error)
}
