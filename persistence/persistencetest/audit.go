package persistencetest

import (
	"strings"
	"time"

	"example.com/parley/messages"
)

// testAudit wants an entry for each change of tenants and keys, none for what
// came to nothing, and no secret in any.
func testAudit(b *bench) {
	by := messages.Actor{Kind: messages.ActorKey, Name: "ops", Address: "192.0.2.1", Request: "r1"}
	ctx, began := messages.WithActor(b.ctx(), by), time.Now().Add(-time.Millisecond)
	hidden := hash("secret")
	b.must(b.store.CreateTenant(ctx, messages.Tenant{ID: tenant, Name: "Acme", Created: time.Now()}))
	b.refused(b.store.CreateTenant(ctx, messages.Tenant{ID: "other", Name: "Acme", Created: time.Now()}), messages.CodeInvalidRequest)
	_, err := b.store.ChangeTenant(ctx, tenant, messages.TenantChange{MayRoute: new(true)})
	b.must(err)
	b.must(b.store.CreateKey(b.ctx(), messages.APIKey{ID: "k1", Tenant: tenant, Role: messages.KeyMember, Hash: hidden, Created: time.Now()}))
	b.must(b.store.RevokeKey(ctx, "k1", time.Now()))
	b.must(b.store.RevokeKey(ctx, "k1", time.Now())) // changes nothing
	b.refused(b.store.RevokeKey(ctx, "k9", time.Now()), messages.CodeInvalidKey)
	b.must(b.store.Audit(ctx, messages.AuditChange{Action: "provider.drain", Object: "openai", Before: map[string]bool{"drained": false}}))
	b.reopen()

	all := b.audited(messages.AuditPage{Limit: 10})
	actions := make([]string, len(all))
	for i, e := range all {
		actions[i] = e.Action + " " + e.Object
		if strings.Contains(e.Before+e.After, "hash") || e.At.Before(began) || e.At.After(time.Now()) {
			b.Errorf("entry %d is %+v", i, e)
		}
		if i > 0 && e.ID >= all[i-1].ID {
			b.Errorf("entry %d comes behind %d", e.ID, all[i-1].ID)
		}
	}
	b.same([]string{"provider.drain openai", "key.revoke k1", "key.create k1", "tenant.change acme", "tenant.create acme"}, actions)
	b.same(by, all[0].Actor)
	b.same(messages.Actor{Kind: messages.ActorServer}, all[2].Actor)
	b.same(`{"drained":false}`, all[0].Before)
	b.same("", all[0].After)
	if change := all[3]; !strings.Contains(change.Before, `"may_route":false`) || !strings.Contains(change.After, `"may_route":true`) || change.Tenant != tenant {
		b.Errorf("the change is %+v", change)
	}
	testAuditPages(b, all)
}

func testAuditPages(b *bench, all []messages.AuditEntry) {
	first, more, err := b.store.AuditEntries(b.ctx(), messages.AuditPage{Limit: 2})
	b.must(err)
	b.same(true, more)
	rest, more, err := b.store.AuditEntries(b.ctx(), messages.AuditPage{Limit: 3, After: first[1].ID})
	b.must(err)
	b.same(false, more)
	b.same(all, append(first, rest...))
	b.same(all[1:], b.audited(messages.AuditPage{Limit: 10, Tenant: tenant}))
	b.same(0, len(b.audited(messages.AuditPage{Limit: 10, Tenant: "rival"})))
	b.same(all[2:3], b.audited(messages.AuditPage{Limit: 10, Action: "key.create"}))
	b.same(all[1:3], b.audited(messages.AuditPage{Limit: 10, Object: "k1"}))
}

func (b *bench) audited(p messages.AuditPage) []messages.AuditEntry {
	b.Helper()
	found, _, err := b.store.AuditEntries(b.ctx(), p)
	b.must(err)
	return found
}
