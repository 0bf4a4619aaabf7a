package messages

import "time"

// Tenant is a team that shares the server.
type Tenant struct {
	ID      TenantID
	Name    string
	Created time.Time
	// Disabled is since when its keys open nothing; zero while they do.
	Disabled time.Time
	// MayRoute lets its requests say which providers answer them, whatever the
	// routes of the configuration are.
	MayRoute bool
	// Allowance is what its keys may use, whatever is said of them themselves.
	Allowance Allowance
}

// TenantChange is what is to become of a tenant. What is nil stays.
type TenantChange struct {
	Name      *string
	Disabled  *bool
	MayRoute  *bool
	Models    *[]string
	Providers *[]string
}

// Apply returns the tenant as it is to become at a time.
func (c TenantChange) Apply(t Tenant, now time.Time) Tenant {
	set(&t.Name, c.Name)
	set(&t.MayRoute, c.MayRoute)
	set(&t.Allowance.Models, c.Models)
	set(&t.Allowance.Providers, c.Providers)
	switch {
	case c.Disabled == nil:
	case !*c.Disabled:
		t.Disabled = time.Time{}
	case t.Disabled.IsZero():
		t.Disabled = now
	}
	return t
}

func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

// KeyRole says what a key opens.
type KeyRole string

// The roles: an admin key opens the admin listener and no tenant's data. The
// other two open their tenant's: a member all of it, and a reader what is there
// to be read, without a turn and without a change.
const (
	KeyMember   KeyRole = "member"
	KeyReadOnly KeyRole = "read-only"
	KeyAdmin    KeyRole = "admin"
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
	Used    time.Time // when it opened something last, to some 30 seconds; zero: never

	Scopes    Scopes    // none for all
	Allowance Allowance // within its tenant's
	Class     KeyClass  // of its turns, where a request names none

	// OldHash is that of the secret before the last rotation, which opens as
	// well until OldExpires; zero before there was one.
	OldHash    [32]byte
	OldExpires time.Time

	// These are its tenant's; a store sets them and keeps them there.
	MayRoute        bool
	Disabled        bool // its tenant is
	TenantAllowance Allowance
}

// KeyClass is the class of a key's turns by its name; empty for standard.
type KeyClass string

// Priority is the class. A name that this server does not know stands for
// standard.
func (c KeyClass) Priority() Priority {
	if p, known := ParsePriority(string(c)); known {
		return p
	}
	return PriorityStandard
}

// KeyChange is what is to become of a key. What is nil stays.
type KeyChange struct {
	Name      *string
	Role      *KeyRole
	Expires   *time.Time // zero for never
	Scopes    *Scopes
	Models    *[]string
	Providers *[]string
	Class     *KeyClass
	// EndOld ends the secret from before the last rotation.
	EndOld bool
}

// Apply returns the key as it is to become at a time.
func (c KeyChange) Apply(k APIKey, now time.Time) APIKey {
	set(&k.Name, c.Name)
	set(&k.Role, c.Role)
	set(&k.Expires, c.Expires)
	set(&k.Scopes, c.Scopes)
	set(&k.Allowance.Models, c.Models)
	set(&k.Allowance.Providers, c.Providers)
	set(&k.Class, c.Class)
	if c.EndOld && k.OldExpires.After(now) {
		k.OldExpires = now
	}
	return k
}

// KeyRotation gives a key another secret. The one before it opens until
// OldExpires; not both of two old ones.
type KeyRotation struct {
	Hash       [32]byte
	OldExpires time.Time
}

// KeyUse tells when a key opened something.
type KeyUse struct {
	ID KeyID
	At time.Time
}

// Principal is who a request acts for, once its key was checked.
type Principal struct {
	Tenant TenantID
	Key    KeyID
	Role   KeyRole
	Scopes Scopes
	// MayRoute is its tenant's.
	MayRoute bool
	// Class is that of its turns, where a request names none.
	Class KeyClass
	// Allowed is what the request may use; nil for everything.
	Allowed *Allowed
}
