package http

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/fasthttp/websocket"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// coreSide is an edge node's session as the core has it: a WebSocket there, opened with
// the first command and anew when it was lost, over which commands go as they came and
// events come back. The client's own connection outlives it: only what ran is lost. It
// is safe for concurrent use; one goroutine gives commands.
type coreSide struct {
	session *session
	header  http.Header // of the handshakes, with the client's key

	mu      sync.Mutex
	link    *coreLink // where commands go; nil before the first, or where it was lost
	links   map[*coreLink]bool
	lanes   map[string]*coreLane // that something was asked on
	leaving error                // why nothing more begins
	over    bool
}

// coreLink is one connection to the core.
type coreLink struct{ socket *websocket.Conn }

// coreLane is what goes on on a lane, as far as events tell.
type coreLane struct {
	link    *coreLink
	waiting int  // commands of which no event was seen
	running bool // a response is told of
}

func newCoreSide(n *session, header http.Header) *coreSide {
	for _, name := range []string{"Origin", "Sec-Websocket-Version", "Sec-Websocket-Key", "Sec-Websocket-Extensions", "Sec-Websocket-Protocol"} {
		header.Del(name)
	}
	return &coreSide{session: n, header: header, links: make(map[*coreLink]bool), lanes: make(map[string]*coreLane)}
}

const (
	reasonCutOff = "this edge node is cut off from the core: connect again, here or to another server"
	// maxCoreMessage bounds an event of the core's, the largest of which has a whole
	// response.
	maxCoreMessage = 64 << 20
)

// command has the core do what a message says.
func (c *coreSide) command(lane messages.Lane, e *openai.ClientEvent, body []byte) {
	begins := e.Type == openai.EventCreate || e.Type == openai.EventResume
	link, err := c.linkOf(lane, begins)
	if err != nil {
		c.session.Refuse(lane, err)
		return
	}
	if begins {
		c.expect(lane, link)
	}
	_ = link.socket.SetWriteDeadline(time.Now().Add(c.session.server.cfg.WriteStall)) // one that cannot be set fails the write
	if err := link.socket.WriteMessage(websocket.TextMessage, body); err != nil {
		c.lose(link, err)
		if !begins {
			c.session.Refuse(lane, messages.CutOff(err))
		}
	}
}

// linkOf is where a command goes: to where its lane is, or to the core anew.
func (c *coreSide) linkOf(lane messages.Lane, begins bool) (*coreLink, error) {
	c.mu.Lock()
	link, leaving := c.link, c.leaving
	if at := c.lanes[lane.Name]; at != nil {
		link = at.link
	}
	c.mu.Unlock()
	if begins && leaving != nil {
		return nil, leaving
	}
	if err := c.session.server.core.Standing(); err != nil {
		return nil, err
	}
	if link != nil {
		return link, nil
	}
	return c.dial()
}

// dial opens a session at the core.
func (c *coreSide) dial() (*coreLink, error) {
	core := c.session.server.core
	ctx, release := context.WithTimeout(c.session.server.cut, openPatience)
	defer release()
	dialer := websocket.Dialer{
		NetDialContext:  func(ctx context.Context, _, _ string) (net.Conn, error) { return core.Dial(ctx) },
		WriteBufferPool: &writers,
	}
	socket, response, err := dialer.DialContext(ctx, "ws://core"+socketPattern, c.header)
	if err != nil {
		return nil, c.refused(response, err)
	}
	socket.SetReadLimit(maxCoreMessage)
	link := &coreLink{socket: socket}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		_ = socket.Close()
		return nil, messages.CutOff(net.ErrClosed)
	}
	c.link, c.links[link] = link, true
	go c.read(link) // ends with its socket, which lose and end close
	return link, nil
}

// refused says why the core opened no session. A key that it does not take closes the
// client's.
func (c *coreSide) refused(response *http.Response, err error) error {
	if response == nil {
		return messages.CutOff(err)
	}
	_ = response.Body.Close()
	if response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden {
		c.session.out.close(closePolicy, reasonKey)
	}
	return &messages.Failure{
		Code: messages.CodeOverloaded, What: "the core opens no session now", Do: "send the message again in a moment", RetryAfter: soon, Cause: err,
	}
}

