package http

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"example.com/parley/messages"
)

// The names that commands over a WebSocket have in metrics.
const (
	socketMethod  = "WS"
	socketPattern = "/v1/responses"
)

// The first words of subprotocols: browsers can name nothing else at a handshake.
const (
	ownProtocol  = "parley"
	ticketPrefix = "parley-ticket."
)

const (
	// readBuffer is all that a connection reads ahead. It has it while it is read,
	// and a control frame has room in it; what is larger is read past it.
	readBuffer = 512
	// openPatience bounds the end of a handshake: the answer, and the session.
	openPatience = 5 * time.Second
)

// openSession answers GET /v1/responses, which is where OpenAI's clients open
// their WebSockets.
func (s *Server) openSession(c *fiber.Ctx, x *exchange) error {
	hello, err := readHandshake(c)
	if err != nil {
		return err
	}
	spec, err := s.newTurn(c, x)
	if err != nil {
		return err
	}
	n := &session{
		server: s, address: x.address, asked: askedBy(&spec), opened: x.begun,
		deflate: s.cfg.Sessions.Deflate && offersDeflate(hello.Get("Sec-Websocket-Extensions")),
	}
	if s.core != nil {
		n.core = newCoreSide(n, coreHeader(c, x.address))
	}
	n.checked.Store(x.begun.UnixNano())
	who := x.principal
	n.who.Store(&who)
	if n.held, err = s.socketLimits.Connect(n.use()); err != nil {
		return err
	}
	if err := s.sockets.enter(n); err != nil {
		n.letGo()
		return err
	}
	hello.Set("X-Request-Id", x.id.String())
	x.handedOff = true
	s.metrics.observe(x, fasthttp.StatusSwitchingProtocols)
	s.logAccess(x, fasthttp.StatusSwitchingProtocols, 0)
	c.Context().HijackSetNoResponse(true)
	c.Context().Hijack(func(conn net.Conn) { n.begin(conn, hello) })
	return nil
}

// readHandshake copies what an upgrade is made of out of the request, and refuses
// what is none.
func readHandshake(c *fiber.Ctx) (http.Header, error) {
	hello := make(http.Header, 8)
	for _, name := range []string{
		"Connection", "Upgrade", "Sec-Websocket-Version", "Sec-Websocket-Key", "Sec-Websocket-Extensions", "Sec-Websocket-Protocol",
	} {
		if value := c.Request().Header.Peek(name); len(value) > 0 {
			hello.Set(name, string(value))
		}
	}
	if !strings.Contains(strings.ToLower(hello.Get("Connection")), "upgrade") || !strings.EqualFold(hello.Get("Upgrade"), "websocket") ||
		hello.Get("Sec-Websocket-Version") != "13" || hello.Get("Sec-Websocket-Key") == "" {
		c.Set(fiber.HeaderUpgrade, "websocket")
		c.Set("Sec-WebSocket-Version", "13")
		return nil, &messages.Failure{
			Code: messages.CodeUpgradeRequired, What: "this is no request for a WebSocket, version 13",
			Do: "open one here, or send POST /v1/responses", NoRetry: true,
		}
	}
	return hello, nil
}

// begin takes a connection over from the server, whose buffers it leaves behind,
// and has it read.
func (n *session) begin(hijacked net.Conn, hello http.Header) {
	conn := hijacked
	if held, ok := hijacked.(interface{ UnsafeConn() net.Conn }); ok {
		conn = held.UnsafeConn()
	}
	if err := n.open(hijacked, conn, hello); err != nil {
		_ = conn.Close()
		n.server.sockets.leave(n)
		return
	}
	if !n.park() {
		go n.read() // ends with the connection, or once that is parked
	}
}

