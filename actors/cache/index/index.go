// Package index finds cached replies: by key, by signature, and by nearness of
// vectors. One goroutine writes, any number read at the same time without a lock:
// what readers walk over is only ever appended to, or replaced as a whole.
//
//	index.go   the index, and what it says     table.go   from a hash to entries
//	space.go   vectors that may be compared    sketch.go  256 bits that stand for a vector
//	vector.go  a vector in a byte a dimension
package index

import (
	"sync/atomic"
	"time"

	"example.com/parley/actors/cache/question"
)

// Key names a request that is the same in every respect that matters: its SHA-256.
type Key [32]byte

// Hash is a well-mixed part of the key.
func (k *Key) hash() uint64 {
	return uint64(k[0]) | uint64(k[1])<<8 | uint64(k[2])<<16 | uint64(k[3])<<24 |
		uint64(k[4])<<32 | uint64(k[5])<<40 | uint64(k[6])<<48 | uint64(k[7])<<56
}

// Entry is a cached reply as the index knows it. What readers may read of it never
// changes, but for what is atomic.
type Entry struct {
	Key      Key
	Space    uint64 // requests that differ in nothing but the question share one; it never leaves a tenant
	Same     uint64 // see question.Question; 0 where there is none
	Strict   uint64
	Loose    []question.Word
	Vector   Vector // without values where the question is not compared by meaning
	Body     []byte // the reply; its form is the caller's
	Tenant   string
	Created  time.Time
	Expires  time.Time
	Price    int64 // what the reply cost when it was made, in nano-dollars
	Position int32 // the writer's, as Due: where it is among the tenant's
	Due      int64 // unix seconds at which it is looked at again

	Hits atomic.Uint32 // since it was last looked at for eviction

	slot int32 // in the space's part
	part *part
}

// Index is one tenant shard's entries. Its zero value is ready.
type Index struct {
	byKey    table
	bySame   table
	byStrict table
	spaces   spaces
	count    atomic.Int64
}

// Len is how many entries there are.
func (x *Index) Len() int { return int(x.count.Load()) }

// Exact returns the entry of a key, or nil. Any goroutine may call it.
func (x *Index) Exact(key *Key) *Entry {
	return x.byKey.find(key.hash(), func(e *Entry) bool { return e.Key == *key })
}

// Same returns the entry of a space whose question has the same words, or nil.
func (x *Index) Same(space, same uint64) *Entry {
	if same == 0 {
		return nil
	}
	return x.bySame.find(mix(space, same), func(e *Entry) bool { return e.Space == space && e.Same == same })
}

// Strict returns an entry of a space whose question says the same, or nil.
func (x *Index) Strict(space, strict uint64) *Entry {
	if strict == 0 {
		return nil
	}
	return x.byStrict.find(mix(space, strict), func(e *Entry) bool { return e.Space == space && e.Strict == strict })
}

// Nearest returns the entry of a space that is nearest to a vector among those for
// which accept is true, and its cosine, which is at least cut; or nil.
func (x *Index) Nearest(space uint64, v *Vector, cut float32, accept func(*Entry) bool) (best *Entry, cosine float32) {
	s := x.spaces.find(space)
	if s == nil {
		return nil, 0
	}
	return s.nearest(v, cut, accept)
}

// Add adds an entry, in the place of one with its key, which it returns. Only the
// writer may call it.
func (x *Index) Add(e *Entry) (old *Entry) {
	if old = x.Exact(&e.Key); old != nil {
		x.Remove(old)
	}
	if e.Vector.Values != nil {
		x.spaces.of(e.Space).add(e)
	}
	if e.Same != 0 {
		x.bySame.add(mix(e.Space, e.Same), e)
	}
	if e.Strict != 0 {
		x.byStrict.add(mix(e.Space, e.Strict), e)
	}
	x.byKey.add(e.Key.hash(), e)
	x.count.Add(1)
	return old
}

// Remove takes an entry out. Only the writer may call it, once for an entry.
func (x *Index) Remove(e *Entry) {
	x.byKey.remove(e.Key.hash(), e)
	if e.Same != 0 {
		x.bySame.remove(mix(e.Space, e.Same), e)
	}
	if e.Strict != 0 {
		x.byStrict.remove(mix(e.Space, e.Strict), e)
	}
	if e.Vector.Values != nil {
		x.spaces.of(e.Space).remove(e)
		x.spaces.dropEmpty(e.Space)
	}
	x.count.Add(-1)
}

// mix joins two hashes to one (the finalizer of splitmix64, Steele et al. 2014).
func mix(a, b uint64) uint64 {
	x := a ^ b*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
