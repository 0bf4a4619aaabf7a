package persistencetest

import (
	"strings"
	"time"

	"example.com/parley/messages"
)

// moved tells whether the version of the keys is another than before, and
// remembers it.
func (b *bench) moved(version *uint64) bool {
	b.Helper()
	now, err := b.store.KeysVersion(b.ctx())
	b.must(err)
	before := *version
	*version = now
	return now != before
}

// testKeyLife wants all that is said of a key and its tenant to be kept, every
// change of it to be seen, and a use not to be one.
func testKeyLife(b *bench) {
	now := time.Now().Round(time.Microsecond)
	var version uint64
	owner := messages.Tenant{ID: tenant, Name: "Acme", Created: now, Allowance: messages.Allowance{Models: []string{"fast", "gpt-*"}, Providers: []string{"p"}}}
	b.must(b.store.CreateTenant(b.ctx(), owner))
	key := messages.APIKey{
		ID: "k1", Tenant: tenant, Role: messages.KeyReadOnly, Name: "laptop", Hash: hash("secret"), Created: now, Scopes: messages.ScopeUsage | messages.ScopeChat,
		Allowance: messages.Allowance{Models: []string{"gpt-5"}, Providers: []string{"p", "q"}}, TenantAllowance: owner.Allowance, Class: "batch",
	}
	b.must(b.store.CreateKey(b.ctx(), key))
	b.reopen()
	b.same(key, b.key("k1"))
	b.moved(&version)

	b.must(b.store.MarkUsed(b.ctx(), []messages.KeyUse{{ID: "k1", At: now.Add(time.Minute)}, {ID: "none", At: now}}))
	b.must(b.store.MarkUsed(b.ctx(), []messages.KeyUse{{ID: "k1", At: now.Add(time.Second)}})) // of another node, and earlier
	key.Used = now.Add(time.Minute)
	b.same(key, b.key("k1"))
	if b.moved(&version) {
		b.Error("a use counts as a change")
	}

	key.Role, key.Name, key.Expires, key.Scopes, key.Allowance, key.Class = messages.KeyMember, "desktop", now.Add(time.Hour), 0, messages.Allowance{}, "interactive"
	changed, err := b.store.ChangeKey(b.ctx(), "k1", messages.KeyChange{
		Role: &key.Role, Name: &key.Name, Expires: &key.Expires, Scopes: &key.Scopes, Models: &[]string{}, Providers: &[]string{}, Class: &key.Class,
	})
	b.must(err)
	b.same(key, changed)
	b.same(key, b.key("k1"))
	if !b.moved(&version) {
		b.Error("a change of a key is not seen")
	}
	_, err = b.store.ChangeKey(b.ctx(), "none", messages.KeyChange{})
	b.refused(err, messages.CodeInvalidKey)
	testRotation(b, key, &version)
}

func testRotation(b *bench, key messages.APIKey, version *uint64) {
	now := time.Now().Round(time.Microsecond)
	key.OldHash, key.OldExpires, key.Hash = key.Hash, now.Add(time.Hour), hash("second")
	rotated, err := b.store.RotateKey(b.ctx(), "k1", messages.KeyRotation{Hash: key.Hash, OldExpires: key.OldExpires})
	b.must(err)
	b.same(key, rotated)
	b.same(key, b.key("k1"))
	if !b.moved(version) {
		b.Error("a rotation is not seen")
	}
	third := messages.KeyRotation{Hash: hash("third"), OldExpires: now.Add(time.Hour)}
	_, err = b.store.RotateKey(b.ctx(), "k1", third)
	b.refused(err, messages.CodeInvalidRequest)
	ended, err := b.store.ChangeKey(b.ctx(), "k1", messages.KeyChange{EndOld: true})
	b.must(err)
	if ended.OldExpires.After(time.Now()) {
		b.Errorf("the old secret goes on until %s", ended.OldExpires)
	}
	_, err = b.store.RotateKey(b.ctx(), "k1", third)
	b.must(err)
	b.must(b.store.RevokeKey(b.ctx(), "k1", now))
	_, err = b.store.RotateKey(b.ctx(), "k1", third)
	b.refused(err, messages.CodeInvalidRequest)
	_, err = b.store.RotateKey(b.ctx(), "none", third)
	b.refused(err, messages.CodeInvalidKey)
	for _, e := range b.audited(messages.AuditPage{Limit: 100}) {
		if strings.Contains(strings.ToLower(e.Before+e.After), "hash") {
			b.Errorf("the audit log has a hash: %+v", e)
		}
	}
}

func (b *bench) key(id messages.KeyID) messages.APIKey {
	b.Helper()
	key, err := b.store.Key(b.ctx(), id)
	b.must(err)
	return key
}

