package http

import (
	"sync"
	"time"
)

// feeds are those that something may come for, oldest first. All have the same time, so
// one timer calls those whose time is over, and one list those that the server cuts. It
// is safe for concurrent use.
type feeds struct {
	mu          sync.Mutex
	first, last *feed
	timer       *time.Timer // for the first, or one before it; nil before there was any
}

// enter has a feed called when its time is over, and when the server cuts what runs,
// until it leaves.
func (a *feeds) enter(f *feed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f.before = a.last
	if a.last == nil {
		a.first = f
		a.wait()
	} else {
		a.last.behind = f
	}
	a.last = f
}

func (a *feeds) leave(f *feed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f.before == nil {
		a.first = f.behind
	} else {
		f.before.behind = f.behind
	}
	if f.behind == nil {
		a.last = f.before
	} else {
		f.behind.before = f.before
	}
	f.before, f.behind = nil, nil
	if a.first == nil {
		a.timer.Stop()
	}
}

// wait sets the timer for the first. a.mu is held.
func (a *feeds) wait() {
	left := time.Until(a.first.until())
	if a.timer == nil {
		a.timer = time.AfterFunc(left, a.callLate)
		return
	}
	a.timer.Reset(left)
}

// callLate calls those whose time is over. They leave soon.
func (a *feeds) callLate() {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	for f := a.first; f != nil; f = f.behind {
		if now.Before(f.until()) {
			a.timer.Reset(f.until().Sub(now))
			return
		}
		f.call()
	}
}

// callAll calls all.
func (a *feeds) callAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for f := a.first; f != nil; f = f.behind {
		f.call()
	}
}
