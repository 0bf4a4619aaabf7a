package messages

import "time"

// Tenant is a team that shares the server.
type Tenant struct {
	ID      TenantID
	Name    string
	Created time.Time
	// MayRoute lets its requests say which providers answer them, whatever the
	// routes of the configuration are.
	MayRoute bool
}

// TenantChange is what is to become of a tenant. What is nil stays.
type TenantChange struct {
	MayRoute *bool
}

// KeyRole says what a key opens.
type KeyRole string

// The roles: an admin key opens the admin listener and no tenant's data.
const (
	KeyMember KeyRole = "member"
	KeyAdmin  KeyRole = "admin"
)

// APIKey is a key without its secret.
type APIKey struct {
	ID      KeyID
	Tenant  TenantID // empty for an admin key
	Role    KeyRole
	Name    string
	Hash    [32]byte // SHA-256 of the secret's text
	Created time.Time
	Expires time.Time // zero: never
	Revoked time.Time // zero: not
	// MayRoute is its tenant's; a store sets it and keeps it there.
	MayRoute bool
}

// Principal is who a request acts for, once its key was checked.
type Principal struct {
	Tenant TenantID
	Key    KeyID
	Role   KeyRole
	// MayRoute is its tenant's.
	MayRoute bool
}
