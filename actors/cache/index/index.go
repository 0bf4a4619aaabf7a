// Package index finds cached replies: by key, by signature, and by nearness of
// vectors. One goroutine writes, any number read at the same time without a lock:
// what readers walk over is only ever appended to, or replaced as a whole.
//
//	index.go   the index, and what it says     table.go   from a hash to entries
//	space.go   points that may be compared     vector.go  a vector in a byte a dimension
package index

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"

	"example.com/parley/actors/cache/question"
)

// Key names a request that is the same in every respect that matters: the first
// half of its SHA-256. To find another request with a given key takes 2^128 tries.
type Key [16]byte

// Hash is a part of the key, as evenly spread as all of it.
func (k *Key) Hash() uint64 { return binary.LittleEndian.Uint64(k[:8]) }

// Entry is a cached reply as the index knows it. What readers may read of it never
// changes, but for what is atomic.
type Entry struct {
	Key          Key
	Space        uint64 // requests that differ in nothing but the question share one; it never leaves a tenant
	Same, Strict uint64 // see question.Question; 0 where there is none
	Loose        []question.Word
	Body         string // the reply; its form is the caller's
	Tenant       string
	Created      uint32 // unix seconds, as the one below
	Expires      uint32
	Price        int64 // what the reply cost when it was made, in nano-dollars
	Position     int32 // the writer's, as the two below: where it is among the tenant's
	Due          uint32
	DueAt        int32         // and among those that are looked at in the same second
	Hits         atomic.Uint32 // since it was last looked at for eviction

	slot int32 // in the part
	part *part // of its space; nil where the question is not compared by meaning
}

// Bytes is what the entry takes beside its body, as far as its own parts go; of a
// point in so many dimensions where it has one.
func (e *Entry) Bytes() int {
	size := int(unsafe.Sizeof(*e)) + len(e.Loose)*int(unsafe.Sizeof(question.Word{}))
	if e.part != nil {
		size += len(e.part.point(0))
	}
	return size
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
	return x.byKey.find(key.Hash(), func(e *Entry) bool { return e.Key == *key })
}

// Named returns an entry of a tenant whose key has the hash, or nil.
func (x *Index) Named(tenant string, hash uint64) *Entry {
	return x.byKey.find(hash, func(e *Entry) bool { return e.Tenant == tenant && e.Key.Hash() == hash })
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

// Nearest returns the entry of a space that is nearest to a point, and its cosine,
// which is at least cut; or nil. It is among those whose masks differ from mask in
// at most two bits, and for which accept is true: one comparison of 64 bits keeps
// nearly all others out.
func (x *Index) Nearest(space uint64, to *Point, mask uint64, cut float32, accept func(*Entry) bool) (best *Entry, cosine float32) {
	s := x.spaces.find(space)
	if s == nil {
		return nil, 0
	}
	return s.nearest(to, mask, cut, accept)
}

// Add adds an entry whose key none has yet. at is where its question is, and nil of
// one that is not compared by meaning. Only the writer may call it.
func (x *Index) Add(e *Entry, at *Point) {
	if at != nil {
		x.spaces.of(e.Space).add(e, at, question.Mask(e.Loose))
	}
	if e.Same != 0 {
		x.bySame.add(bySame, e)
	}
	if e.Strict != 0 {
		x.byStrict.add(byStrict, e)
	}
	x.byKey.add(byKey, e)
	x.count.Add(1)
}

// Remove takes an entry out. Only the writer may call it, once for an entry.
func (x *Index) Remove(e *Entry) {
	x.byKey.remove(byKey(e), e)
	if e.Same != 0 {
		x.bySame.remove(bySame(e), e)
	}
	if e.Strict != 0 {
		x.byStrict.remove(byStrict(e), e)
	}
	if e.part != nil {
		x.spaces.of(e.Space).remove(e)
		x.spaces.dropEmpty(e.Space)
	}
	x.count.Add(-1)
}

// What the tables go by.
func byKey(e *Entry) uint64    { return e.Key.Hash() }
func bySame(e *Entry) uint64   { return mix(e.Space, e.Same) }
func byStrict(e *Entry) uint64 { return mix(e.Space, e.Strict) }

// mix joins two hashes to one (the finalizer of splitmix64, Steele et al. 2014).
func mix(a, b uint64) uint64 {
	x := a ^ b*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
