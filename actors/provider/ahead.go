package provider

import (
	"errors"
	"net"

	"example.com/parley/messages/parking"
)

// ahead is a connection as the TLS above it reads it. TLS reads ahead, and does not tell
// whether there is anything left of that: so it is asked to read on while it gets nothing
// new. One goroutine reads it.
type ahead struct {
	*parking.Conn

	held bool // nothing new is read
}

// Read implements net.Conn.
func (a *ahead) Read(p []byte) (int, error) {
	if a.held {
		return 0, errNothingYet
	}
	return a.Conn.Read(p)
}

// errNothingYet is what TLS gets that has read all that has come. It says that it is
// temporary: behind any other error TLS would read no more.
var errNothingYet error = nothingYet{}

type nothingYet struct{}

var _ net.Error = nothingYet{}

// Error implements error.
func (nothingYet) Error() string { return "nothing has come yet" }

// Timeout implements net.Error.
func (nothingYet) Timeout() bool { return true }

// Temporary implements net.Error.
func (nothingYet) Temporary() bool { return true }

// isReadAhead tells whether something was read ahead of a connection with TLS, and then
// is in the exchange's buffer.
func (x *exchange) isReadAhead() bool {
	a := x.connection.ahead
	if a == nil {
		return false
	}
	x.borrow()
	a.held = true
	_, err := x.reader.Peek(1)
	a.held = false
	return !errors.Is(err, errNothingYet)
}
