package provider

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// record counts what a provider's calls came to, since ever. Its actor writes
// it, and whoever compares providers reads it.
type record struct {
	calls, failed, streams atomic.Int64
	wait                   atomic.Int64 // nanoseconds for the first tokens of the streams
}

// add takes in a call.
func (r *record) add(m *ended) {
	switch verdictOn(m.outcome) {
	case isGood:
		r.calls.Add(1)
	case isBad:
		r.calls.Add(1)
		r.failed.Add(1)
	default:
	}
	if m.firstToken > 0 {
		r.wait.Add(int64(m.firstToken))
		r.streams.Add(1)
	}
}

// reading is a record at one time.
type reading struct{ calls, failed, streams, wait int64 }

func (r *record) read() reading {
	return reading{calls: r.calls.Load(), failed: r.failed.Load(), streams: r.streams.Load(), wait: r.wait.Load()}
}

// comparer is the actor that compares the providers. It is their sibling, and
// tells theirs who is to go behind the others. What it knows is of the last
// minutes, and may be lost.
type comparer struct {
	providers *Providers
	cfg       OutlierConfig
	known     map[*Handle]*past
	stop      context.CancelFunc // its clock
}

// past is what the comparer knows of a provider.
type past struct {
	last  reading
	usual time.Duration // for a first token, over some dozen intervals
	looks int           // at which there were enough streams to tell what is usual
	times int           // that it stood out, less those that it did not
}

// eject tells a provider's actor that the provider goes behind the others.
type eject struct {
	cause  cause
	length time.Duration
}

// eject lasts until its time is over, or an operator's reset.
func (p *provider) eject(m *eject, now time.Time) {
	p.handle.metrics.ejected(m.cause)
	p.publish(func(next *health) { next.ejected = standing{cause: m.cause, until: now.Add(m.length)} })
}

// look has the comparer compare what the providers did since the last time.
type look struct{ at time.Time }

// Comparer returns the actor that compares the providers.
func (p *Providers) Comparer(cfg OutlierConfig) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor {
		return &comparer{providers: p, cfg: cfg, known: make(map[*Handle]*past)}
	})
}

// Receive implements actor.Actor.
func (c *comparer) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		c.start(ctx)
	case *look:
		c.look(m.at)
	case *actor.Stopping, *actor.Restarting:
		c.stop()
	}
}

// start takes the first readings, and starts the clock.
func (c *comparer) start(ctx actor.Context) {
	for _, h := range c.providers.Handles() {
		c.known[h] = &past{last: h.record.read()}
	}
	running, stop := context.WithCancel(context.Background())
	c.stop = stop
	root, self := ctx.ActorSystem().Root, ctx.Self()
	go tick(running, c.cfg.Interval, func(now time.Time) { root.Send(self, &look{at: now}) })
}

// tick calls do once in an interval until ctx ends.
func tick(ctx context.Context, interval time.Duration, do func(now time.Time)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			do(now)
		case <-ctx.Done():
			return
		}
	}
}

// look takes the samples of an interval, and acts on them.
func (c *comparer) look(now time.Time) {
	var handles []*Handle
	for _, h := range c.providers.Handles() {
		if h.settings.Kind != KindSimulated { // which is nobody's equal
			handles = append(handles, h)
		}
	}
	maps.DeleteFunc(c.known, func(h *Handle, _ *past) bool { return !slices.Contains(handles, h) }) // those that were replaced
	samples := make([]sample, len(handles))
	for i, h := range handles {
		samples[i] = c.sample(h, now)
	}
	found := outliers(samples, c.cfg)
	standsOut := make(map[int]bool, len(found))
	for _, o := range found {
		standsOut[o.at] = true
		c.eject(handles[o.at], o.cause)
	}
	for i, h := range handles {
		c.remember(h, samples[i], standsOut[i])
	}
}

func (c *comparer) eject(h *Handle, why cause) {
	was := c.known[h]
	was.times++
	h.tellActor(&eject{cause: why, length: min(time.Duration(was.times)*c.cfg.Time, c.cfg.MaxTime)})
}

// sample is what the provider did since the last look.
func (c *comparer) sample(h *Handle, now time.Time) sample {
	read, known := h.record.read(), h.health.Load()
	was := c.known[h]
	if was == nil { // it is new
		was = &past{}
		c.known[h] = was
	}
	s := sample{
		calls: int(read.calls - was.last.calls), failed: int(read.failed - was.last.failed),
		streams: int(read.streams - was.last.streams), wait: time.Duration(read.wait - was.last.wait),
		ejected: known.isEjected(now),
	}
	s.healthy = !s.ejected && !known.drained && known.standing.cause == causeNone
	if was.looks >= leastLooks {
		s.usual = was.usual
	}
	was.last = read
	return s
}

// leastLooks is how many intervals it takes to tell what is usual.
const leastLooks = 6

// remember takes an interval into account for the next ones.
func (c *comparer) remember(h *Handle, s sample, stoodOut bool) {
	was := c.known[h]
	if s.streams >= c.cfg.LeastCalls {
		was.usual = smooth(was.usual, s.wait/time.Duration(s.streams))
		was.looks++
	}
	if !stoodOut && s.healthy && s.calls >= c.cfg.LeastCalls {
		was.times = max(was.times-1, 0)
	}
}
