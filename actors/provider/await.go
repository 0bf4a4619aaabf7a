package provider

import (
	"net"
	"syscall"
	"time"

	"example.com/parley/messages/parking"
)

// await returns false when there may be something to read of a stream that has nothing
// of what it takes to read an event meanwhile, neither stack nor buffers. What is there
// already, and what it cannot wait for, is read at once. Where events are far apart it
// does not wait: it returns true, and w is resumed in its place, for which the next
// call does nothing.
func (s *stream) await(w parking.Waiter) (parked bool) {
	ready := s.exchange.connection.ready
	if s.awaited || ready == nil || s.next < len(s.queue) || s.err != nil || !s.events.Rest() || !s.exchange.rest() {
		return false
	}
	patience := s.timeouts.next(s.began)
	if patience <= 0 {
		return false
	}
	s.exchange.wait(patience)
	s.awaited = true
	if s.exchange.isSlow() {
		s.queue, s.next = nil, 0 // which is empty, and made anew as seldom
		if s.exchange.park(w) {
			return true
		}
	}
	ready.await()
	return false
}

// rest tells whether nothing of the body is to be had without waiting, and then holds
// no buffer. Of a body that is not chunked it is not known here whether anything is to
// follow.
func (x *exchange) rest() bool {
	if x.closed || x.ended || x.reader.Buffered() > 0 || x.body.chunks == nil || x.isReadAhead() {
		return false
	}
	x.reader.GiveBack()
	return true
}

// parkFrom is how far apart events are that are worth to be parked between. That takes
// two calls of the system and two goroutines that begin, which is nothing of that time;
// a goroutine that waits holds 5 KB.
const parkFrom = 100 * time.Millisecond

// isSlow tells whether what came last took long.
func (x *exchange) isSlow() bool { return x.pause >= parkFrom }

// park has w resumed when there is something to read, or the time for it is over.
// Behind that nobody but w uses the exchange.
func (x *exchange) park(w parking.Waiter) bool {
	conn := &x.connection.raw
	if w == nil || !conn.CanPark() {
		return false
	}
	if x.alarm == nil {
		x.alarm = time.AfterFunc(time.Until(x.readBy), conn.Wake)
	}
	return conn.Park(w)
}

// readiness waits for a connection without a buffer to read into. One goroutine uses
// it.
type readiness struct {
	socket syscall.RawConn
	check  func(fd uintptr) bool // look, once for all
	woken  bool
}

// readinessOf returns nil for a connection that can only be waited for by reading it.
func readinessOf(c net.Conn) *readiness {
	known, ok := c.(syscall.Conn)
	if !ok || !canPeek {
		return nil
	}
	socket, err := known.SyscallConn()
	if err != nil {
		return nil
	}
	r := &readiness{socket: socket}
	r.check = r.look
	return r
}

// await returns when there is something to read, or an end, or the time for it is
// over. What is wrong with the connection it leaves to who reads.
func (r *readiness) await() {
	r.woken = false
	_ = r.socket.Read(r.check)
}

// look is called before the wait and behind it. Whoever was woken need not ask why: a
// read that follows tells.
func (r *readiness) look(fd uintptr) bool {
	if r.woken {
		return true
	}
	r.woken = true
	return hasSomething(fd)
}
