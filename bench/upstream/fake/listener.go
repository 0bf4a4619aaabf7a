package fake

import (
	"fmt"
	"net"
	"sync"
)

// listener keeps the connections that it accepted, so that they can be closed.
type listener struct {
	net.Listener

	mu   sync.Mutex
	open map[*conn]struct{}
}

func newListener(l net.Listener) *listener {
	return &listener{Listener: l, open: make(map[*conn]struct{})}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tcp, ok := accepted.(*net.TCPConn)
	if !ok {
		return nil, fmt.Errorf("accepted a %T", accepted)
	}
	c := &conn{TCPConn: tcp, listener: l}
	l.mu.Lock()
	l.open[c] = struct{}{}
	l.mu.Unlock()
	return c, nil
}

func (l *listener) forget(c *conn) {
	l.mu.Lock()
	delete(l.open, c)
	l.mu.Unlock()
}

func (l *listener) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

// dropAll closes every connection.
func (l *listener) dropAll() {
	l.mu.Lock()
	open := make([]*conn, 0, len(l.open))
	for c := range l.open {
		open = append(open, c)
	}
	l.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
}

// conn is a client's connection.
type conn struct {
	*net.TCPConn
	listener *listener
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.listener.forget(c)
	return c.TCPConn.Close()
}

// reset closes the connection with a TCP reset.
func (c *conn) reset() {
	_ = c.SetLinger(0)
	_ = c.Close()
}
