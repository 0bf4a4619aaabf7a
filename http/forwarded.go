package http

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// forwarded is an answer of the core's on its way to an edge node's client. fasthttp
// pulls it, so that a slow client slows its own turn: nothing is read from the core
// before the client has taken what came. One goroutine uses it at a time.
type forwarded struct {
	server   *Server
	x        *exchange
	ctx      *fasthttp.RequestCtx
	response *http.Response
	cancel   context.CancelCauseFunc // ends the request to the core
	ring     *ring
	waiting  waiter // finds out that the client has left

	isEvents bool
	buffer   []byte // what was read, the first part of it ready for the client
	ready    int
	passed   int // of that
	last     int64
	ended    bool
	sent     int
	closed   bool
	writeBy  time.Time
}

// readAhead is what is read of the core's answer at once.
const readAhead = 4 << 10

// Read implements io.Reader.
func (f *forwarded) Read(p []byte) (n int, err error) {
	for f.passed == f.ready {
		if f.ended {
			return 0, io.EOF
		}
		f.fill()
	}
	if err := f.extend(); err != nil {
		return 0, err
	}
	n = copy(p, f.buffer[f.passed:f.ready])
	f.passed += n
	f.sent += n
	return n, nil
}

// fill reads on. Of events whole ones are passed on alone: a client would take the
// beginning of one for all of it, should the rest not come.
func (f *forwarded) fill() {
	rest := copy(f.buffer, f.buffer[f.ready:])
	f.buffer, f.passed, f.ready = f.buffer[:rest], 0, 0
	if cap(f.buffer)-rest < readAhead {
		f.buffer = append(make([]byte, 0, 2*cap(f.buffer)+readAhead), f.buffer...)
	}
	n, err := f.response.Body.Read(f.buffer[rest:cap(f.buffer)])
	f.buffer = f.buffer[:rest+n]
	f.ready = len(f.buffer)
	if f.isEvents {
		f.ready = bytes.LastIndex(f.buffer, eventEnd) + len(eventEnd)
		if f.ready < len(eventEnd) {
			f.ready = 0
		}
		f.note(f.buffer[:f.ready])
	}
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		f.finish()
	default:
		f.breakOff(err)
	}
}

// note remembers the number of the last event, from which a client can go on.
func (f *forwarded) note(events []byte) {
	const field = `"sequence_number":`
	if at := bytes.LastIndex(events, []byte(field)); at >= 0 {
		digits := events[at+len(field):]
		end := bytes.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
		if number, err := strconv.ParseInt(string(digits[:max(end, 0)]), 10, 64); err == nil {
			f.last = number
		}
	}
}

// finish is behind the core's last word.
func (f *forwarded) finish() {
	f.ended, f.ready = true, len(f.buffer)
	for name, values := range f.response.Trailer {
		if len(values) > 0 {
			f.ctx.Response.Header.Set(name, values[0])
		}
	}
}

// breakOff ends a stream whose core has gone, and tells its client how to go on. What
// is no event stream cannot be told, and is cut.
func (f *forwarded) breakOff(err error) {
	f.ended = true
	failure := f.failure(err)
	f.server.noteFailure(f.x, failure)
	if !f.isEvents {
		_ = f.ctx.Conn().Close() // else its client would take it for whole
		return
	}
	f.buffer = f.endOf().Cut(f.buffer[:f.ready], failure, f.isKept())
	f.ready = len(f.buffer)
}

// failure says why the stream ends here.
func (f *forwarded) failure(err error) *messages.Failure {
	if f.server.cut.Err() != nil {
		return messages.AsFailure(shuttingDown())
	}
	return &messages.Failure{
		Code: messages.CodeEdgeCutOff, What: "the core went away in the middle of this stream", Do: "send the request again", RetryAfter: soon, Cause: err,
	}
}

// isKept tells whether the core has what was said so far.
func (f *forwarded) isKept() bool {
	return f.response.Header.Get(conversationHeader) != "" && (f.x.endpoint == chatPattern || f.last >= 0)
}

// endOf writes the end of a stream in its format.
func (f *forwarded) endOf() events {
	id, _ := messages.ParseTurnID(f.response.Header.Get("x-request-id"))
	if f.x.endpoint == chatPattern {
		return &openai.ChatStream{ID: id}
	}
	stream := openai.NewResponseStream(&messages.TurnRecord{ID: id})
	stream.After(f.last)
	return stream
}

// extend gives the client time for the next write.
func (f *forwarded) extend() error {
	now, patience := time.Now(), f.server.cfg.WriteStall
	if f.writeBy.Sub(now) >= patience {
		return nil
	}
	f.writeBy = now.Add(patience + patience/8)
	return f.ctx.SetWriteDeadline(f.writeBy)
}

// Close implements io.Closer: the answer was sent, or its client is gone.
func (f *forwarded) Close() error {
	if f.closed {
		return nil
	}
	f.closed = true
	f.letGo()
	f.server.metrics.Streams.Dec()
	status := f.response.StatusCode
	f.server.metrics.observe(f.x, status)
	f.server.logAccess(f.x, status, f.sent)
	f.server.running.leave()
	return nil
}

// letGo ends the request to the core.
func (f *forwarded) letGo() {
	f.ring.remove(&f.waiting)
	f.cancel(nil)
	if f.response != nil {
		_ = f.response.Body.Close() // it was read, or is not wanted any more
	}
}
