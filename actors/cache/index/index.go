// Package index finds cached replies: by key, by signature, and by the words of
// their questions, which a vector has to confirm. One goroutine writes, any number
// read at the same time without a lock: what readers look at is only ever added to,
// or replaced as a whole.
//
//	index.go   the index, and what it says     table.go   from a hash to entries
//	alike.go   what may ask the same           vector.go  a vector in a byte a dimension
package index

import (
	"encoding/binary"
	"sync/atomic"
	"unique"
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
	At           Point                 // where the question is; no point where it is not compared by meaning
	Body         string                // the reply; its form is the caller's
	Tenant       unique.Handle[string] // half of what its name would take in each
	Price        int64                 // what the reply cost when it was made, in nano-dollars
	Created      uint32                // unix seconds, as the one below
	Expires      uint32
	Position     int32 // the writer's, as the two below: where it is among the tenant's
	Due          uint32
	DueAt        int32         // and among those that are looked at in the same second
	Hits         atomic.Uint32 // since it was last looked at for eviction
}

// Bytes is what the entry takes beside its body, as far as its own parts go.
func (e *Entry) Bytes() int {
	return int(unsafe.Sizeof(*e)) + len(e.Loose)*int(unsafe.Sizeof(question.Word{})) + len(e.At.values)
}

// Index is one tenant shard's entries. Its zero value is ready.
type Index struct {
	byKey     table
	byWords   table
	byStrict  table
	byLetters table
	byRoots   table
	count     atomic.Int64
}

// Len is how many entries there are.
func (x *Index) Len() int { return int(x.count.Load()) }

// Exact returns the entry of a key, or nil. Any goroutine may call it.
func (x *Index) Exact(key *Key) *Entry {
	return x.byKey.find(max(key.Hash(), 1), func(e *Entry) bool { return e.Key == *key })
}

// Named returns an entry of a tenant whose key has the hash, or nil.
func (x *Index) Named(tenant string, hash uint64) *Entry {
	owner := unique.Make(tenant)
	return x.byKey.find(max(hash, 1), func(e *Entry) bool { return e.Key.Hash() == hash && e.Tenant == owner })
}

// Same returns the entry of a space whose question has the same words, or nil.
func (x *Index) Same(space uint64, q *question.Question) *Entry {
	if q.Same == 0 {
		return nil
	}
	return x.byWords.find(within(space, words(q.Same, q.Loose)), func(e *Entry) bool { return e.Space == space && e.Same == q.Same })
}

// Strict returns an entry of a space whose question says the same, or nil.
func (x *Index) Strict(space uint64, q *question.Question) *Entry {
	if q.Strict == 0 {
		return nil
	}
	return x.byStrict.find(within(space, q.Strict), func(e *Entry) bool { return e.Space == space && e.Strict == q.Strict })
}

// Add adds an entry whose key none has yet. Only the writer may call it.
func (x *Index) Add(e *Entry) {
	for t, hash := range x.places {
		if hash(e) != 0 {
			t.add(hash, e)
		}
	}
	x.count.Add(1)
}

// Remove takes an entry out. Only the writer may call it, once for an entry.
func (x *Index) Remove(e *Entry) {
	for t, hash := range x.places {
		if h := hash(e); h != 0 {
			t.remove(h, e)
		}
	}
	x.count.Add(-1)
}

// places yields each table, and what it goes by: 0 says that an entry is not in it.
// The keys come last: who finds an entry by its key finds it by all else.
func (x *Index) places(yield func(*table, func(*Entry) uint64) bool) {
	_ = yield(&x.byWords, byWords) && yield(&x.byStrict, byStrict) && yield(&x.byLetters, byLetters) &&
		yield(&x.byRoots, byRoots) && yield(&x.byKey, byKey)
}

// What the tables go by.
func byKey(e *Entry) uint64     { return max(e.Key.Hash(), 1) }
func byWords(e *Entry) uint64   { return within(e.Space, words(e.Same, e.Loose)) }
func byStrict(e *Entry) uint64  { return within(e.Space, e.Strict) }
func byLetters(e *Entry) uint64 { return within(e.Space, question.Letters(e.Loose)) }
func byRoots(e *Entry) uint64   { return within(e.Space, question.Roots(e.Loose)) }

// words is what a question is found by that has the same words as another, or
// loosely the same: those of the same words are loosely the same.
func words(same uint64, loose []question.Word) uint64 {
	if len(loose) > 0 {
		return question.Forms(loose)
	}
	return same
}

// within is a hash of what has another one, in a space; 0 of what has none.
func within(space, hash uint64) uint64 {
	if hash == 0 {
		return 0
	}
	return max(mix(space, hash), 1)
}

// mix joins two hashes to one (the finalizer of splitmix64, Steele et al. 2014).
func mix(a, b uint64) uint64 {
	x := a ^ b*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
