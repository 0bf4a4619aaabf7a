package http_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

// socketLimits lets so many connections be and messages pass; all where nobody says
// how many.
type socketLimits struct {
	mu                    sync.Mutex
	connections, messages int // 0 for no limit
	open, passed          int
}

func (l *socketLimits) Connect(messages.LimitUse) (messages.LimitHold, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.connections > 0 && l.open == l.connections {
		return nil, &messages.Failure{Code: messages.CodeRateLimited, What: "too many connections", Do: "wait"}
	}
	l.open++
	return l, nil
}

func (l *socketLimits) Message(messages.LimitUse) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.passed++; l.messages > 0 && l.passed > l.messages {
		return &messages.Failure{Code: messages.CodeRateLimited, What: "too many messages", Do: "wait"}
	}
	return nil
}

func (l *socketLimits) Settle(int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
}

// lanes is a session in the place of the actors: a turn begins when the one before
// it on its lane has ended.
type lanes struct {
	client  messages.SessionClient
	gone    bool
	leave   func()
	running sync.WaitGroup

	mu       sync.Mutex
	flying   int
	draining bool
	cancels  map[messages.Lane]func()
	leaves   []func()
	ends     map[messages.Lane]chan struct{} // of the newest turn
	last     *messages.Remembered
}

// opener opens such sessions.
type opener struct{}

func (opener) OpenSession(m *messages.OpenSession) error {
	l := &lanes{client: m.Client, cancels: make(map[messages.Lane]func()), ends: make(map[messages.Lane]chan struct{})}
	l.leave = sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.gone = true
		for _, leave := range l.leaves {
			leave()
		}
	})
	m.Reply <- messages.SessionOpened{Tell: l.tell}
	return nil
}

func (l *lanes) tell(m any) {
	switch m := m.(type) {
	case *messages.LaneTurn:
		l.serve(m)
	case *messages.CancelLane:
		l.mu.Lock()
		l.cancels[m.Lane]()
		l.mu.Unlock()
	case *messages.Steering:
		l.client.Steered(m, messages.SteerUnknown)
	case *messages.DrainSession:
		l.mu.Lock()
		l.draining = true
		idle := l.flying == 0
		l.mu.Unlock()
		if idle {
			l.client.Finish()
		}
	case *messages.EndSession:
		l.leave()
		l.running.Wait()
	}
}

func (l *lanes) serve(t *messages.LaneTurn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cancels[t.Lane] = func() {
		t.Cancelled.Give()
		t.Changed()
	}
	leave := func() {
		t.Gone.Give()
		t.Changed()
	}
	if l.leaves = append(l.leaves, leave); l.gone {
		leave()
	}
	before, ended := l.ends[t.Lane], make(chan struct{})
	l.ends[t.Lane] = ended
	l.flying++
	l.running.Go(func() {
		defer close(ended)
		if before != nil {
			<-before
		}
		l.recall(t)
		served := make(chan messages.LaneOutcome, 1)
		l.client.Serve(t, func(outcome messages.LaneOutcome) { served <- outcome })
		outcome := <-served
		l.mu.Lock()
		if outcome.Remembered != nil {
			l.last = outcome.Remembered
		}
		l.flying--
		last := l.draining && l.flying == 0
		l.mu.Unlock()
		if last {
			l.client.Finish()
		}
	})
}

// recall finds what the connection alone remembers of what a turn goes on from.
func (l *lanes) recall(t *messages.LaneTurn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last != nil && strings.HasSuffix(t.Previous, l.last.ID.String()) {
		t.Remembered = l.last
	}
}

// socket opens a WebSocket with the member's key, unless headers say otherwise.
func (w *world) socket(headers ...string) *connection {
	w.tb.Helper()
	c, refused := w.tryDial(nil, headers...)
	if c == nil {
		w.tb.Fatalf("refused with %d: %s", refused.status, refused.body)
	}
	return c
}

