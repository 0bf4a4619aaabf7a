package load

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

// Open asks Rate requests a second, at even distances, whether or not those
// before were answered. A request that is due while every connection waits is
// sent late, and its lateness counts as latency.
type Open struct {
	Address     string // host:port
	Connections int    // that share the requests
	Rate        int    // a second
	Requests    []Request
	Warmup      time.Duration
	Duration    time.Duration
}

// Run makes the load and returns what came of it. It returns an error where it
// cannot even connect, or ctx ends.
func (l Open) Run(ctx context.Context) (Result, error) {
	connections, err := newFleet(ctx, l.Address, l.Connections, time.Now().Add(l.Warmup+l.Duration))
	if err != nil {
		return Result{}, err
	}
	defer connections.close()
	begin := time.Now()

	due := make(chan int, l.count(l.Warmup)+l.count(l.Duration)) // holds all, so that the clock never waits
	tallies := make([]tally, l.Connections)
	var workers sync.WaitGroup
	for i, c := range connections {
		workers.Go(func() { l.work(ctx, c, &tallies[i], due, begin) })
	}
	l.tick(ctx, due, begin)
	workers.Wait()
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	return join(tallies, l.Duration), nil
}

func (l Open) count(d time.Duration) int { return int(d.Seconds() * float64(l.Rate)) }

func (l Open) dueAt(begin time.Time, n int) time.Time {
	return begin.Add(time.Duration(n) * time.Second / time.Duration(l.Rate))
}

// tick hands out requests as they become due. It keeps a thread of its own: the
// runtime's timers may be a millisecond late, which is more than what is
// measured.
func (l Open) tick(ctx context.Context, due chan<- int, begin time.Time) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(due)
	sharpen()
	for n := range cap(due) {
		if ctx.Err() != nil {
			return
		}
		sleepUntil(l.dueAt(begin, n))
		due <- n
	}
}

// errNeverAsked is of a request for which no connection came free until long behind the
// run's end. Those that were asked have the other half of [patience] left, so that
// none is cut which the server carries out.
var errNeverAsked = errors.New("no connection came free in time")

func (l Open) work(ctx context.Context, c *connection, t *tally, due <-chan int, begin time.Time) {
	first := l.count(l.Warmup)
	opens, ends := begin.Add(l.Warmup), begin.Add(l.Warmup+l.Duration)
	for n := range due {
		if ctx.Err() != nil {
			return
		}
		err := errNeverAsked
		if time.Now().Before(ends.Add(patience / 2)) {
			err = c.ask(ctx, &l.Requests[n%len(l.Requests)])
		}
		t.note(err)
		if now := time.Now(); err == nil && now.After(opens) && now.Before(ends) {
			t.within++
		}
		if n >= first {
			t.count(time.Since(l.dueAt(begin, n)), err)
		}
	}
}
