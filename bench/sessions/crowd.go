package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"example.com/parley/bench/program"
	"example.com/parley/bench/socket"
)

// crowd is connections that are held. Each has a goroutine that reads it.
type crowd struct {
	conns   []*socket.Conn
	readers sync.WaitGroup
	lost    atomic.Int64 // connections that the server ended, or the network
	why     atomic.Pointer[error]
	leaving atomic.Bool
}

// dialers is how many connections are made at a time.
const dialers = 64

// gather connects so many, and has each read with hear, which is called for each
// message by the connection's goroutine.
func (b *bench) gather(ctx context.Context, size int, change func(*socket.Options), hear func(n int, message []byte)) (*crowd, error) {
	c := &crowd{conns: make([]*socket.Conn, size)}
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var dialing sync.WaitGroup
	for range min(dialers, size) {
		dialing.Go(func() {
			for n := int(next.Add(1)) - 1; n < size && failed.Load() == nil; n = int(next.Add(1)) - 1 {
				o := b.caller(n)
				if change != nil {
					change(&o)
				}
				conn, err := dialPatiently(ctx, o)
				if err != nil {
					failed.Store(&err)
					return
				}
				c.hold(n, conn, hear)
			}
		})
	}
	dialing.Wait()
	if err := failed.Load(); err != nil {
		c.leave()
		return nil, fmt.Errorf("connect %d of %d: %w", next.Load(), size, *err)
	}
	return c, nil
}

// dialPatiently comes again when it is told to.
func dialPatiently(ctx context.Context, o socket.Options) (*socket.Conn, error) {
	for {
		conn, err := socket.Dial(ctx, o)
		refused, ok := errors.AsType[*socket.RefusedError](err)
		if !ok || refused.RetryAfter == 0 || refused.Status != http.StatusServiceUnavailable {
			return conn, err
		}
		if err := program.Pause(ctx, refused.RetryAfter); err != nil {
			return nil, err
		}
	}
}

// hold reads a connection until it ends.
func (c *crowd) hold(n int, conn *socket.Conn, hear func(int, []byte)) {
	c.conns[n] = conn
	c.readers.Go(func() {
		for {
			message, err := conn.Next()
			if err != nil {
				if !c.leaving.Load() {
					c.lost.Add(1)
					c.why.CompareAndSwap(nil, &err)
				}
				return
			}
			if hear != nil {
				hear(n, message)
			}
		}
	})
}

// leave ends all connections.
func (c *crowd) leave() {
	c.leaving.Store(true)
	for _, conn := range c.conns {
		if conn != nil {
			conn.Reset()
		}
	}
	c.readers.Wait()
}

// whole is an error where a connection was lost.
func (c *crowd) whole() error {
	if n := c.lost.Load(); n > 0 {
		return fmt.Errorf("%d connections were lost, the first: %w", n, *c.why.Load())
	}
	return nil
}

// settle is how long a server gets to be done with what it was asked, and a system
// with closing connections.
const settle = 2 * time.Second
