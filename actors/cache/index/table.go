package index

import (
	"math/bits"
	"sync/atomic"
)

// table finds entries by a hash, of which several entries may have the same: open
// addressing with linear probing. Readers need no lock. Its zero value is empty.
type table struct {
	slots atomic.Pointer[[]atomic.Pointer[Entry]]
	used  int // slots that are not nil, the graves among them
	held  int // entries
}

// grave stands where an entry was: probing goes on behind it.
var grave = new(Entry)

const fewestSlots = 8

// find returns the first entry with the hash that fits.
func (t *table) find(hash uint64, fits func(*Entry) bool) *Entry {
	slots := t.slots.Load()
	if slots == nil {
		return nil
	}
	at := place(hash, len(*slots))
	for range mostProbes {
		e := (*slots)[at].Load()
		if at++; at == len(*slots) {
			at = 0
		}
		if e == nil {
			return nil
		}
		if e != grave && fits(e) {
			return e
		}
	}
	return nil
}

// add adds an entry under its hash. At most three quarters of the slots are used, so
// that probing ends soon.
func (t *table) add(hash func(*Entry) uint64, e *Entry) {
	if slots := t.slots.Load(); slots == nil || 4*(t.used+1) > 3*len(*slots) {
		t.rebuild(hash)
	}
	t.put(hash(e), e)
}

// mostProbes is how many slots are looked at for a place. Hashes that are spread at
// all need a few; those of texts can be made alike, and then some are not found by
// them.
const mostProbes = 1024

func (t *table) put(hash uint64, e *Entry) {
	slots := *t.slots.Load()
	at := place(hash, len(slots))
	for range mostProbes {
		slot := &slots[at]
		if at++; at == len(slots) {
			at = 0
		}
		switch slot.Load() {
		case nil:
			t.used++
		case grave:
		default:
			continue
		}
		slot.Store(e)
		t.held++
		return
	}
}

// place is where a hash is looked for first, among so many slots.
func place(hash uint64, slots int) int {
	high, _ := bits.Mul64(hash*0x9e3779b97f4a7c15, uint64(slots)) // #nosec G115 -- positive
	return int(high)                                              // #nosec G115 -- less than slots
}

// rebuild gives the entries a table of their own in which two slots of five are free,
// and the graves are gone. Readers go on with the one before until it is published.
func (t *table) rebuild(hash func(*Entry) uint64) {
	size := max(fewestSlots, 5*(t.held+1)/3)
	before, next := t.slots.Load(), make([]atomic.Pointer[Entry], size)
	var staged table
	staged.slots.Store(&next)
	if before != nil {
		for i := range *before {
			if e := (*before)[i].Load(); e != nil && e != grave {
				staged.put(hash(e), e)
			}
		}
	}
	t.used, t.held = staged.used, staged.held
	t.slots.Store(&next)
}

// remove takes an entry out that was added under the hash.
func (t *table) remove(hash uint64, e *Entry) {
	slots := *t.slots.Load()
	at := place(hash, len(slots))
	for range mostProbes {
		slot := &slots[at]
		if at++; at == len(slots) {
			at = 0
		}
		switch slot.Load() {
		case e:
			slot.Store(grave)
			t.held--
			return
		case nil:
			return
		}
	}
}
