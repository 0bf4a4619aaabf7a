package fake

import (
	"errors"
	"io"
	"time"

	"github.com/valyala/fasthttp"

	"example.com/parley/messages"
)

// errBroken ends a body in the middle: fasthttp closes the connection.
var errBroken = errors.New("broken on purpose")

// player plays the reply to one call. It is the body that fasthttp reads, and is
// used by one goroutine.
type player struct {
	server    *Server
	conn      *conn
	behaviour Behaviour
	encoder   encoder
	chunks    []messages.Chunk

	next    int    // chunk
	words   int    // deltas so far
	bad     int    // malformed lines so far
	buffer  []byte // of pending
	pending []byte // encoded and not read yet
	over    bool   // nothing comes any more
	done    bool   // it was read to its end, or broken on purpose
}

// stream sends the reply as events: fasthttp reads one after the other, and
// flushes each.
func (p *player) stream(ctx *fasthttp.RequestCtx) {
	ctx.SetContentType("text/event-stream; charset=utf-8")
	ctx.Response.Header.Set("Cache-Control", "no-cache")
	ctx.Response.ImmediateHeaderFlush = true
	ctx.SetBodyStream(p, -1)
}

// send sends the reply in one piece. A fault in the middle cuts the body there.
func (p *player) send(ctx *fasthttp.RequestCtx) {
	if !p.server.pause(p.conn, time.Duration(p.behaviour.Tokens)*p.behaviour.Interval) {
		p.server.leave(ctx)
		return
	}
	body := p.encoder.whole(nil, p.chunks)
	ctx.SetContentType("application/json")
	switch p.behaviour.Fault.Kind {
	case FaultNone, FaultNoUsage:
		ctx.SetBody(body)
		p.server.calls.ended(false)
		return
	case FaultError:
		p.server.calls.ended(false)
		ctx.SetStatusCode(fasthttp.StatusInternalServerError)
		ctx.SetBodyString(`{"error":{"message":"a fault of the fake, as it was told","type":"server_error"}}`)
		return
	case FaultMalformed, FaultEOF:
		ctx.SetBody(body[:len(body)/2])
		p.server.calls.ended(false)
		return
	case FaultEndless:
		p.pending = body[:len(body)/2]
	case FaultSlowByte:
		p.pending, p.over = body, true
	default: // cut, stall
		p.pending = body[:len(body)/2]
	}
	p.next, p.words = len(p.chunks), p.behaviour.Fault.After // this is the middle
	ctx.Response.ImmediateHeaderFlush = true
	ctx.SetBodyStream(p, -1)
}

// Read implements io.Reader: one event, or one byte of a slow reply.
func (p *player) Read(buf []byte) (int, error) {
	for len(p.pending) == 0 {
		if p.over {
			p.done = true
			return 0, io.EOF
		}
		if err := p.play(); err != nil {
			return 0, err
		}
	}
	if p.behaviour.Fault.Kind == FaultSlowByte {
		return p.oneByte(buf)
	}
	n := copy(buf, p.pending)
	p.pending = p.pending[n:]
	return n, nil
}

func (p *player) oneByte(buf []byte) (int, error) {
	const slow = 10 * time.Millisecond
	pause := p.behaviour.Interval
	if pause == 0 {
		pause = slow
	}
	if !p.server.pause(p.conn, pause) {
		return 0, errBroken
	}
	buf[0], p.pending = p.pending[0], p.pending[1:]
	return 1, nil
}

// play encodes the next chunk, or the fault that stands before it.
func (p *player) play() error {
	fault := &p.behaviour.Fault
	if p.words >= fault.After && p.next > 0 {
		if played, err := p.playFault(); played {
			return err
		}
	}
	if p.next == len(p.chunks) {
		p.encode(messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnComplete}})
		p.over = true
		return nil
	}
	c := p.chunks[p.next]
	p.next++
	if isWord(c.Kind) {
		if p.words > 0 && !p.server.pause(p.conn, p.behaviour.Interval) {
			return errBroken
		}
		p.words++
	}
	p.encode(c)
	return nil
}

// playFault plays a fault in the middle of a stream, and tells whether there was
// one.
func (p *player) playFault() (played bool, err error) {
	switch fault := &p.behaviour.Fault; fault.Kind {
	case FaultCut:
		p.done = true
		return true, errBroken
	case FaultStall:
		p.server.pause(p.conn, -1)
		return true, errBroken
	case FaultEOF:
		p.over = true
		return true, nil
	case FaultError:
		p.over = true
		p.encode(messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnFailed, Err: &messages.Failure{
			Code: messages.CodeOverloaded, What: "a fault of the fake", Do: "this is what it was told",
		}}})
		return true, nil
	case FaultMalformed:
		if p.bad >= max(1, fault.Times) {
			return false, nil
		}
		p.bad++
		p.pending = []byte("data: {\"choices\":[{\"delta\":{\"cont\n\n")
		return true, nil
	case FaultEndless:
		if !p.server.pause(p.conn, p.behaviour.Interval) {
			return true, errBroken
		}
		p.encode(messages.Chunk{Kind: messages.ChunkText, Text: "and so on "})
		return true, nil
	default:
		return false, nil
	}
}

func isWord(kind messages.ChunkKind) bool {
	return kind == messages.ChunkText || kind == messages.ChunkReasoning || kind == messages.ChunkToolCall
}

func (p *player) encode(c messages.Chunk) {
	p.buffer = p.encoder.append(p.buffer[:0], c)
	p.pending = p.buffer
}

// Close implements io.Closer: fasthttp calls it when the body was sent, or could
// not be.
func (p *player) Close() error {
	p.server.calls.ended(!p.done)
	return nil
}
