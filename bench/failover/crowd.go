package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"example.com/parley/bench/program"
)

// crowd is clients that ask one question after the other, a number of requests
// in all.
type crowd struct {
	clients  int
	requests int
	pause    time.Duration // between two questions of a client
	stagger  time.Duration // over which the clients begin
}

// The crowds. A few clients with pauses leave the machine time, so that it is not
// each other that they wait for; where a request lasts as long as a limit of the
// server there are many.
const (
	fewAtOnce  = 2
	manyAtOnce = 16
	breath     = 2 * time.Millisecond
)

func crowdFor(f *fault, requests int) crowd {
	if f.limit > 0 {
		return crowd{clients: manyAtOnce, requests: requests, stagger: f.limit}
	}
	return crowd{clients: fewAtOnce, requests: requests, pause: breath}
}

// each calls do with the numbers from 0, until all have been or ctx ends.
func (c crowd) each(ctx context.Context, do func(n int)) {
	var taken atomic.Int64
	var clients sync.WaitGroup
	for i := range c.clients {
		clients.Go(func() {
			_ = program.Pause(ctx, c.stagger*time.Duration(i)/time.Duration(c.clients)) // the loop sees the end too
			for ctx.Err() == nil {
				n := int(taken.Add(1)) - 1
				if n >= c.requests {
					return
				}
				do(n)
				_ = program.Pause(ctx, c.pause)
			}
		})
	}
	clients.Wait()
}