// tryDial returns the connection, or how it was refused.
func (w *world) tryDial(change func(*websocket.Dialer), headers ...string) (*connection, reply) {
	w.tb.Helper()
	header := http.Header{"Authorization": {"Bearer " + memberKey}}
	for pair := range slices.Chunk(headers, 2) {
		header.Set(pair[0], pair[1])
		if pair[1] == "" {
			header.Del(pair[0])
		}
	}
	dialer := &websocket.Dialer{HandshakeTimeout: 10 * time.Second}
	if change != nil {
		change(dialer)
	}
	conn, resp, err := dialer.DialContext(w.tb.Context(), "ws://"+w.address+"/v1/responses", header) //nolint:bodyclose // of a handshake there is none, or it is read whole
	if err != nil {
		if resp == nil {
			w.tb.Fatal(err)
		}
		body := new(bytes.Buffer)
		_, _ = body.ReadFrom(resp.Body)
		return nil, reply{status: resp.StatusCode, header: resp.Header, body: body.String()}
	}
	w.tb.Cleanup(func() { _ = conn.Close() })
	return &connection{Conn: conn, tb: w.tb, header: resp.Header}, reply{}
}

// connection is a client's side of a WebSocket.
type connection struct {
	*websocket.Conn
	tb     testing.TB
	header http.Header
}

// message is any that the server sends.
type message struct {
	Type             string
	Status           int
	StreamID         string `json:"stream_id"`
	Sequence         int64  `json:"sequence_number"`
	Delta            string
	ReconnectAfterMS int64 `json:"reconnect_after_ms"`
	Response         struct {
		ID                 string
		Status             string
		PreviousResponseID string `json:"previous_response_id"`
	}
	Error struct{ Code, Type, Message, Param string }
	raw   string
}

func (c *connection) say(text string) {
	c.tb.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.tb.Fatal(err)
	}
}

// next returns the next message, or the code and reason of the close.
func (c *connection) next() (m message, closed *websocket.CloseError) {
	c.tb.Helper()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	_, body, err := c.ReadMessage()
	if errors.As(err, &closed) {
		return m, closed
	}
	if err != nil {
		c.tb.Fatal(err)
	}
	if err := json.Unmarshal(body, &m); err != nil {
		c.tb.Fatalf("%v: %s", err, body)
	}
	m.raw = string(body)
	return m, nil
}

func (c *connection) message() message {
	c.tb.Helper()
	m, closed := c.next()
	if closed != nil {
		c.tb.Fatalf("closed with %d %s", closed.Code, closed.Text)
	}
	return m
}

// until returns the messages up to the first of one of the types. An error among
// them ends the test, which would otherwise wait for what never comes.
func (c *connection) until(types ...string) (all []message) {
	c.tb.Helper()
	for {
		m := c.message()
		all = append(all, m)
		for _, wanted := range types {
			if m.Type == wanted {
				return all
			}
		}
		if m.Type == "error" {
			c.tb.Fatalf("waited for %v: %s", types, m.raw)
		}
	}
}

// closed reads up to the close.
func (c *connection) closed() (code int, reason string) {
	c.tb.Helper()
	for {
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		_, _, err := c.ReadMessage()
		if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
			return closed.Code, closed.Text
		}
		if err != nil {
			c.tb.Fatal(err)
		}
	}
}

// rawDial opens a WebSocket whose frames a test writes itself.
func (w *world) rawDial(extensions string) (net.Conn, *bufio.Reader) {
	w.tb.Helper()
	conn, err := new(net.Dialer).DialContext(w.tb.Context(), "tcp", w.address)
	if err != nil {
		w.tb.Fatal(err)
	}
	w.tb.Cleanup(func() { _ = conn.Close() })
	hello := "GET /v1/responses HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer " + memberKey + "\r\n"
	if extensions != "" {
		hello += "Sec-WebSocket-Extensions: " + extensions + "\r\n"
	}
	if _, err := conn.Write([]byte(hello + "\r\n")); err != nil {
		w.tb.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	reader := bufio.NewReader(conn)
	resp, err := http.ReadResponse(reader, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		w.tb.Fatalf("handshake: %v %+v", err, resp)
	}
	_ = resp.Body.Close()
	return conn, reader
}

// sockets configures sessions.
func sockets(change func(*parleyhttp.SessionConfig)) option {
	return configured(func(c *parleyhttp.Config) { change(&c.Sessions) })
}

const ask = `{"type":"response.create","model":"demo","input":"canary-prompt"}`