func (n *session) open(hijacked, conn net.Conn, hello http.Header) (err error) {
	if err := sentNothing(hijacked); err != nil {
		return err
	}
	s, cfg := n.server, &n.server.cfg
	n.line.Open(conn, s.poller)
	n.line.metrics = &s.metrics.sessions
	n.line.heard.Store(time.Now().UnixNano())
	n.borrowBuffer()
	n.between = true
	n.out = outbox{conn: &n.line, limit: cfg.Sessions.Queue, stall: cfg.WriteStall, metrics: &s.metrics.sessions}
	if err := n.startActor(); err != nil {
		return err
	}
	upgrader := websocket.Upgrader{
		HandshakeTimeout: openPatience, WriteBufferPool: &writers,
		EnableCompression: n.deflate, CheckOrigin: func(*http.Request) bool { return true }, // greet has
	}
	answer := http.Header{"X-Request-Id": hello["X-Request-Id"]}
	if chosen := chooseProtocol(hello.Get("Sec-Websocket-Protocol")); chosen != "" {
		answer.Set("Sec-Websocket-Protocol", chosen)
	}
	n.socket, err = upgrader.Upgrade(&upgraded{conn: &n.line, in: &n.in.Reader}, &http.Request{Method: http.MethodGet, Header: hello}, answer)
	if err != nil {
		n.tell(&messages.EndSession{})
		return err
	}
	n.socket.SetReadLimit(int64(cfg.Sessions.MaxMessage))
	n.socket.SetPingHandler(n.pong)
	n.socket.SetPongHandler(n.ponged)
	s.sockets.watch(n)
	return nil
}

// startActor waits for the session's actor, which takes microseconds.
func (n *session) startActor() error {
	if n.core != nil {
		n.tell = n.core.tell
		return nil
	}
	m := &messages.OpenSession{Client: n, Reply: make(chan messages.SessionOpened, 1)}
	if err := n.server.sessions.OpenSession(m); err != nil {
		return err
	}
	patience := time.NewTimer(openPatience)
	defer patience.Stop()
	select {
	case opened := <-m.Reply:
		n.tell = opened.Tell
		return opened.Err
	case <-patience.C:
		return errors.New("no session was opened in time")
	}
}

// sentNothing makes sure that a client has waited for the answer, as it must. What
// it sent before would be in a buffer of the server's, which is not kept.
func sentNothing(hijacked net.Conn) error {
	if err := hijacked.SetReadDeadline(time.Unix(1, 0)); err != nil {
		return err
	}
	n, _ := hijacked.Read(make([]byte, 1)) // the time for it has passed: it reads what is buffered, and nothing else
	if n > 0 {
		return errors.New("the client did not wait for the handshake")
	}
	return hijacked.SetReadDeadline(time.Time{})
}

// chooseProtocol answers the subprotocols that a client offers: a browser closes a
// connection whose server knows none of them. A ticket that was let in is worth
// nothing any more, so that it may be repeated.
func chooseProtocol(offered string) string {
	fallback := ""
	for name := range strings.SplitSeq(offered, ",") {
		name = strings.TrimSpace(name)
		if name == ownProtocol {
			return name
		}
		if fallback == "" && strings.HasPrefix(name, ticketPrefix) {
			fallback = name
		}
	}
	return fallback
}

// writers keeps the WebSocket library from giving every connection a buffer to
// write with, which it never uses: frames are written by an outbox.
var writers = sync.Pool{}

// upgraded hands a connection to the library, whose other way in keeps the
// server's buffers for as long as the connection lives.
type upgraded struct {
	conn   net.Conn
	in     *bufio.Reader // the library reads with it, as it is large enough
	header http.Header
}

// Header implements http.ResponseWriter.
func (u *upgraded) Header() http.Header {
	if u.header == nil {
		u.header = make(http.Header)
	}
	return u.header
}

// Write implements http.ResponseWriter. The handshake was checked: there is nothing
// to refuse.
func (u *upgraded) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader implements http.ResponseWriter.
func (u *upgraded) WriteHeader(int) {}

// Hijack implements http.Hijacker.
func (u *upgraded) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return u.conn, bufio.NewReadWriter(u.in, bufio.NewWriterSize(u.conn, readBuffer)), nil
}
