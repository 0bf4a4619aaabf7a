package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Batch asks so many requests and no more.
type Batch struct {
	Address     string // host:port
	Connections int
	Total       int
	Render      func(n int) Request // the n-th, from 0; called by many goroutines
	Within      time.Duration       // after which no more are asked
}

// Run makes the requests and returns what came of them. It returns an error
// where it cannot even connect, or ctx ends.
func (b Batch) Run(ctx context.Context) (Result, error) {
	began := time.Now()
	end := began.Add(b.Within)
	connections, err := newFleet(ctx, b.Address, b.Connections, end)
	if err != nil {
		return Result{}, err
	}
	defer connections.close()
	tallies := make([]tally, b.Connections)
	var taken atomic.Int64
	var workers sync.WaitGroup
	for i, c := range connections {
		workers.Go(func() { b.work(ctx, c, &tallies[i], &taken, end) })
	}
	workers.Wait()
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	return join(tallies, time.Since(began)), nil
}

func (b Batch) work(ctx context.Context, c *connection, t *tally, taken *atomic.Int64, end time.Time) {
	for ctx.Err() == nil {
		asked := time.Now()
		n := int(taken.Add(1)) - 1
		if n >= b.Total || asked.After(end) {
			return
		}
		request := b.Render(n)
		err := c.ask(ctx, &request)
		t.note(err)
		t.count(time.Since(asked), err)
		if err != nil {
			time.Sleep(failurePause)
		}
	}
}
