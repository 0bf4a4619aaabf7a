//go:build unix

package fake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
)

// blackHole is a listener that accepts nothing, and whose queue is full.
type blackHole struct {
	listener net.Listener
	queued   []net.Conn
}

// OpenBlackHole takes host:port, where every attempt to connect is then dropped
// by the kernel, as a firewall does, until the caller closes it.
func OpenBlackHole(ctx context.Context, address string) (io.Closer, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("open a black hole: %w", err)
	}
	h := &blackHole{listener: listener}
	if err := errors.Join(shorten(listener), h.fill(ctx, address)); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// shorten makes the listener's queue as short as can be.
func shorten(listener net.Listener) error {
	raw, err := listener.(*net.TCPListener).SyscallConn()
	if err != nil {
		return fmt.Errorf("shorten a queue: %w", err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = syscall.Listen(int(fd), 0) }); err != nil {
		return fmt.Errorf("shorten a queue: %w", err)
	}
	return failed
}

// fill connects until that takes too long.
func (h *blackHole) fill(ctx context.Context, address string) error {
	const most, patience = 64, 200 * time.Millisecond // loopback connects in microseconds
	dialer := net.Dialer{Timeout: patience}
	for range most {
		queued, err := dialer.DialContext(ctx, "tcp", address)
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			return nil
		}
		if err != nil {
			return fmt.Errorf("fill a queue: %w", err)
		}
		h.queued = append(h.queued, queued)
	}
	return fmt.Errorf("the queue of %s takes %d connections that nobody accepts, and more", address, most)
}

// Close implements io.Closer.
func (h *blackHole) Close() error {
	for _, queued := range h.queued {
		_ = queued.Close() // nobody is at the other end
	}
	return h.listener.Close()
}
