package persistencetest

import (
	"math"

	"example.com/parley/messages"
)

// testDenials wants each pair once, whatever bits its hashes have, the newest ones
// where there are too many.
func testDenials(b *bench) {
	drop := func(tenant messages.TenantID, entry, asked uint64) messages.CacheDrop {
		return messages.CacheDrop{CacheName: messages.CacheName{Tenant: tenant, Entry: entry}, Asked: asked}
	}
	older, newer := drop(tenant, 1, math.MaxUint64), drop("rival", 1<<63, 7)
	b.must(b.store.Deny(b.ctx(), older))
	b.must(b.store.Deny(b.ctx(), older))
	b.must(b.store.Deny(b.ctx(), newer))
	b.reopen()
	found, err := b.store.Denied(b.ctx(), 10)
	b.must(err)
	b.same([]messages.CacheDrop{newer, older}, found)
	found, err = b.store.Denied(b.ctx(), 1)
	b.must(err)
	b.same([]messages.CacheDrop{newer}, found)
}
