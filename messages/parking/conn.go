// Package parking has connections wait without a goroutine. Most of a server's
// connections have nothing to read at any time: clients between two messages, models
// between two tokens. A goroutine that waits for one costs 5 KB; a connection that is
// parked costs an entry in the kernel's epoll and one in a map.
//
// Whoever reads a connection parks it once there is nothing to read, and ends. The
// [Poller] resumes what is to be read. A [Reader] lends the buffer to read with for as
// long as there is something in it.
package parking

import (
	"net"
	"sync"
	"syscall"
)

// Conn is a connection that may be parked: nobody reads it then, and it resumes its
// reader once, when there is something to read or its end to be noticed. There is
// never more than one reader. Its methods are safe for concurrent use, but for those
// that read, which are the reader's.
type Conn struct {
	net.Conn
	poller *Poller         // nil where nothing is parked
	raw    syscall.RawConn // nil where the poller cannot wait for it

	mu     sync.Mutex
	id     uint64 // at the poller; 0 where that does not know it
	parked Waiter // nil while somebody reads it, or may
	stays  bool   // it is parked no more
}

// Waiter is who reads a connection, in the time in which nobody does.
type Waiter interface {
	// Resume has the connection read again, in another goroutine. It never blocks.
	Resume()
}

// Open makes c the connection conn, to be parked at p: nil for nowhere. It is called
// before c is used. What was read ahead of a connection is in nobody's sight, as with
// TLS; such a one is never parked.
func (c *Conn) Open(conn net.Conn, p *Poller) {
	c.Conn, c.poller = conn, p
	if bare, ok := conn.(syscall.Conn); ok && p != nil {
		if raw, err := bare.SyscallConn(); err == nil {
			c.raw = raw
		}
	}
}

// CanPark tells whether Park is worth a try.
func (c *Conn) CanPark() bool { return c.raw != nil }

// Park has w resumed, once, as soon as there is something to read: at once, where there
// is already. Where it returns true the next reader may be at it already, and the caller
// touches nothing that is its any more. Where it returns false the caller goes on.
func (c *Conn) Park(w Waiter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stays || c.raw == nil || c.poller.arm(c) != nil {
		return false
	}
	c.parked = w
	return true
}

// Wake resumes the reader of a connection that is parked.
func (c *Conn) Wake() { resume(c.take(false)) }

// Stay resumes the reader like Wake, and has the connection parked no more: it ends, or
// has a deadline, which somebody has to read for to notice.
func (c *Conn) Stay() { resume(c.take(true)) }

// take returns who is to be resumed; nil for nobody.
func (c *Conn) take(stays bool) Waiter {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stays = c.stays || stays
	w := c.parked
	c.parked = nil
	return w
}

func resume(w Waiter) {
	if w != nil {
		w.Resume()
	}
}

// Close implements net.Conn. The poller forgets the connection before another one can
// have its file descriptor, and its reader is resumed.
func (c *Conn) Close() error {
	defer c.Stay()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.id != 0 {
		c.poller.forget(c)
	}
	return c.Conn.Close()
}
