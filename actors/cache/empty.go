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

// Empty forgets all replies of a tenant, here and in what nodes share. Other nodes
// are to be told apart. A reply that a model gives meanwhile may be kept.
func (c *Cache) Empty(ctx context.Context, tenant messages.TenantID) error {
	if c.shared != nil {
		if err := c.shared.Empty(ctx, tenant); err != nil {
			return err
		}
	}
	if c.shardOf(tenant).inbox.Load() == nil && c.shardOf(tenant).index.Len() == 0 {
		return nil
	}
	done := make(chan struct{}, 1)
	c.shardOf(tenant).tell(&empty{tenant: tenant, done: done})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return &messages.Failure{
			Code: messages.CodeOverloaded, What: "the cache does not answer in time", Do: "try again", RetryAfter: time.Second, Cause: ctx.Err(),
		}
	}
}

// empty takes out what is kept of the tenant.
func (k *keeper) empty(tenant messages.TenantID) {
	h := k.shard.state.tenants[string(tenant)]
	if h == nil {
		return
	}
	for _, e := range slices.Clone(h.entries) {
		k.remove(e, lostDropped)
	}
}
