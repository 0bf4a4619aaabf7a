package tenant

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"example.com/parley/messages"
)

// useEvery is how often the last uses of keys are brought to the store: an
// operator who looks for keys that nobody needs is content with half a minute.
const useEvery = 30 * time.Second

// use is when one key opened something last. Every request writes it, so it is
// written once a second and not oftener: processors need not hand it around.
type use struct {
	at      atomic.Int64 // microseconds since 1970; 0: not in this process
	written atomic.Int64 // of these, what the store has
	young   bool         // it was asked for since the last write, and may not be in the keyring yet; under the lock of uses
}

// note remembers a use. It takes some nanoseconds and allocates nothing.
func (u *use) note(now time.Time) {
	const seldom = int64(time.Second / time.Microsecond)
	at := now.UnixMicro()
	if at-u.at.Load() >= seldom {
		u.at.Store(at)
	}
}

// uses are those of all keys that were looked up. They outlive what is known of
// the keys, which is forgotten with each change. It is safe for concurrent use.
type uses struct {
	mu  sync.Mutex
	all map[messages.KeyID]*use
}

func newUses() *uses { return &uses{all: make(map[messages.KeyID]*use)} }

// of returns a key's use.
func (u *uses) of(id messages.KeyID) *use {
	u.mu.Lock()
	defer u.mu.Unlock()
	one := u.all[id]
	if one == nil {
		one = new(use)
		u.all[id] = one
	}
	one.young = true
	return one
}

// since lists the uses that the store does not have, and drops those of keys that
// nothing is known of any more.
func (u *uses) since(known func(messages.KeyID) bool) (found []messages.KeyUse) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for id, one := range u.all {
		switch at := one.at.Load(); {
		case at > one.written.Load():
			found = append(found, messages.KeyUse{ID: id, At: time.UnixMicro(at)})
		case !one.young && !known(id):
			delete(u.all, id)
		}
		one.young = false
	}
	return found
}

// wrote remembers what the store has.
func (u *uses) wrote(done []messages.KeyUse) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, d := range done {
		if one := u.all[d.ID]; one != nil {
			one.written.Store(d.At.UnixMicro())
		}
	}
}

// RecordUses brings the last uses of keys to the store, every 30 seconds and once
// more when ctx ends. What could not be brought is tried again.
func (k *Keys) RecordUses(ctx context.Context) error {
	ticker := time.NewTicker(useEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			k.recordUses(ctx)
		case <-ctx.Done():
			k.recordUses(context.WithoutCancel(ctx))
			return nil
		}
	}
}

// mostUses bounds one write, so that it delays nobody's commit.
const mostUses = 500

func (k *Keys) recordUses(ctx context.Context) {
	pending := k.uses.since(func(id messages.KeyID) bool {
		_, known := k.ring.find(id)
		return known
	})
	for len(pending) > 0 {
		some := pending[:min(len(pending), mostUses)]
		pending = pending[len(some):]
		bounded, release := context.WithTimeout(ctx, k.cfg.LoadTimeout)
		err := k.store.MarkUsed(bounded, some)
		release()
		if err != nil {
			k.metrics.unmarked.Add(float64(len(some) + len(pending)))
			return // it is away: the next time brings all
		}
		k.uses.wrote(some)
		k.metrics.marked.Add(float64(len(some)))
	}
}
