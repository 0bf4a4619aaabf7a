package cluster

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"example.com/parley/messages"
	"example.com/parley/messages/remote"
)

// wire is where the other nodes reach this one, and how it reaches them. Its methods are
// safe for concurrent use.
type wire struct {
	self     messages.MemberID
	address  string // as the others see it
	listener net.Listener
	client   *tls.Config   // for calling a node; nil without TLS
	server   *tls.Config   // for being called, likewise
	events   linkEvents    // set by open
	over     chan struct{} // closed with the wire

	mu    sync.Mutex
	links map[*link]struct{} // nil once the wire is closed
	parts sync.WaitGroup
}

// linkEvents is who is told what becomes of links. Both are called by one goroutine of a
// link's, and ended is the last.
type linkEvents struct {
	heard func(from *link, frame *remote.Frame)
	ended func(l *link)
}

const (
	// connectPatience is for a connection to a node until both have said who they are.
	connectPatience = 2 * time.Second
	// mostLinks bounds the connections of a node: two to each of the others.
	mostLinks = 1024
	// acceptPause is how long to wait where no connection can be taken, such as for want
	// of files.
	acceptPause = 100 * time.Millisecond
)

var (
	errWireClosed   = errors.New("this node ends")
	errTooManyLinks = fmt.Errorf("there are %d connections to other nodes", mostLinks)
)

// listen takes the address. Who calls waits until the wire is opened.
func listen(cfg Config, self messages.MemberID) (*wire, error) {
	w := &wire{self: self, over: make(chan struct{}), links: make(map[*link]struct{})}
	var err error
	if cfg.TLS.isSet() {
		if w.client, w.server, err = Mutual(cfg.TLS); err != nil {
			return nil, err
		}
		w.server.VerifyConnection = onlyNodes
	}
	if w.listener, err = net.Listen("tcp", cfg.Listen); err != nil { //nolint:noctx // it takes no time
		return nil, err
	}
	if w.address = cfg.Advertise; w.address == "" {
		w.address = w.listener.Addr().String()
	}
	return w, nil
}

// open lets others in.
func (w *wire) open(events linkEvents) {
	w.events = events
	w.parts.Go(w.accept)
}

// accept ends with the listener.
func (w *wire) accept() {
	for {
		conn, err := w.listener.Accept()
		switch {
		case err == nil:
			w.take(conn)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			select {
			case <-time.After(acceptPause):
			case <-w.over:
				return
			}
		}
	}
}

// take has a caller be heard, once it has said who it is.
func (w *wire) take(conn net.Conn) {
	l := newLink(w.self, "", w.events)
	if err := w.keep(l, func() { l.run(guardedBy(w.server, tls.Server, conn)) }); err != nil {
		_ = conn.Close()
	}
}

// call connects to a node, and returns at once: what is sent meanwhile waits. Where it
// cannot be reached the link ends.
func (w *wire) call(peer messages.MemberID, address string) *link {
	l := newLink(w.self, peer, w.events)
	l.say(helloFrame(&remote.Hello{From: string(w.self), To: string(peer)}))
	err := w.keep(l, func() {
		conn, err := (&net.Dialer{Timeout: connectPatience}).DialContext(l.ctx, "tcp", address)
		if err != nil {
			l.end(err)
			return
		}
		l.run(guardedBy(w.client, tls.Client, conn))
	})
	if err != nil {
		l.end(err)
		w.events.ended(l)
	}
	return l
}

// keep runs a link, and says when it has ended.
func (w *wire) keep(l *link, run func()) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.links == nil:
		return errWireClosed
	case len(w.links) == mostLinks:
		return errTooManyLinks
	}
	w.links[l] = struct{}{}
	w.parts.Go(func() {
		run()
		w.drop(l)
		w.events.ended(l)
	})
	return nil
}

func (w *wire) drop(l *link) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.links, l)
}

// closePatience is how long what was sent may take to arrive before a link is closed.
const closePatience = time.Second

// close has all links say what they were given to say, ends them, and waits for them.
func (w *wire) close() {
	_ = w.listener.Close()
	w.mu.Lock()
	open := w.links
	w.links = nil
	w.mu.Unlock()
	if open != nil {
		close(w.over)
	}
	patience := time.AfterFunc(closePatience, func() {
		for l := range open {
			l.end(errWireClosed)
		}
	})
	defer patience.Stop()
	for l := range open {
		l.finish()
	}
	w.parts.Wait()
}

// guardedBy has a connection be one of TLS, where the configuration is not nil.
func guardedBy(cfg *tls.Config, as func(net.Conn, *tls.Config) *tls.Conn, conn net.Conn) (bare, guarded net.Conn) {
	if cfg == nil {
		return conn, conn
	}
	return conn, as(conn, cfg)
}

func randomHex() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
