package cache

import (
	"context"
	"slices"
	"time"

	"example.com/parley/messages"
)

// empty takes all entries of a tenant out.
type empty struct {
	tenant messages.TenantID
	done   chan<- struct{} // has room for one
}

// Empty forgets all replies of a tenant, here and in what nodes share, and keeps none
// of the calls that run. Other nodes are to be told apart.
func (c *Cache) Empty(ctx context.Context, tenant messages.TenantID) error {
	s := c.shardOf(tenant)
	s.accountOf(tenant).emptied.Store(time.Now().UnixNano())
	if s.inbox.Load() != nil || s.index.Len() > 0 {
		done := make(chan struct{}, 1)
		s.tell(&empty{tenant: tenant, done: done})
		if err := await(ctx, done); err != nil {
			return err
		}
	}
	if c.shared == nil {
		return nil
	}
	return c.shared.Empty(ctx, tenant)
}

// empty takes out what is kept of the tenant.
func (k *keeper) empty(tenant messages.TenantID) {
	if feed := k.shard.cache.feed; feed != nil {
		feed.Emptied(tenant)
	}
	h := k.shard.state.tenants[string(tenant)]
	if h == nil {
		return
	}
	for _, e := range slices.Clone(h.entries) {
		k.remove(e, lostDropped)
	}
}
