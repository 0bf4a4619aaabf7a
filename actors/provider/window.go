package provider

import "time"

// buckets is how finely a window slides: by a tenth of its length.
const buckets = 10

// window counts the calls of the last while, in a ring of buckets. Its zero
// value is empty. It allocates nothing.
type window struct {
	ring  [buckets]tally
	total tally     // of all buckets
	at    int       // the bucket of now
	since time.Time // the time that this bucket begins with; zero while there is nothing
}

// tally counts calls.
type tally struct{ calls, failed int }

// add counts a call that ended now, in a window of the given length.
func (w *window) add(now time.Time, length time.Duration, failed bool) {
	w.slide(now, max(length/buckets, 1))
	one := tally{calls: 1}
	if failed {
		one.failed = 1
	}
	w.ring[w.at].add(one)
	w.total.add(one)
}

// slide leaves behind what is too long ago.
func (w *window) slide(now time.Time, bucket time.Duration) {
	if w.since.IsZero() {
		w.since = now
	}
	passed := now.Sub(w.since) / bucket
	for range min(passed, buckets) {
		w.at = (w.at + 1) % buckets
		gone := w.ring[w.at]
		w.total.add(tally{calls: -gone.calls, failed: -gone.failed})
		w.ring[w.at] = tally{}
	}
	w.since = w.since.Add(passed * bucket)
}

// sum is what the window held with the last call that was added.
func (w *window) sum() (calls, failed int) { return w.total.calls, w.total.failed }

func (w *window) clear() { *w = window{} }

func (t *tally) add(other tally) {
	t.calls += other.calls
	t.failed += other.failed
}
