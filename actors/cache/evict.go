package cache

import (
	"math/rand/v2"

	"example.com/parley/actors/cache/index"
)

// holding is what is kept of one tenant, and who of it has to go first. New entries
// stand in a window; behind it they have to be worth more than one of those that
// are there (W-TinyLFU, Einziger et al. 2017), where worth is what an entry saves:
// its price by how often it is asked for, for each byte. It is the actor's alone.
type holding struct {
	entries []*index.Entry // at their Position
	window  []*index.Entry // the newest, the oldest first; some may be gone
	bytes   int64
	often   *frequency
}

const (
	windowShare = 100 // one entry of so many is in the window
	sample      = 8   // entries that are compared to find one that is worth little
)

func newHolding() *holding { return &holding{often: newFrequency(fewestCounters)} }

func (h *holding) add(e *index.Entry) {
	e.Position = int32(len(h.entries)) // #nosec G115 -- bounded by bytes
	h.entries = append(h.entries, e)
	h.bytes += sizeOf(e)
	h.often.grow(len(h.entries))
	h.often.add(e.Key.Hash())
	h.window = append(h.window, e)
	for len(h.window) > 1+len(h.entries)/windowShare {
		h.window = h.window[1:]
	}
}

// remove takes an entry off the list, if it is there.
func (h *holding) remove(e *index.Entry) bool {
	if int(e.Position) >= len(h.entries) || h.entries[e.Position] != e {
		return false
	}
	last := h.entries[len(h.entries)-1]
	h.entries[e.Position], last.Position = last, e.Position
	h.entries[len(h.entries)-1] = nil
	h.entries = h.entries[:len(h.entries)-1]
	h.bytes -= sizeOf(e)
	return true
}

// loser is the entry that has to go: the oldest of the window, or one of the others
// if that is worth less. There must be one.
func (h *holding) loser() *index.Entry {
	for len(h.window) > 0 && !h.has(h.window[0]) {
		h.window = h.window[1:]
	}
	var least *index.Entry
	if len(h.window) > 1 { // the newest one is there to stay for a moment
		least = h.window[0]
	}
	newest := h.entries[len(h.entries)-1]
	for range sample {
		e := h.entries[rand.IntN(len(h.entries))] // #nosec G404 -- nobody gains by guessing it
		if e != newest && (least == nil || h.worth(e) < h.worth(least)) {
			least = e
		}
	}
	if least == nil {
		return newest
	}
	return least
}

func (h *holding) has(e *index.Entry) bool {
	return int(e.Position) < len(h.entries) && h.entries[e.Position] == e
}

// worth is what a byte of the entry saves. A reply without a price saves time: it
// counts as the cheapest.
func (h *holding) worth(e *index.Entry) float64 {
	for range min(e.Hits.Swap(0), mostCounts) {
		h.often.add(e.Key.Hash())
	}
	return float64(max(e.Price, 1)) * float64(h.often.of(e.Key.Hash())) / float64(sizeOf(e))
}

// overhead is what an entry takes beside its own parts: slots in five tables at
// their usual load, and its place in three lists.
const overhead = 5*8*3/2 + 3*8

// sizeOf is how many bytes an entry takes.
func sizeOf(e *index.Entry) int64 { return int64(overhead + len(e.Body) + e.Bytes()) }
