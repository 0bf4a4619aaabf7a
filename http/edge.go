package http

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// Core is the servers behind an edge node. cluster/edge implements it.
type Core interface {
	// RoundTrip brings a request there. Its errors are *messages.Failure.
	http.RoundTripper
	// Dial makes a connection for what goes on behind its request.
	Dial(ctx context.Context) (net.Conn, error)
	// Standing fails with CodeEdgeCutOff once what the node knows is too old to answer
	// by it.
	Standing() error
	// Want has a reply fetched that the core answered with. It never waits.
	Want(tenant messages.TenantID, entry messages.CacheEntryID)
	// Name is the node's.
	Name() string
}

// edgeHeader says which edge node answered, or forwarded.
const edgeHeader = "x-parley-edge"

// admitAtEdge is admit on an edge node: who may come in is known here, and what is not
// cached here the core answers.
func (s *Server) admitAtEdge(c *fiber.Ctx, x *exchange, r route) (err error) {
	c.Set(edgeHeader, s.core.Name())
	if err := s.core.Standing(); err != nil {
		return err
	}
	x.address = s.clientAddress(c)
	if x.principal, err = s.authenticate(c, &r, x.address); err != nil {
		return s.whileCutOff(err)
	}
	if asksForATurn(&r) {
		if err := s.look(c, x); err != nil {
			return err
		}
	}
	if err := checkPath(c, r.pattern); err != nil {
		return err
	}
	switch {
	case r.access&socket != 0 || r.pattern == ticketPattern:
		return r.handle(c, x)
	case asksForATurn(&r) && mayBeCached(c):
		if err := r.handle(c, x); !errors.Is(err, messages.ErrNotCached) {
			return err
		}
	}
	return s.forward(c, x)
}

// whileCutOff makes a key that the core alone knows no fault of the store's.
func (s *Server) whileCutOff(err error) error {
	if messages.CodeOf(err) == messages.CodeStoreUnavailable {
		return messages.CutOff(err)
	}
	return err
}

// mayBeCached tells whether a request is worth a look at all: what is tried again
// under a key is the core's to remember.
func mayBeCached(c *fiber.Ctx) bool {
	header := &c.Request().Header
	encoding := header.ContentEncoding()
	return len(header.Peek(idempotencyHeader)) == 0 && (len(encoding) == 0 || string(encoding) == "identity")
}

// vouched is a listener for edge nodes, which say who their clients are: the core
// knows them by their certificates.
type vouched struct {
	net.Listener
	close func() error // once, whoever is first
}

// Close implements net.Listener.
func (v vouched) Close() error { return v.close() }

// Accept implements net.Listener.
func (v vouched) Accept() (net.Conn, error) {
	conn, err := v.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &edgeConn{Conn: conn}, nil
}

// edgeConn is a connection of an edge node's.
type edgeConn struct{ net.Conn }

// SyscallConn implements syscall.Conn, by which a client that has gone is found.
func (e *edgeConn) SyscallConn() (syscall.RawConn, error) {
	conn, ok := e.Conn.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return conn.SyscallConn()
}

// edgeLinger is how long a server that stops goes on to refuse what edge nodes forward.
// They hear of it within 50 ms and the way there; until then their requests go over
// connections that they keep, and one that finds its connection closed may have begun,
// for all that they know, and is not sent to the next server.
const edgeLinger = 500 * time.Millisecond

// ServeEdges answers the requests that edge nodes forward on a listener, until Run
// ends.
func (s *Server) ServeEdges(ctx context.Context, ln net.Listener) error {
	s.servesEdges.Store(true)
	v := vouched{Listener: ln, close: sync.OnceValue(ln.Close)}
	stop := context.AfterFunc(ctx, func() { _ = v.Close() })
	defer stop()
	if err := s.wire.Serve(v); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}
