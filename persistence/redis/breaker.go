package redis

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

const (
	failuresToOpen = 3           // in a row: each may have taken a whole time-out
	openFor        = time.Second // then one request tries again
)

// breaker keeps a Redis that fails out of the way of requests. It is safe for
// concurrent use.
type breaker struct {
	failures atomic.Int32
	until    atomic.Int64 // unix nanoseconds; 0 while it is closed
}

// allow tells whether to ask Redis. While the breaker is open it lets one caller
// through at the end of each period.
func (b *breaker) allow(now time.Time) bool {
	until := b.until.Load()
	return until == 0 || now.UnixNano() >= until && b.until.CompareAndSwap(until, now.Add(openFor).UnixNano())
}

// report takes in what came of it. A request whose client left says nothing.
func (b *breaker) report(err error, now time.Time) {
	switch {
	case err == nil:
		b.failures.Store(0)
		b.until.Store(0)
	case errors.Is(err, context.Canceled):
	case b.failures.Add(1) >= failuresToOpen:
		b.until.Store(now.Add(openFor).UnixNano())
	}
}
