package persistencetest

import (
	"time"

	"example.com/parley/messages"
)

func testLimits(b *bench) {
	b.tenants(tenant, "rival")
	b.must(b.store.CreateKey(b.ctx(), messages.APIKey{ID: "k1", Tenant: tenant, Role: messages.KeyMember, Created: asked}))
	last := uint64(0)
	changed := func(want bool) {
		b.Helper()
		version, err := b.store.LimitsVersion(b.ctx())
		b.must(err)
		if want != (version != last) {
			b.Errorf("the version is %d after %d", version, last)
		}
		last = version
	}
	kept := func(want ...messages.Limit) {
		b.Helper()
		found, err := b.store.Limits(b.ctx())
		b.must(err)
		b.same(want, found)
	}
	changed(true)
	kept()

	whole := messages.LimitHolder{Tenant: tenant, Scope: messages.LimitTenant}
	key := messages.LimitHolder{Tenant: tenant, Scope: messages.LimitKey, Name: "k1"}
	model := messages.LimitHolder{Tenant: tenant, Scope: messages.LimitModel, Name: "acme/fast"}
	other := messages.LimitHolder{Tenant: "rival", Scope: messages.LimitTenant}
	all := messages.Limits{Requests: 1, Tokens: 2_000_000_000, Turns: messages.NoLimit, Connections: 4, Messages: 5}
	b.must(b.store.SetLimit(b.ctx(), messages.Limit{LimitHolder: whole, Limits: all, Weight: 7}))
	b.must(b.store.SetLimit(b.ctx(), messages.Limit{LimitHolder: key, Limits: messages.Limits{Turns: 3}}))
	b.must(b.store.SetLimit(b.ctx(), messages.Limit{LimitHolder: model, Limits: messages.Limits{Tokens: 3}}))
	b.must(b.store.SetLimit(b.ctx(), messages.Limit{LimitHolder: other, Weight: 2}))
	b.must(b.store.SetLimit(b.ctx(), messages.Limit{LimitHolder: key, Limits: messages.Limits{Requests: 9}}))
	b.reopen()
	changed(true)
	kept(
		messages.Limit{LimitHolder: key, Limits: messages.Limits{Requests: 9}}, messages.Limit{LimitHolder: model, Limits: messages.Limits{Tokens: 3}},
		messages.Limit{LimitHolder: whole, Limits: all, Weight: 7}, messages.Limit{LimitHolder: other, Weight: 2},
	)

	b.refused(b.store.SetLimit(b.ctx(), messages.Limit{LimitHolder: messages.LimitHolder{Tenant: "nobody", Scope: messages.LimitTenant}}), messages.CodeItemAbsent)
	b.refused(b.store.SetLimit(b.ctx(), messages.Limit{LimitHolder: messages.LimitHolder{Tenant: "rival", Scope: messages.LimitKey, Name: "k1"}}), messages.CodeItemAbsent)
	b.refused(b.store.ClearLimit(b.ctx(), messages.LimitHolder{Tenant: "rival", Scope: messages.LimitModel, Name: "acme/fast"}), messages.CodeItemAbsent)
	changed(false)
	b.must(b.store.ClearLimit(b.ctx(), model))
	b.refused(b.store.ClearLimit(b.ctx(), model), messages.CodeItemAbsent)
	changed(true)

	audited := b.audited(messages.AuditPage{Limit: 10, Object: "k1", Action: "limit.set"})
	b.same(2, len(audited))
	b.same(`{"scope":"key","concurrent":3}`, audited[0].Before)
	b.same(`{"scope":"key","requests_per_minute":9}`, audited[0].After)
	b.same("", audited[1].Before)
	if first := b.audited(messages.AuditPage{Limit: 1, Object: string(tenant), Action: "limit.set"})[0]; first.Tenant != tenant ||
		first.After != `{"scope":"tenant","requests_per_minute":1,"tokens_per_minute":2000000000,"concurrent":0,"connections":4,"messages_per_minute":5,"weight":7}` {
		b.Errorf("the entry is %+v", first)
	}
	b.same(`{"scope":"model","tokens_per_minute":3}`, b.audited(messages.AuditPage{Limit: 10, Action: "limit.clear"})[0].Before)

	b.must(b.store.DeleteTenant(b.ctx(), messages.Erasure{ID: "erasure_1", Tenant: tenant, Requested: time.Now()})) // and what was set for it
	kept(messages.Limit{LimitHolder: other, Weight: 2})
}
