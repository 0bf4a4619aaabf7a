package load

import (
	"context"
	"sync"
	"time"
)

// Closed keeps Connections busy: each asks again as soon as it was answered.
type Closed struct {
	Address     string // host:port
	Connections int
	Requests    []Request     // each connection goes round them, from a place of its own
	Warmup      time.Duration // not measured
	Duration    time.Duration // of the window
	// Mark is called at both edges of the window, for what is measured beside
	// the requests; nil calls nothing.
	Mark func()
}

// failurePause keeps a server that refuses at once from being flooded.
const failurePause = time.Millisecond

// Run makes the load and returns what came of it. It returns an error where it
// cannot even connect, or ctx ends.
func (l Closed) Run(ctx context.Context) (Result, error) {
	begin := time.Now().Add(l.Warmup)
	end := begin.Add(l.Duration)
	connections, err := newFleet(ctx, l.Address, l.Connections, end)
	if err != nil {
		return Result{}, err
	}
	defer connections.close()

	tallies := make([]tally, l.Connections)
	var workers sync.WaitGroup
	for i, c := range connections {
		workers.Go(func() { l.work(ctx, c, i, &tallies[i], begin, end) })
	}
	l.markAt(ctx, begin)
	from := time.Now()
	l.markAt(ctx, end)
	elapsed := time.Since(from)
	workers.Wait()
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	return join(tallies, elapsed), nil
}

// work asks until the window is over. What was answered inside of it counts,
// even when it was asked before: as much again is cut off at its end.
func (l Closed) work(ctx context.Context, c *connection, place int, t *tally, begin, end time.Time) {
	asked := time.Now()
	for ctx.Err() == nil && asked.Before(end) {
		err := c.ask(ctx, &l.Requests[place%len(l.Requests)])
		t.note(err)
		answered := time.Now()
		if answered.After(begin) && answered.Before(end) {
			t.count(answered.Sub(asked), err)
		}
		if err != nil {
			time.Sleep(failurePause)
			answered = time.Now()
		}
		asked = answered
		place++
	}
}

func (l Closed) markAt(ctx context.Context, at time.Time) {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	if l.Mark != nil {
		l.Mark()
	}
}
