package fake

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"example.com/parley/messages"
)

// Config is how a server behaves until it is told otherwise.
type Config struct {
	Address   string    // host:port; empty: a free port of 127.0.0.1
	Behaviour Behaviour // of models whose name says nothing
	Models    []string  // that GET /v1/models lists; empty: some of both providers
	// TLS is spoken where it is given. A client that leaves a call which is silent
	// is then not noticed until the server closes.
	TLS *tls.Config
}

// Server is a running fake. All methods are safe for concurrent use.
type Server struct {
	cfg      Config
	http     *fasthttp.Server
	listener *listener
	served   chan error    // what Serve returned
	closing  chan struct{} // closed by Close: every pause ends
	close    func() error  // once

	calls    counter
	switches switchboard
	ids      atomic.Uint64 // replies so far: their ids are unique in a server, and small
}

// New returns a server that does not listen yet.
func New(cfg Config) *Server {
	if cfg.Address == "" {
		cfg.Address = "127.0.0.1:0"
	}
	if len(cfg.Models) == 0 {
		cfg.Models = []string{"gpt-fake", "claude-fake", "fake"}
	}
	s := &Server{cfg: cfg, served: make(chan error, 1), closing: make(chan struct{})}
	s.close = sync.OnceValue(s.stop)
	s.http = &fasthttp.Server{
		Handler:               s.route,
		Name:                  "fake",
		Logger:                silence{},
		ReadBufferSize:        16 << 10,
		MaxRequestBodySize:    64 << 20,
		NoDefaultContentType:  true,
		NoDefaultServerHeader: true,
		NoDefaultDate:         true,
		MaxIdleWorkerDuration: workerIdle,
	}
	return s
}

// workerIdle is also how long a goroutine of fasthttp sleeps before it sees that
// its server was closed: short, for tests that look for what is left running.
const workerIdle = 100 * time.Millisecond

// Start listens and serves until Close. ctx bounds no more than Start itself.
func (s *Server) Start(ctx context.Context) error {
	plain, err := new(net.ListenConfig).Listen(ctx, "tcp", s.cfg.Address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.cfg.Address, err)
	}
	s.listener = newListener(plain)
	var served net.Listener = s.listener
	if s.cfg.TLS != nil {
		served = tls.NewListener(s.listener, s.cfg.TLS)
	}
	go func() { s.served <- s.http.Serve(served) }() // Close ends it
	return nil
}

// Close ends every call at once and frees the port. It returns when the last
// goroutine has ended, and does nothing a second time.
func (s *Server) Close() error { return s.close() }

func (s *Server) stop() error {
	if s.listener == nil {
		return nil
	}
	close(s.closing)
	err := s.listener.Close()
	s.listener.dropAll()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if down := s.http.ShutdownWithContext(ctx); !errors.Is(down, net.ErrClosed) { // it closes the listener once more
		err = errors.Join(err, down)
	}
	return errors.Join(err, <-s.served)
}

// Address is host:port.
func (s *Server) Address() string { return s.listener.Addr().String() }

// URL is what an SDK of OpenAI takes as its base: http://host:port/v1. One of
// Anthropic takes it without /v1.
func (s *Server) URL() string {
	scheme := "http"
	if s.cfg.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + s.Address() + "/v1"
}

// Drop closes all connections at once, as a restart of the server would: a
// client that pools them finds out with its next request.
func (s *Server) Drop() { s.listener.dropAll() }

func (s *Server) newID() (id messages.TurnID) {
	binary.BigEndian.PutUint64(id[8:], s.ids.Add(1))
	return id
}

// silence keeps fasthttp from writing about clients that leave.
type silence struct{}

// Printf implements fasthttp.Logger.
func (silence) Printf(string, ...any) {}

// TB is what ForTest needs of a testing.TB.
type TB interface {
	Helper()
	Fatal(args ...any)
	Cleanup(f func())
}

// ForTest returns a server that runs until the test ends.
func ForTest(tb TB, cfg Config) *Server {
	tb.Helper()
	s := New(cfg)
	if err := s.Start(context.Background()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}
