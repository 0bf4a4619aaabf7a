package messages

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Erasure is the taking away of a tenant's content, or of one user's, and the
// receipt for it. It lasts: who asks for it has it done also by a server that
// starts later.
type Erasure struct {
	ID        string // "erasure_" and 32 hex digits
	Tenant    TenantID
	User      string    // whose content; empty for all, and once it is done
	UserHash  string    // SHA-256 of the user's name in hex; empty for all
	Requested time.Time // what comes later stays
	Ended     time.Time // zero while it runs

	Conversations int64 // that are gone as a whole
	Turns         int64
	Items         int64 // whose content is gone
	Replies       int64 // that were kept for idempotency keys
}

// Done tells whether everything is gone.
func (e *Erasure) Done() bool { return !e.Ended.IsZero() }

// HashUser is what a receipt has in the place of a user's name.
func HashUser(user string) string {
	sum := sha256.Sum256([]byte(user))
	return hex.EncodeToString(sum[:])
}

// Retention says for how many days something of a tenant is kept. What is nil is as
// the configuration has it; 0 is for ever.
type Retention struct {
	Tenant      TenantID
	ContentDays *int // of conversations and what is in them
	LedgerDays  *int // of usage rows
}

// EndUser is who speaks through the tenant, as the client says it:
// safety_identifier, or user where that is not said.
func (o *Options) EndUser() string {
	for i := range o.Extra {
		var name string
		if o.Extra[i].Name == "safety_identifier" && json.Unmarshal(o.Extra[i].Value, &name) == nil && name != "" {
			return name
		}
	}
	return o.User
}
