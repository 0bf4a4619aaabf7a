package http

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/fasthttp/websocket"

	"example.com/parley/messages"
)

// read reads what the client sends, until one of the two closes the connection.
func (n *session) read() {
	defer n.end()
	defer func() {
		if p := recover(); p != nil {
			n.server.noteFailure(n.exchange(NewRequestID()), panicked(p))
			n.out.close(closeInternal, reasonInternal)
		}
	}()
	for {
		kind, message, err := n.socket.NextReader()
		if err != nil {
			n.part(err)
			return
		}
		n.reading.Store(time.Now().UnixNano())
		n.take(kind, message)
		n.reading.Store(0)
	}
}

// take reads a message and does what it says. Behind a close of ours the rest is
// read over, so that its client gets to see why.
func (n *session) take(kind int, message io.Reader) {
	if n.out.isClosed() {
		return
	}
	metrics := &n.server.metrics.sessions
	metrics.received.Inc()
	if !n.bucket.take(time.Now(), n.server.cfg.Sessions.MessageRate) {
		n.out.close(closePolicy, reasonFlood)
		return
	}
	if kind != websocket.TextMessage {
		n.out.close(closeBinary, reasonBinary)
		return
	}
	body := bodies.Get().(*bytes.Buffer)
	defer func() {
		if body.Cap() <= maxPooledFrames {
			body.Reset()
			bodies.Put(body)
		}
	}()
	limit := int64(n.server.cfg.Sessions.MaxMessage)
	read, err := body.ReadFrom(io.LimitReader(message, limit+1))
	metrics.plainIn.Add(float64(read))
	switch {
	case err != nil: // the connection broke, or the message was compressed badly
		n.out.close(closeNoText, reasonBadData)
	case read > limit:
		n.out.close(closeTooLarge, reasonTooLarge)
	case !utf8.Valid(body.Bytes()):
		n.out.close(closeNoText, reasonNoText)
	default:
		n.command(body.Bytes())
	}
}

// bodies are buffers for messages.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// pong answers a ping. Pings count among the messages: they cost as much.
func (n *session) pong(data string) error {
	if !n.bucket.take(time.Now(), n.server.cfg.Sessions.MessageRate) {
		n.out.close(closePolicy, reasonFlood)
		return nil
	}
	return n.out.send(appendFrame(nil, pongFrame, data))
}

// part notes why the client's side ended. One that broke the protocol is told so,
// unless the library has; while it still sends it would never see that, so its
// rest is read over.
func (n *session) part(err error) {
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
		n.server.metrics.sessions.closed(closed.Code)
		return
	}
	n.server.metrics.sessions.closed(websocket.CloseAbnormalClosure)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return
	}
	code := websocket.CloseProtocolError
	if errors.Is(err, websocket.ErrReadLimit) {
		code = closeTooLarge
	}
	_ = n.socket.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Second))
	if !n.out.isClosed() {
		Linger(n.line.Conn)
	}
}

// end is behind the connection's last word.
func (n *session) end() {
	_ = n.out.refuseMore()
	n.tell(&messages.EndSession{})
	_ = n.line.Close()
	n.server.sockets.unwatch(n)
	n.server.sockets.leave(n)
	n.server.log.Debug("a WebSocket connection has ended",
		slog.String("tenant", string(n.asked.Tenant)), slog.Duration("after", time.Since(n.opened)))
}