// testTenantLife wants a tenant to be changed, disabled, and deleted with its keys
// and what was said under it, but for what it used.
func testTenantLife(b *bench) {
	var version uint64
	for _, t := range []messages.Tenant{{ID: tenant, Name: "Acme", Created: time.Now()}, {ID: "rival", Name: "Rival", Created: time.Now()}} {
		b.must(b.store.CreateTenant(b.ctx(), t))
		b.must(b.store.CreateKey(b.ctx(), messages.APIKey{ID: messages.KeyID(t.ID), Tenant: t.ID, Role: messages.KeyMember, Created: time.Now()}))
		b.must(b.store.Deny(b.ctx(), messages.CacheDrop{CacheName: messages.CacheName{Tenant: t.ID, Entry: 1}, Asked: 2}))
	}
	b.moved(&version)
	_, err := b.store.ChangeTenant(b.ctx(), tenant, messages.TenantChange{Name: new("Rival")})
	b.refused(err, messages.CodeInvalidRequest)
	_, err = b.store.ChangeTenant(b.ctx(), "none", messages.TenantChange{Name: new("None")})
	b.refused(err, messages.CodeItemAbsent)
	_, err = b.store.Tenant(b.ctx(), "none")
	b.refused(err, messages.CodeItemAbsent)
	for _, off := range []bool{true, false} {
		changed, err := b.store.ChangeTenant(b.ctx(), tenant, messages.TenantChange{Disabled: &off, Name: new("Alpha"), Models: &[]string{"a*"}})
		b.must(err)
		read, err := b.store.Tenant(b.ctx(), tenant)
		b.must(err)
		if !changed.Disabled.Equal(read.Disabled) || read.Disabled.IsZero() == off || read.Name != "Alpha" || b.key("acme").Disabled != off {
			b.Errorf("disabled %t: %+v, and as it is read %+v", off, changed, read)
		}
		b.same(messages.Allowance{Models: []string{"a*"}}, b.key("acme").TenantAllowance)
		if !b.moved(&version) {
			b.Error("a change of a tenant is not seen")
		}
	}
	testDeletion(b)
	if !b.moved(&version) {
		b.Error("a deletion is not seen")
	}
}

func testDeletion(b *bench) {
	ref := b.conversation("mine")
	epoch := b.activate(ref).Epoch
	record := b.turn(ref, epoch, 2, "question", "answer")
	_, err := b.store.ClaimKey(b.ctx(), messages.Claim{Tenant: tenant, Key: "k", Hash: hash("body"), Request: b.id(), Deadline: time.Now()})
	b.must(err)

	wanted := messages.Erasure{ID: "erasure_1", Tenant: tenant, Requested: time.Now()}
	b.must(b.store.DeleteTenant(b.ctx(), wanted))
	b.refused(b.store.DeleteTenant(b.ctx(), messages.Erasure{ID: "erasure_2", Tenant: tenant, Requested: time.Now()}), messages.CodeItemAbsent)
	pending, err := b.store.PendingErasures(b.ctx())
	b.must(err)
	if len(pending) != 1 || pending[0].ID != wanted.ID || pending[0].Tenant != tenant || pending[0].UserHash != "" {
		b.Errorf("to be erased are %+v", pending)
	}
	_, err = b.store.ChangeTenant(b.ctx(), tenant, messages.TenantChange{Disabled: new(false)})
	b.refused(err, messages.CodeItemAbsent)
	if b.key("acme").Revoked.IsZero() || !b.key("rival").Revoked.IsZero() {
		b.Error("it is not the deleted tenant's keys that are revoked")
	}
	left, err := b.store.Tenants(b.ctx())
	b.must(err)
	if len(left) != 1 || left[0].ID != "rival" {
		b.Errorf("left are %+v", left)
	}
	removed, err := b.store.EraseDeleted(b.ctx())
	b.must(err)
	b.same(7, removed) // three items, a turn, a conversation, a claim and a denial
	removed, err = b.store.EraseDeleted(b.ctx())
	b.must(err)
	b.same(0, removed)

	_, err = b.store.Turn(b.ctx(), tenant, record.ID)
	b.refused(err, messages.CodeResponseAbsent)
	_, err = b.store.Conversation(b.ctx(), ref)
	b.refused(err, messages.CodeConversationAbsent)
	rows, err := b.store.UsageRows(b.ctx(), tenant, record.ID)
	b.must(err)
	b.same(1, len(rows))
	denied, err := b.store.Denied(b.ctx(), 10)
	b.must(err)
	b.same(1, len(denied))
	b.must(b.store.CreateTenant(b.ctx(), messages.Tenant{ID: "new", Name: "Alpha", Created: time.Now()}))
	b.refused(b.store.CreateTenant(b.ctx(), messages.Tenant{ID: tenant, Name: "Again", Created: time.Now()}), messages.CodeInvalidRequest)
}
