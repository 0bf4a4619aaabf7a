package edge

import (
	"context"
	"crypto/rand"
	"sort"
	"sync"
	"time"

	"example.com/parley/messages"
)

const (
	// feedBytes is how much of what was cached and dropped lately is held for edge
	// nodes: one that starts begins with it.
	feedBytes = 64 << 20
	// batchEvents and batchBytes bound one answer.
	batchEvents, batchBytes = 512, 1 << 20
	// feedOverlap is how far back an edge node begins that comes from another server:
	// nodes hear of what others dropped within less, and their clocks are not further
	// apart.
	feedOverlap = 15 * time.Second
)

// Feed is what became of this server's cache lately, in order. The cache's actors
// write it, edge nodes read it. It is safe for concurrent use.
type Feed struct {
	name   string
	began  time.Time
	shared bool // other servers have all of it too, in some order
	most   int

	mu      sync.Mutex
	first   uint64 // number of events[0]
	events  []event
	bytes   int
	changed chan struct{} // closed with the next event
}

// NewFeed returns a feed without events. shared says that servers tell each other
// what they cache and drop, so that an edge node may go on with another's.
func NewFeed(shared bool) *Feed {
	return &Feed{name: rand.Text(), began: time.Now(), shared: shared, most: feedBytes, changed: make(chan struct{})}
}

// Kept is told of a reply that can be found from now on.
func (f *Feed) Kept(name messages.CacheName, record []byte) { f.add(event{Name: name, Record: record}) }

// Dropped is told of a pair that was wrong.
func (f *Feed) Dropped(d messages.CacheDrop) { f.add(event{Drop: &d}) }

// Emptied is told of a tenant whose replies are forgotten.
func (f *Feed) Emptied(tenant messages.TenantID) { f.add(event{Emptied: tenant}) }

func (f *Feed) add(e event) {
	e.At = time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events, f.bytes = append(f.events, e), f.bytes+e.size()
	gone := 0
	for ; f.bytes > f.most && gone < len(f.events)-1; gone++ {
		f.bytes -= f.events[gone].size()
		f.events[gone] = event{}
	}
	f.events, f.first = f.events[gone:], f.first+uint64(gone)
	close(f.changed)
	f.changed = make(chan struct{})
}

// read returns what is behind a cursor. reset says that what came before the events
// is not known.
func (f *Feed) read(c cursor) (events []event, next cursor, behind int, reset bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	from, reset := f.find(c)
	size := 0
	for _, e := range f.events[from:] {
		if size += e.size(); len(events) == batchEvents || size > batchBytes && len(events) > 0 {
			break
		}
		events = append(events, e)
	}
	behind = len(f.events) - from - len(events)
	next = cursor{Feed: f.name, Next: f.first + uint64(from+len(events)), At: time.Now()} // #nosec G115 -- lengths
	if behind > 0 {
		next.At = events[len(events)-1].At
	}
	return events, next, behind, reset
}

// find is where an edge node goes on that has read as far as c.
func (f *Feed) find(c cursor) (from int, reset bool) {
	if c.Feed == f.name {
		if c.Next >= f.first && c.Next <= f.first+uint64(len(f.events)) {
			return int(c.Next - f.first), false // #nosec G115 -- below a length
		}
		return 0, true
	}
	since := c.At.Add(-feedOverlap)
	from = sort.Search(len(f.events), func(i int) bool { return !f.events[i].At.Before(since) })
	whole := f.first == 0 || from > 0 // nothing that came since was let go of
	if f.shared && !c.At.IsZero() && f.began.Before(since) && whole {
		return from, false
	}
	return 0, true
}

// await returns true once there is something behind a cursor, and false when ctx ends.
func (f *Feed) await(ctx context.Context, c cursor) bool {
	for {
		f.mu.Lock()
		waits := c.Feed == f.name && c.Next == f.first+uint64(len(f.events))
		changed := f.changed
		f.mu.Unlock()
		if !waits {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// next is the number that the next event has.
func (f *Feed) next() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.first + uint64(len(f.events))
}
