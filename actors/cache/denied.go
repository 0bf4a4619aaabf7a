package cache

import (
	"maps"
	"sync/atomic"

	"example.com/parley/actors/cache/index"
)

// pair is two requests by the hashes of their keys, the lower first: what may
// not answer the one may not answer the other.
type pair [2]uint64

func pairOf(a, b uint64) pair { return pair{min(a, b), max(a, b)} }

// mostDenied is how many pairs a shard remembers. Each was a person's decision.
const mostDenied = 100_000

// denied remembers the pairs that were wrong. The shard's actor adds to it, and
// anybody reads it.
type denied struct {
	pairs atomic.Pointer[map[pair]struct{}]
}

func (d *denied) has(a, b *index.Key) bool {
	pairs := d.pairs.Load()
	if pairs == nil || *a == *b {
		return false
	}
	_, found := (*pairs)[pairOf(a.Hash(), b.Hash())]
	return found
}

// add remembers a pair, in the place of any other where there are too many.
func (d *denied) add(p pair) {
	next := make(map[pair]struct{})
	if before := d.pairs.Load(); before != nil {
		maps.Copy(next, *before)
	}
	for other := range next {
		if len(next) < mostDenied {
			break
		}
		delete(next, other)
	}
	next[p] = struct{}{}
	d.pairs.Store(&next)
}
