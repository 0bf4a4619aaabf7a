package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"time"
)

// The heap may grow by some room over what lives in it before garbage is
// collected. Room is memory that nobody uses; a collection looks at all that
// lives. So room is given only where it saves collections: as much as is
// allocated within collectEvery, within bounds.
//
// A server that is hot and has little in its heap makes most of mostRoom, at which
// the collector takes a twentieth of the processor (at Go's own 100 it is a
// fifth). One whose heap is full of idle conversations stays near leastRoom.
const (
	collectEvery = time.Second
	leastRoom    = 100      // percent of what lives
	mostRoom     = 400      // likewise
	freeRoom     = 32 << 20 // bytes that are given to any heap, as far as mostRoom allows
)

// heap is what the runtime tells of itself, in bytes.
type heap struct {
	allocated uint64 // since the start
	live      uint64 // after the last collection; zero before the first
}

// pace is how often garbage is collected. One goroutine uses it.
type pace struct {
	look func() heap
	set  func(percent int)

	before  heap
	rate    float64 // bytes a second that are allocated
	percent int
}

// pacing returns what keeps the collector's pace until its context ends, or nil
// where the operator has set GOGC or GOMEMLIMIT and keeps it himself.
func pacing(environment []string) func(context.Context) error {
	operators := func(variable string) bool {
		return strings.HasPrefix(variable, "GOGC=") || strings.HasPrefix(variable, "GOMEMLIMIT=")
	}
	if slices.ContainsFunc(environment, operators) {
		return nil
	}
	return newPace(lookAtHeap, func(percent int) { debug.SetGCPercent(percent) }).run
}

func newPace(look func() heap, set func(int)) *pace {
	return &pace{look: look, set: set, before: look()}
}

// run adjusts the pace until ctx ends.
func (p *pace) run(ctx context.Context) error {
	ticker := time.NewTicker(collectEvery)
	defer ticker.Stop()
	for {
		p.adjust()
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// adjust is called once in every collectEvery. More room is given at once when
// more is allocated, and taken back by and by. To set the percentage stops the
// world for a moment, so that small changes are left.
func (p *pace) adjust() {
	now := p.look()
	p.rate = max(float64(now.allocated-p.before.allocated)/collectEvery.Seconds(), p.rate/2)
	p.before = now
	percent := room(now.live, p.rate*collectEvery.Seconds())
	if change := percent - p.percent; max(change, -change) > p.percent/8 {
		p.set(percent)
		p.percent = percent
	}
}

// room is what the heap may grow by, in percent of what lives, when so much is
// soon to be allocated.
func room(live uint64, allocated float64) int {
	if live == 0 {
		return mostRoom
	}
	return int(min(max(leastRoom, max(allocated, freeRoom)/float64(live)*100), mostRoom))
}

func lookAtHeap() heap {
	samples := [...]metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(samples[:])
	return heap{allocated: samples[0].Value.Uint64(), live: samples[1].Value.Uint64()}
}
