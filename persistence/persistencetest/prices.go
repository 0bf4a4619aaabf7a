package persistencetest

import (
	"time"

	"example.com/parley/messages"
)

func testPrices(b *bench) {
	version := func() uint64 {
		b.Helper()
		v, err := b.store.PricesVersion(b.ctx())
		b.must(err)
		return v
	}
	kept := func() []messages.PriceVersion {
		b.Helper()
		found, err := b.store.Prices(b.ctx())
		b.must(err)
		return found
	}
	at := time.Unix(1_800_000_000, 0)
	first := messages.PriceVersion{
		Model: "acme/fast*", From: at, Price: messages.Price{Input: 1, Cached: 2, CacheWrite: 3, Output: 4},
		Source: "the contract", Origin: messages.PriceOperator, Name: "operator:acme/fast*@2027-01-15T08:00:00Z",
	}
	b.same(0, len(kept()))
	before := version()
	b.must(b.store.SetPrice(b.ctx(), first))
	if version() == before {
		b.Error("the version did not change with a price")
	}
	b.same([]messages.PriceVersion{first}, kept())

	second := first
	second.From, second.Input, second.Name = at.Add(time.Hour), 7, "operator:acme/fast*@2027-01-15T09:00:00Z"
	b.must(b.store.SetPrice(b.ctx(), second))
	second.Output = 9 // changed before it holds
	b.must(b.store.SetPrice(b.ctx(), second))
	b.same([]messages.PriceVersion{second, first}, kept())

	b.refused(b.store.DropPrice(b.ctx(), first.Model, at.Add(time.Minute)), messages.CodeItemAbsent)
	b.refused(b.store.DropPrice(b.ctx(), "other", at), messages.CodeItemAbsent)
	before = version()
	b.must(b.store.DropPrice(b.ctx(), first.Model, second.From))
	if version() == before {
		b.Error("the version did not change with a price that was dropped")
	}
	b.same([]messages.PriceVersion{first}, kept())

	gone := messages.PriceVersion{Model: first.Model, From: at.Add(2 * time.Hour), Withdrawn: true, Origin: messages.PriceOperator, Name: "operator:acme/fast*@2027-01-15T10:00:00Z"}
	b.must(b.store.SetPrice(b.ctx(), gone))
	again := gone
	again.From = at.Add(3 * time.Hour)
	b.refused(b.store.SetPrice(b.ctx(), again), messages.CodeItemAbsent)
	early := gone
	early.From = at.Add(-time.Hour)
	b.refused(b.store.SetPrice(b.ctx(), early), messages.CodeItemAbsent)
	b.same([]messages.PriceVersion{gone, first}, kept())

	audited := b.audited(messages.AuditPage{Limit: 10, Object: first.Model})
	actions := make([]string, len(audited))
	for i := range audited {
		actions[i] = audited[i].Action
	}
	b.same([]string{"price.withdraw", "price.drop", "price.set", "price.set", "price.set"}, actions)
}
