package conversation

import (
	"sync"

	"example.com/parley/messages"
)

// live is the reply of a kept turn while it comes. The turn's goroutine and its
// keeper add to it, and clients besides the first look on. It is safe for
// concurrent use, and nobody holds its lock while waiting for anything.
type live struct {
	presence *presence

	mu    sync.Mutex
	reply messages.Reply
	shown *messages.Reply  // what may be looked at: reply, or one of its own where chunks wait for the store
	tail  []messages.Chunk // finish, usage and end: nothing comes behind it
	views []*view
}

// newLive returns a reply that has just begun. Where hold is set, what is added is
// looked at only once show says so.
func newLive(p *presence, hold bool) *live {
	l := &live{presence: p}
	l.shown = &l.reply
	if hold {
		l.shown = new(messages.Reply)
	}
	return l
}

// add takes a chunk in, and returns the position of its item as [messages.Reply]
// does.
func (l *live) add(c messages.Chunk) (position int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	position, _ = l.reply.Add(c)
	if l.shown == &l.reply {
		l.tell()
	}
	return position
}

// show lets a chunk be looked at that was held.
func (l *live) show(c messages.Chunk) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown.Add(c)
	l.tell()
}

// end lets the reply's last words be looked at.
func (l *live) end(tail ...messages.Chunk) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = tail
	l.tell()
}

// tell wakes those who look on. The lock is held.
func (l *live) tell() {
	for _, v := range l.views {
		select {
		case v.more <- struct{}{}:
		default: // it has not looked since it was woken last
		}
	}
}

// items are those of the reply from a position on.
func (l *live) items(r *messages.TurnRecord, from int, status messages.ItemStatus) (messages.Served, []messages.Item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reply.Served, l.reply.Items(r.ID, r.Inputs, from, status)
}

// isWatched tells whether anybody looks on.
func (l *live) isWatched() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.views) > 0
}

// look returns a view from the beginning.
func (l *live) look() *view {
	v := &view{live: l, more: make(chan struct{}, 1)}
	v.more <- struct{}{}
	l.presence.enter()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.views = append(l.views, v)
	return v
}

// view is a client that looks on. It implements messages.View.
type view struct {
	live *live
	more chan struct{} // capacity 1

	// Guarded by the lock of live.
	cursor messages.ReplyCursor
	ended  int // of the tail
	left   bool
}

// Next implements messages.View.
func (v *view) Next() (c messages.Chunk, came bool) {
	l := v.live
	l.mu.Lock()
	defer l.mu.Unlock()
	if c, came = l.shown.Next(&v.cursor); came || v.ended == len(l.tail) {
		return c, came
	}
	v.ended++
	return l.tail[v.ended-1], true
}

// More implements messages.View.
func (v *view) More() <-chan struct{} { return v.more }

// Leave implements messages.View.
func (v *view) Leave() {
	if v.live.remove(v) {
		v.live.presence.leave()
	}
}

// remove tells whether the view was still there.
func (l *live) remove(v *view) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if v.left {
		return false
	}
	v.left = true
	for i, other := range l.views {
		if other == v {
			last := len(l.views) - 1
			l.views[i], l.views[last] = l.views[last], nil
			l.views = l.views[:last]
			break
		}
	}
	return true
}
