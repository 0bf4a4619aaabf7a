package cache

import (
	"time"

	"example.com/parley/actors/cache/index"
)

// wheel finds what has expired without looking at anything else: entries stand in
// the slot of the second in which they do. Those that last longer than a turn of
// the wheel are put off once a turn. It is the actor's alone.
type wheel struct {
	slots [turn]map[*index.Entry]struct{}
	at    int64 // unix seconds that the wheel has come to
}

// turn is how many seconds the wheel goes round in: a little more than the usual
// time to live.
const turn = 4096

func newWheel(now time.Time) wheel { return wheel{at: now.Unix()} }

func (w *wheel) slot(e *index.Entry) *map[*index.Entry]struct{} {
	return &w.slots[uint64(e.Due)%turn]
}

// add puts an entry where it is due.
func (w *wheel) add(e *index.Entry) {
	e.Due = min(max(e.Expires.Unix()+1, w.at+1), w.at+turn-1)
	slot := w.slot(e)
	if *slot == nil {
		*slot = make(map[*index.Entry]struct{})
	}
	(*slot)[e] = struct{}{}
}

func (w *wheel) remove(e *index.Entry) { delete(*w.slot(e), e) }

// advance turns the wheel to now, and calls expired for each entry that is over.
func (w *wheel) advance(now time.Time, expired func(*index.Entry)) {
	for ; w.at < now.Unix(); w.at++ {
		due := w.slots[uint64(w.at+1)%turn]
		w.slots[uint64(w.at+1)%turn] = nil
		for e := range due {
			if e.Expires.After(now) {
				w.at++
				w.add(e)
				w.at--
				continue
			}
			expired(e)
		}
	}
}
