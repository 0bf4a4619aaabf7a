package http

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/fasthttp/websocket"
	"github.com/klauspost/compress/flate"

	"example.com/parley/messages"
)

// read reads what the client sends, until one of the two closes the connection, or
// until there is nothing to read: then the connection is parked, and the next such
// goroutine begins where this one has ended.
func (n *session) read() {
	if !n.readMessages() {
		n.end()
	}
}

// readMessages tells whether the connection was parked. Then it is another's.
func (n *session) readMessages() (parked bool) {
	defer func() {
		if p := recover(); p != nil {
			n.server.noteFailure(n.exchange(NewRequestID()), panicked(p))
			n.out.close(closeInternal, reasonInternal)
		}
	}()
	n.borrowBuffer()
	for {
		if err := n.readNext(); err != nil {
			n.part(err)
			return false
		}
		if n.park() {
			return true
		}
	}
}

// readNext waits for a message, or for a ping or pong between two, and does what it
// says. Inside of a message they are the library's.
func (n *session) readNext() error {
	defer n.reading.Store(0)
	if n.between {
		if _, err := n.in.Peek(1); err != nil {
			return err
		}
		n.reading.Store(time.Now().UnixNano())
		if found, err := n.readControl(); found || err != nil {
			return err
		}
	}
	return n.readMessage()
}

// readMessage has the library read a message, and notes whether it has come to its end.
// Where it has not the rest comes before the next one, and frames between those are the
// library's too, which waits with this goroutine.
func (n *session) readMessage() error {
	if n.between {
		buffered, _ := n.in.Peek(n.in.Buffered())
		n.line.frames.restart(buffered)
	}
	kind, message, err := n.socket.NextReader()
	if err != nil {
		return err
	}
	if !n.between {
		n.reading.Store(time.Now().UnixNano())
	}
	n.take(kind, message)
	n.between = n.line.frames.isBetween(n.in.Buffered())
	return nil
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
	case isBadlyCompressed(err):
		n.out.close(closeNoText, reasonBadData)
	case err != nil: // the connection is broken, or its frames are: the next read says how
	case read > limit:
		n.out.close(closeTooLarge, reasonTooLarge)
	case !utf8.Valid(body.Bytes()):
		n.out.close(closeNoText, reasonNoText)
	default:
		n.command(body.Bytes())
	}
}

// isBadlyCompressed tells whether a message was read, but cannot be decompressed.
// What it misses at its end the library fills up, so that it is a message that ends
// too early and no connection: of that the library says so in its own words.
func isBadlyCompressed(err error) bool {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	return corrupt || errors.Is(err, io.ErrUnexpectedEOF)
}

// bodies are buffers for messages.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// pong answers a ping. Where the connection takes nothing any more, its rest is read
// over, so that its client gets to see why.
func (n *session) pong(data string) error {
	if n.afford() {
		_ = n.out.send(appendFrame(nil, pongFrame, data))
	}
	return nil
}

// ponged takes the answer to a ping, or what nobody has asked for.
func (n *session) ponged(string) error {
	n.afford()
	return nil
}

// afford counts pings and pongs among the messages: they cost as much.
func (n *session) afford() bool {
	if n.bucket.take(time.Now(), n.server.cfg.Sessions.MessageRate) {
		return true
	}
	n.out.close(closePolicy, reasonFlood)
	return false
}

// part notes why the client's side ended, unless ours had already, with a code that
// was counted. One that broke the protocol is told so, unless the library has; while
// it still sends it would never see that, so its rest is read over.
func (n *session) part(err error) {
	code, broke := partingCode(err)
	if !n.out.isClosed() {
		n.server.metrics.sessions.closed(code)
		if broke {
			_ = n.socket.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Second))
		}
	}
	if broke {
		Linger(n.line.Conn.Conn)
	}
}

// partingCode is the client's own code, none where the connection was lost, or ours
// for a client that broke the protocol.
func partingCode(err error) (code int, broke bool) {
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
		return closed.Code, false
	}
	if _, lost := errors.AsType[net.Error](err); lost || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return closeAbnormal, false
	}
	if errors.Is(err, websocket.ErrReadLimit) {
		return closeTooLarge, true
	}
	return websocket.CloseProtocolError, true
}

// end is behind the connection's last word.
func (n *session) end() {
	n.in.GiveBack()
	_ = n.out.refuseMore()
	n.tell(&messages.EndSession{})
	_ = n.line.Close()
	n.server.sockets.unwatch(n)
	n.server.sockets.leave(n)
	n.server.log.Debug("a WebSocket connection has ended",
		slog.String("tenant", string(n.asked.tenant)), slog.Duration("after", time.Since(n.opened)))
}
