package cache

import (
	"time"

	"example.com/parley/actors/cache/index"
)

// wheel finds what has expired without looking at anything else: entries stand in
// the slot of the second in which they do. Those that last longer than a turn of
// the wheel are put off once a turn. It is the actor's alone.
type wheel struct {
	slots [turn][]*index.Entry // each entry at its DueAt
	at    uint32               // unix seconds that the wheel has come to
}

// turn is how many seconds the wheel goes round in: a little more than the usual
// time to live.
const turn = 4096

func newWheel(now time.Time) wheel { return wheel{at: seconds(now)} }

// add puts an entry where it is due.
func (w *wheel) add(e *index.Entry) {
	e.Due = min(max(e.Expires, w.at+1), w.at+turn-1)
	slot := &w.slots[e.Due%turn]
	e.DueAt = int32(len(*slot)) // #nosec G115 -- bounded by bytes
	*slot = append(*slot, e)
}

// remove takes off an entry that was added.
func (w *wheel) remove(e *index.Entry) {
	slot := w.slots[e.Due%turn]
	last := len(slot) - 1
	slot[e.DueAt] = slot[last]
	slot[e.DueAt].DueAt = e.DueAt
	slot[last] = nil
	w.slots[e.Due%turn] = slot[:last]
	if last == 0 {
		w.slots[e.Due%turn] = nil
	}
}

// advance turns the wheel to now, and calls expired for each entry that is over,
// which removes it.
func (w *wheel) advance(now time.Time, expired func(*index.Entry)) {
	for until := seconds(now); w.at < until; {
		w.at++
		due := w.slots[w.at%turn]
		for i := len(due) - 1; i >= 0; i-- { // from behind, since each is taken off
			e := due[i]
			if e.Expires > until {
				w.remove(e)
				w.add(e)
				continue
			}
			expired(e)
		}
	}
}
