package cache

import (
	"context"

	"example.com/parley/actors/cache/index"
	"example.com/parley/messages"
)

// Feed is told what becomes of the cache, by its actors and in their order, so that
// edge nodes have the same. Its methods do not wait. cluster/edge implements it.
type Feed interface {
	// Kept is told of a reply that can be found from now on.
	Kept(name messages.CacheName, record []byte)
	// Dropped is told of a pair that was wrong; it may be told more than once.
	Dropped(d messages.CacheDrop)
	// Emptied is told of a tenant whose replies are forgotten.
	Emptied(tenant messages.TenantID)
}

// tellKept tells those who follow of an entry.
func (c *Cache) tellKept(e *index.Entry) {
	if c.feed != nil {
		c.feed.Kept(messages.CacheName{Tenant: messages.TenantID(e.Tenant.Value()), Entry: e.Key.Hash()}, c.encode(e))
	}
}

// Record is an entry as other nodes read it; nil where it is not here.
func (c *Cache) Record(name messages.CacheName) []byte {
	e := c.shardOf(name.Tenant).index.Named(string(name.Tenant), name.Entry)
	if e == nil {
		return nil
	}
	return c.encode(e)
}

// Clear forgets the replies of all tenants on this node alone. What is learnt from
// then on may be of before.
func (c *Cache) Clear(ctx context.Context) error {
	for i := range c.shards {
		s := &c.shards[i]
		if s.inbox.Load() == nil && s.index.Len() == 0 {
			continue
		}
		done := make(chan struct{}, 1)
		s.tell(&clearAll{done: done})
		if err := await(ctx, done); err != nil {
			return err
		}
	}
	return nil
}

// clearAll takes all entries out.
type clearAll struct {
	done chan<- struct{} // has room for one
}

func (k *keeper) clear() {
	for tenant := range k.shard.state.tenants {
		k.empty(messages.TenantID(tenant))
	}
}

// NameOf is the entry that a hit names; false for what is no such name.
func NameOf(tenant messages.TenantID, id messages.CacheEntryID) (name messages.CacheName, ok bool) {
	entry, _, ok := parseEntryID(id)
	return messages.CacheName{Tenant: tenant, Entry: entry}, ok
}
