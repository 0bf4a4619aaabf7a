package provider

import (
	"net"
	"syscall"
)

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
