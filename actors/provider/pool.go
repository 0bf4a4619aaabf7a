package provider

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"example.com/parley/messages/parking"
)

// pool keeps the connections to one server: at most as many as it has places,
// the one used last first. It is safe for concurrent use.
type pool struct {
	dial      func(ctx context.Context) (*connection, error)
	patience  time.Duration // for a place to come free, and for a dial
	idleAfter time.Duration
	places    chan struct{} // full of the connections in use

	mu     sync.Mutex
	idle   []*connection // the one used last is last
	sweep  *time.Timer   // runs while any is idle
	closed bool
}

// connection is one to the server, for one exchange at a time.
type connection struct {
	net.Conn              // with TLS where it is wanted
	raw      parking.Conn // below it: closing this one never waits
	ahead    *ahead       // between the two, where there is TLS; nil else
	ready    *readiness   // of raw; nil where that cannot be told
	used     bool         // for an exchange before this one
	since    time.Time
}

// get returns a connection, which the caller gives back with put or drop: one
// that was used before, if any is idle. It fails with errBusy when no place
// comes free in time, and with what the dial says else.
func (p *pool) get(ctx context.Context) (*connection, error) {
	select {
	case p.places <- struct{}{}:
	default:
		if err := p.wait(ctx); err != nil {
			return nil, err
		}
	}
	if c := p.take(); c != nil {
		return c, nil
	}
	return p.connect(ctx)
}

// getFresh returns a connection that was never used. Those that are idle are
// closed: it is asked for when one of them turned out to be dead.
func (p *pool) getFresh(ctx context.Context) (*connection, error) {
	p.closeIdle(time.Time{})
	if err := p.wait(ctx); err != nil {
		return nil, err
	}
	return p.connect(ctx)
}

// wait takes a place, once there is one.
func (p *pool) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.patience)
	defer cancel()
	select {
	case p.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return errBusy{ctx.Err()}
	}
}

// errBusy says that no place came free in time.
type errBusy struct{ error }

// connect dials for a place that was taken.
func (p *pool) connect(ctx context.Context) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, p.patience)
	defer cancel()
	c, err := p.dial(ctx)
	if err != nil {
		<-p.places
	}
	return c, err
}

// take returns an idle connection, or nil.
func (p *pool) take() *connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	c := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return c
}

// put gives a connection back that is fit for another exchange.
func (p *pool) put(c *connection) {
	c.used, c.since = true, time.Now()
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		p.drop(c)
		return
	}
	p.idle = append(p.idle, c)
	if len(p.idle) == 1 {
		p.sweepIn(p.idleAfter)
	}
	p.mu.Unlock()
	<-p.places
}

// drop gives back a connection that is not.
func (p *pool) drop(c *connection) {
	_ = c.raw.Close() // there is nothing to be done about a connection that will not close
	<-p.places
}

// sweepIn closes what is too long idle by then. p.mu is held.
func (p *pool) sweepIn(d time.Duration) {
	if p.sweep == nil {
		p.sweep = time.AfterFunc(d, p.sweepIdle)
		return
	}
	p.sweep.Reset(d)
}

func (p *pool) sweepIdle() {
	now := time.Now()
	p.closeIdle(now.Add(-p.idleAfter))
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) > 0 {
		p.sweepIn(p.idle[0].since.Add(p.idleAfter).Sub(now))
	}
}

// closeIdle closes the idle connections that were used last before the given
// time, or all for the zero time.
func (p *pool) closeIdle(before time.Time) {
	p.mu.Lock()
	n := slices.IndexFunc(p.idle, func(c *connection) bool { return !before.IsZero() && c.since.After(before) })
	if n < 0 {
		n = len(p.idle)
	}
	stale := slices.Clone(p.idle[:n])
	p.idle = slices.Delete(p.idle, 0, n)
	p.mu.Unlock()
	for _, c := range stale {
		_ = c.raw.Close() // it was of no use any more
	}
}

// counts tells how many connections there are.
func (p *pool) counts() (idle, busy int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle), len(p.places)
}

// close closes the idle connections, and those in use as they are given back.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	if p.sweep != nil {
		p.sweep.Stop()
	}
	p.mu.Unlock()
	p.closeIdle(time.Time{})
}
