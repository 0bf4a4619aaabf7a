package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// Gate is the core's one address for edge nodes. What comes over it is sorted by what
// both sides agreed on in TLS: questions of the nodes', and requests of their clients.
type Gate struct {
	listener net.Listener
	config   *tls.Config
	control  *side
	carried  *side
	late     *side // requests that come when nobody takes them any more
	shaking  sync.WaitGroup
}

// handshakePatience bounds a handshake, and how long a connection waits to be taken.
const handshakePatience = 5 * time.Second

// NewGate listens behind a listener. server is what the core shows, and whom it lets
// in.
func NewGate(listener net.Listener, server *tls.Config) *Gate {
	config := server.Clone()
	config.NextProtos = []string{controlProtocol, carryProtocol}
	side := func() *side {
		return &side{address: listener.Addr(), conns: make(chan net.Conn), closed: make(chan struct{})}
	}
	return &Gate{listener: listener, config: config, control: side(), carried: side(), late: side()}
}

// Close lets go of the address.
func (g *Gate) Close() { _ = g.listener.Close() }

// Control is where edge nodes ask.
func (g *Gate) Control() net.Listener { return g.control }

// Carried has the requests of clients.
func (g *Gate) Carried() net.Listener { return g.carried }

// Run takes connections until ctx ends.
func (g *Gate) Run(ctx context.Context) error {
	defer g.shaking.Wait()
	refusing := &http.Server{Handler: http.HandlerFunc(refuse), ReadHeaderTimeout: handshakePatience}
	g.shaking.Go(func() { _ = refusing.Serve(g.late) }) // ends with refusing
	defer refusing.Close()                              //nolint:errcheck // it has nothing to lose
	stop := context.AfterFunc(ctx, func() {
		_ = g.listener.Close()
		_ = refusing.Close()
	})
	defer stop()
	for {
		conn, err := g.listener.Accept()
		switch {
		case err == nil:
			g.shaking.Go(func() { g.sort(ctx, conn) })
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		default: // too many files are open, or the like
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// sort hands a connection on, once it is known whose it is.
func (g *Gate) sort(ctx context.Context, conn net.Conn) {
	secured := tls.Server(conn, g.config)
	ctx, release := context.WithTimeout(ctx, handshakePatience)
	defer release()
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return
	}
	to := g.carried
	if secured.ConnectionState().NegotiatedProtocol == controlProtocol {
		to = g.control
	}
	if !to.take(ctx, &wire{Conn: secured}) && (to != g.carried || !g.late.take(ctx, &wire{Conn: secured})) {
		_ = conn.Close()
	}
}

// refuse says that nobody takes a request any more, so that it may go to another
// server: one that finds a connection which just ends may have begun.
func refuse(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Connection", "close")
	w.WriteHeader(http.StatusServiceUnavailable)
}

// side is a listener for some of the connections.
type side struct {
	address net.Addr
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// take hands a connection on to who accepts it; false where nobody does.
func (s *side) take(ctx context.Context, conn net.Conn) bool {
	select {
	case <-s.closed:
		return false
	default:
	}
	select {
	case s.conns <- conn:
		return true
	case <-s.closed:
	case <-ctx.Done():
	}
	return false
}

// Accept implements net.Listener.
func (s *side) Accept() (net.Conn, error) {
	select {
	case conn := <-s.conns:
		return conn, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (s *side) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// Addr implements net.Listener.
func (s *side) Addr() net.Addr { return s.address }

// wire is a connection whose end can be seen without reading it: it ends as TCP does,
// and not with a message of TLS, which would wait to be read. Whatever goes over it
// says by itself where it ends.
type wire struct{ *tls.Conn }

// Close implements net.Conn.
func (w *wire) Close() error { return w.NetConn().Close() }

// SyscallConn implements syscall.Conn.
func (w *wire) SyscallConn() (syscall.RawConn, error) {
	conn, ok := w.NetConn().(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return conn.SyscallConn()
}