// expect notes that something was asked on a lane.
func (c *coreSide) expect(lane messages.Lane, link *coreLink) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.lanes[lane.Name]
	if at == nil {
		at = &coreLane{link: link}
		c.lanes[lane.Name] = at
	}
	at.waiting++
}

// read passes on what the core says, no faster than the client takes it.
func (c *coreSide) read(link *coreLink) {
	n := c.session
	w := messageWriter{deflate: n.deflater()}
	for {
		_, message, err := link.socket.ReadMessage()
		if err != nil {
			c.lose(link, err)
			return
		}
		kind := kindOf(message)
		if kind == "session.draining" { // what begins from now on does so elsewhere
			c.retire(link)
			continue
		}
		n.count(1, len(message))
		if n.out.send(w.appendObject(nil, message, bytes.HasSuffix([]byte(kind), deltaEnd))) != nil {
			c.lose(link, errClosed)
			return
		}
		c.note(kind, message)
	}
}

// kindOf is a message's type, with which the core's begin.
func kindOf(message []byte) string {
	rest, found := bytes.CutPrefix(message, []byte(`{"type":"`))
	kind, _, whole := bytes.Cut(rest, []byte(`"`))
	if !found || !whole {
		return ""
	}
	return string(kind)
}

// note follows what goes on on the lanes.
func (c *coreSide) note(kind string, message []byte) {
	begins, ends, fails := kind == "response.created", kind == "response.completed" || kind == "response.incomplete" || kind == "response.failed", kind == "error"
	if !begins && !ends && !fails {
		return
	}
	var head struct {
		Lane string `json:"stream_id"`
	}
	if json.Unmarshal(message, &head) != nil {
		return
	}
	c.mu.Lock()
	at := c.lanes[head.Lane]
	if at == nil {
		c.mu.Unlock()
		return
	}
	if !at.running && at.waiting > 0 { // the first that is heard of it
		at.waiting--
		at.running = begins
	} else if ends {
		at.running = false
	}
	if !at.running && at.waiting == 0 {
		delete(c.lanes, head.Lane)
	}
	finished := c.leaving != nil && len(c.lanes) == 0
	c.mu.Unlock()
	if finished {
		c.session.Finish()
	}
}

// retire has further commands go elsewhere.
func (c *coreSide) retire(link *coreLink) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link == link {
		c.link = nil
	}
}

// lose is for a connection that is gone: whoever waits for something of it is told to
// try again, and the client's connection stays.
func (c *coreSide) lose(link *coreLink, err error) {
	_ = link.socket.Close()
	c.retire(link)
	lost := make(map[string]int)
	c.mu.Lock()
	known := c.links[link]
	delete(c.links, link)
	for name, at := range c.lanes {
		if at.link != link {
			continue
		}
		if lost[name] = at.waiting; at.running {
			lost[name]++
		}
		delete(c.lanes, name)
	}
	over, leaving := c.over, c.leaving != nil && len(c.lanes) == 0
	c.mu.Unlock()
	if !known || over {
		return
	}
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok && closed.Code == closePolicy {
		c.session.out.close(closePolicy, closed.Text)
		return
	}
	for name, count := range lost {
		for range count {
			c.session.Refuse(messages.Lane{Name: name}, coreLost(err))
		}
	}
	if leaving {
		c.session.Finish()
	}
}

func coreLost(err error) error {
	return &messages.Failure{
		Code: messages.CodeEdgeCutOff, What: "the core went away in the middle of this",
		Do: "send it again; a response that is stored can be read on with response.resume and its last sequence_number", RetryAfter: soon, Cause: err,
	}
}

// tell takes what a session's actor would be told.
func (c *coreSide) tell(m any) {
	switch m := m.(type) {
	case *messages.DrainSession:
		c.mu.Lock()
		c.leaving = m.Why
		idle := len(c.lanes) == 0
		c.mu.Unlock()
		if idle {
			c.session.Finish()
		}
	case *messages.EndSession:
		c.end()
	}
}

// end is for a client that has gone.
func (c *coreSide) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	for link := range c.links {
		_ = link.socket.Close()
	}
}
