package http

import "example.com/parley/messages/parking"

// park leaves a connection to the poller while nothing of it is to be done: it tells
// whether the reading goroutine is to end, which holds nothing of it any more.
func (n *session) park() bool {
	if !n.line.CanPark() || !n.between || n.in.Buffered() > 0 {
		return false
	}
	n.in.GiveBack()
	if n.line.Park(n) {
		return true
	}
	n.borrowBuffer()
	return false
}

// Resume implements parking.Waiter.
func (n *session) Resume() { go n.read() } // ends with the connection, or once that is parked again

// readers are lent to connections while they are read.
var readers = parking.NewBuffers(readBuffer)

// borrowBuffer gives a connection something to read with.
func (n *session) borrowBuffer() { n.in.Borrow(readers, &n.line) }
