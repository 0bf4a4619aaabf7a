package cache

import (
	"context"
	"sync"
	"sync/atomic"

	"example.com/parley/actors/cache/index"
	"example.com/parley/messages"
)

// Denials keeps the pairs that were wrong, for the next start. The store implements
// it.
type Denials interface {
	Deny(ctx context.Context, d messages.CacheDrop) error
}

// pair is two requests by the hashes of their keys, the lower first: what may
// not answer the one may not answer the other.
type pair [2]uint64

func pairOf(a, b uint64) pair { return pair{min(a, b), max(a, b)} }

// MostDenied is how many pairs a cache is worth remembering. Each was a person's
// decision.
const MostDenied = 100_000

// denied remembers the pairs that were wrong. Anybody reads and adds.
type denied struct {
	pairs sync.Map // pair -> nothing
	count atomic.Int64
}

func (d *denied) has(a, b *index.Key) bool {
	if *a == *b || d.count.Load() == 0 {
		return false
	}
	_, found := d.pairs.Load(pairOf(a.Hash(), b.Hash()))
	return found
}

// add remembers a pair, in the place of any other where there are too many.
func (d *denied) add(p pair) {
	if _, known := d.pairs.LoadOrStore(p, struct{}{}); known {
		return
	}
	if d.count.Add(1) <= MostDenied {
		return
	}
	d.pairs.Range(func(other, _ any) bool {
		if other == p {
			return true
		}
		d.pairs.Delete(other)
		d.count.Add(-1)
		return false
	})
}
