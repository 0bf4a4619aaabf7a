package admission

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"example.com/parley/messages"
)

// observeEvery is how long a window is. Ten readings a second cost a few hundred
// microseconds together.
const observeEvery = 100 * time.Millisecond

// observed is what the process was seen to have to do, for whoever asks.
type observed struct {
	limit  atomic.Int64 // turns at once
	shed   atomic.Int32 // classes that are refused for want of memory, the lowest first
	delay  atomic.Int64 // nanoseconds
	memory atomic.Int64 // bytes
}

// refuses tells whether a class is refused for want of memory.
func (o *observed) refuses(class messages.Priority) bool {
	return int(class)+int(o.shed.Load()) >= messages.Priorities
}

// Observe notices what tenants take, moves the limit of turns, and sheds classes while
// memory is short, until ctx ends. passed tells how many chunks the turns of this
// process have passed on so far. processors is how many the process may use all the
// time, where that is less than there are, and 0 where it is not.
func (g *Gate) Observe(ctx context.Context, passed func() int64, processors float64) {
	ticker := time.NewTicker(observeEvery)
	defer ticker.Stop()
	own, limit := newProcess(processors), newAdaptive(g.cfg.MaxRunning, runtime.GOMAXPROCS(0))
	done := func() int64 { return passed() + g.ended.Load() }
	before := done()
	for windows := 1; ; windows++ {
		select {
		case <-ticker.C:
			if windows%moveEvery == 0 {
				g.room.move(g.Limit())
				g.nudge()
			}
			if !g.cfg.Adaptive {
				continue
			}
			r := own.read()
			r.running = g.Running()
			now := done()
			r.work, before = now-before, now
			g.heed(r, limit.learn(r))
		case <-ctx.Done():
			return
		}
	}
}

// heed does what a reading asks for.
func (g *Gate) heed(r reading, limit int64) {
	o := &g.observed
	o.delay.Store(int64(r.delay))
	o.memory.Store(r.memory)
	before := int(o.shed.Load())
	classes := shed(r, before)
	o.shed.Store(int32(classes)) // #nosec G115 -- at most three
	grown := limit > o.limit.Swap(limit)
	switch {
	case classes > before && g.Waiting() > 0:
		g.tell(shedding{})
	case grown:
		g.nudge()
	}
}
