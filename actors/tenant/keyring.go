package tenant

import (
	"hash/maphash"
	"maps"
	"sync/atomic"
	"time"

	"example.com/parley/messages"
)

// keyring is what is known of keys: read by every request, written by the actor
// alone. It is cut into parts, each an immutable map behind a pointer, so that
// adding a key copies a few of them and not all.
type keyring struct {
	seed  maphash.Seed
	parts [ringParts]atomic.Pointer[map[messages.KeyID]known]
}

const (
	ringParts = 256
	// maxInPart bounds a part, and with it the memory: 65,536 keys in all, at
	// some 600 bytes. A part that is full begins anew.
	maxInPart = 256
)

// known is the answer of the store about one id. It is immutable but for the use.
type known struct {
	key   *messages.APIKey   // nil where there is no such key
	who   messages.Principal // who has it
	use   *use               // of it
	until time.Time          // of an answer that there is no such key; zero for a key
}

// knownOf is what a request needs of a key.
func knownOf(key messages.APIKey, u *use) known {
	return known{key: &key, use: u, who: messages.Principal{
		Tenant: key.Tenant, Key: key.ID, Role: key.Role, Scopes: key.Scopes, MayRoute: key.MayRoute, Class: key.Class,
		Allowed: messages.Narrow(key.TenantAllowance, key.Allowance),
	}}
}

func newKeyring() *keyring { return &keyring{seed: maphash.MakeSeed()} }

func (r *keyring) part(id messages.KeyID) *atomic.Pointer[map[messages.KeyID]known] {
	return &r.parts[maphash.String(r.seed, string(id))%ringParts]
}

// find returns what is known of an id. It takes 20 ns and allocates nothing.
func (r *keyring) find(id messages.KeyID) (k known, ok bool) {
	if part := r.part(id).Load(); part != nil {
		k, ok = (*part)[id]
	}
	return k, ok
}

// add remembers an answer. Only the actor calls it.
func (r *keyring) add(id messages.KeyID, k known) {
	at := r.part(id)
	next := make(map[messages.KeyID]known)
	if old := at.Load(); old != nil && len(*old) < maxInPart {
		next = maps.Clone(*old)
	}
	next[id] = k
	at.Store(&next)
}

// forget drops everything. Only the actor calls it.
func (r *keyring) forget() {
	for i := range r.parts {
		r.parts[i].Store(nil)
	}
}
