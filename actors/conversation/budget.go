package conversation

import (
	"sync"
	"time"
)

// budget bounds the calls that are made besides the one that a turn needs: a
// share of all calls, and never less than so many a second. When everything
// fails at once, trying everything again would double the load that it fails
// under. The zero value is ready and has nothing. It is safe for concurrent use.
//
// This is the token bucket of Finagle's RetryBudget, with the floor as its leak.
type budget struct {
	mu     sync.Mutex
	tokens float64
	last   time.Time // when the floor was last added
}

// allowance says what a budget earns.
type allowance struct {
	share float64 // tokens that one call brings
	floor float64 // tokens that a second brings
	most  float64 // that are saved up
}

// earn counts a call that a turn needs.
func (b *budget) earn(a allowance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens = min(b.tokens+a.share, a.most)
}

// spend asks for one call more.
func (b *budget) spend(a allowance, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a.floor > 0 {
		if b.last.IsZero() {
			b.tokens += a.floor
		} else {
			b.tokens += a.floor * now.Sub(b.last).Seconds()
		}
		b.tokens, b.last = min(b.tokens, a.most), now
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
