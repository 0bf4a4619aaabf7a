package http

import (
	"context"
	"sync"
	"time"

	"example.com/parley/messages"
)

// Draining is how far the server is with taking no more work.
type Draining struct {
	Until   time.Time // when what still runs then is cut; zero while the server takes work
	Running int       // requests and streams that are left
	Final   bool      // it cannot be undone any more
}

// drains knows whether the server takes work. An operator's drain ends the process
// once nothing runs, or when its time is over, and can be undone until then. It is
// safe for concurrent use; run is its goroutine.
type drains struct {
	running *running
	tellAll func()        // announces a drain to connections that stay open by themselves; it does not block
	stop    func()        // ends the process
	changed chan struct{} // capacity 1

	mu    sync.Mutex
	until time.Time
	final bool
}

func newDrains(r *running, tellAll, stop func()) *drains {
	return &drains{running: r, tellAll: tellAll, stop: stop, changed: make(chan struct{}, 1)}
}

// begin takes no more work, and has what runs cut at the moment. A drain that has
// begun already gets the new moment.
func (d *drains) begin(until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.final {
		d.until = until
		d.close()
		d.tell()
	}
}

// undo takes work again, unless it is too late for that.
func (d *drains) undo() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.final {
		return false
	}
	d.until = time.Time{}
	d.running.open()
	d.tell()
	return true
}

// finish is begin for a process that ends: it cannot be undone. A drain that an
// operator began keeps its moment.
func (d *drains) finish(until time.Time) (cutAt time.Time, idle <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.until.IsZero() {
		d.until = until
	}
	d.final = true
	return d.until, d.close()
}

// close lets nobody in any more, and tells those who are in. The lock is held.
func (d *drains) close() (idle <-chan struct{}) {
	first := !d.running.isClosing()
	idle = d.running.close()
	if first {
		d.tellAll()
	}
	return idle
}

func (d *drains) state() Draining {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Draining{Until: d.until, Running: d.running.left(), Final: d.final}
}

// tell has run look again. The lock is held.
func (d *drains) tell() {
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// watching returns what an operator's drain waits for; nil for nothing.
func (d *drains) watching() (idle <-chan struct{}, left time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.until.IsZero() {
		return nil, longestIdle
	}
	return d.running.close(), time.Until(d.until)
}

// run ends the process when an operator's drain is over. It returns then, or when
// ctx ends.
func (d *drains) run(ctx context.Context) {
	for {
		idle, left := d.watching()
		timer := time.NewTimer(left)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-d.changed:
		case <-idle:
		case <-timer.C:
		}
		timer.Stop()
		if d.isOver() {
			d.stop()
			return
		}
	}
}

// isOver tells whether a drain has nothing left to wait for, which makes it final.
func (d *drains) isOver() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.until.IsZero() || d.final {
		return false
	}
	d.final = d.running.left() == 0 || !time.Now().Before(d.until)
	return d.final
}

// Drain takes no more work, and ends the process once nothing runs, or has run for
// so long; 0 stands for what the configuration says. It is safe for concurrent
// use, like the two below.
func (s *Server) Drain(patience time.Duration) Draining {
	if patience <= 0 {
		patience = s.cfg.DrainTimeout
	}
	s.drains.begin(time.Now().Add(patience))
	return s.Draining()
}

// Undrain takes work again. It fails once the process ends.
func (s *Server) Undrain() (Draining, error) {
	if !s.drains.undo() {
		return s.Draining(), &messages.Failure{
			Code: messages.CodeShuttingDown, What: "the server ends already", Do: "start it again", NoRetry: true,
		}
	}
	return s.Draining(), nil
}

// Draining tells how far a drain is.
func (s *Server) Draining() Draining { return s.drains.state() }
