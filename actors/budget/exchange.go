package budget

import (
	"context"
	"fmt"
	"time"

	"example.com/parley/messages"
)

// lease asks the store for one purse. It runs in a goroutine of its own, which ends
// with the actor or its time-out.
func (b *Budgets) lease(running context.Context, ref purseRef, q messages.LeaseRequest, tell func(any)) {
	m := &leased{ref: ref, asked: q}
	defer func() {
		if p := recover(); p != nil {
			m.err = fmt.Errorf("panic: %v", p)
		}
		b.metrics.leasesAsked(m.err)
		if running.Err() == nil {
			tell(m)
		}
	}()
	ctx, cancel := context.WithTimeout(running, b.cfg.Patience)
	defer cancel()
	m.lease, m.err = b.deps.Store.LeaseBudget(ctx, q)
}

// watch asks the store again and again what there is new, until ctx ends.
func (b *Budgets) watch(ctx context.Context, version uint64, tell func(any)) {
	ticker := time.NewTicker(b.cfg.Refresh)
	defer ticker.Stop()
	for ctx.Err() == nil {
		m := b.look(ctx, version)
		if m.err == nil {
			version = m.news.Version
		}
		if ctx.Err() == nil {
			tell(m)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

func (b *Budgets) look(ctx context.Context, version uint64) (m *looked) {
	m = &looked{}
	defer func() {
		if p := recover(); p != nil {
			m.err = fmt.Errorf("panic: %v", p)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Patience)
	defer cancel()
	m.news, m.err = b.deps.Store.LookAtBudgets(ctx, time.Now().UnixMicro())
	if m.err == nil && m.news.Version != version {
		m.all, m.err = b.deps.Store.Budgets(ctx)
	}
	return m
}
