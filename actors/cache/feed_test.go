package cache_test

import (
	"testing"
	"testing/synctest"

	"example.com/parley/actors/cache"
	"example.com/parley/messages"
)

// follower has of one cache what it is told, as an edge node does.
type follower struct{ *world }

func (f follower) Kept(name messages.CacheName, record []byte) { f.cache.Learn(name, record) }
func (f follower) Dropped(d messages.CacheDrop)                { f.cache.Forget(d) }
func (f follower) Emptied(tenant messages.TenantID) {
	go func() { _ = f.cache.Empty(f.t.Context(), tenant) }() // ends with the bubble
}

// Whoever follows a cache answers what it answers, and by the same rules.
func TestAFollowerHasWhatACacheHas(t *testing.T) {
	bubble(t, func(t *testing.T) {
		edge := newWorld(t)
		core := newFollowed(t, static(t), nil, follower{edge})
		core.learn(question("acme", chisel), "With a stone.")
		for _, w := range []*world{core, edge} {
			w.wants(question("acme", chisel), messages.CacheExact)
			w.wants(question("acme", chisel2), messages.CacheSemantic)
			w.wants(question("other", chisel), messages.CacheMiss)
			w.wants(question("acme", "How do I sharpen an axe?"), messages.CacheMiss)
		}
		pair := core.ask(question("acme", chisel2)).Outcome.Entry
		if err := core.cache.Drop(t.Context(), "acme", pair); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		edge.wants(question("acme", chisel2), messages.CacheMiss)
		core.learn(question("acme", chisel), "With a stone.")
		edge.wants(question("acme", chisel), messages.CacheExact)
		edge.wants(question("acme", chisel2), messages.CacheMiss) // the pair stays denied
		if err := core.cache.Empty(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		edge.wants(question("acme", chisel), messages.CacheMiss)
	})
}

// What a node has is had by its name, and forgotten of all tenants at once; what it
// learns behind that may be of before.
func TestACacheIsClearedAndFilledAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		core, edge := newWorld(t), newWorld(t)
		for _, tenant := range []messages.TenantID{"acme", "other", "third"} {
			core.learn(question(tenant, chisel), "With a stone.")
			name, ok := cache.NameOf(tenant, core.ask(question(tenant, chisel)).Outcome.Entry)
			record := core.cache.Record(name)
			if !ok || record == nil {
				t.Fatalf("%v, %t: %d bytes", name, ok, len(record))
			}
			for range 2 {
				edge.cache.Learn(name, record)
				synctest.Wait()
				edge.wants(question(tenant, chisel), messages.CacheExact)
				if err := edge.cache.Clear(t.Context()); err != nil {
					t.Fatal(err)
				}
				edge.wants(question(tenant, chisel), messages.CacheMiss)
			}
		}
		if record := edge.cache.Record(messages.CacheName{Tenant: "acme", Entry: 1}); record != nil {
			t.Error("it has what it never had")
		}
		if _, ok := cache.NameOf("acme", "ce_none"); ok {
			t.Error("ce_none is a name")
		}
	})
}
