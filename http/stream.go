package http

import (
	"io"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/sse"
)

// events writes a turn's chunks in a format's event stream.
type events interface {
	Append(dst []byte, c messages.Chunk) []byte
	// Cut says that the stream ends here while its turn goes on; kept, that the
	// rest can be read later.
	Cut(dst []byte, f *messages.Failure, kept bool) []byte
}

const (
	eventStream = "text/event-stream"

	// continuedTrailer names who went on with a stream, behind its end.
	continuedTrailer = "x-parley-continued"

	// tickEvery is how often a stream looks whether its model was silent, and then
	// whether its client left: that is found out within a second. A timer that is
	// set for every chunk instead costs more than the chunk.
	tickEvery = 450 * time.Millisecond
	// pingAfter ticks of silence a ping keeps proxies from closing the stream.
	pingAfter = 2
	// batch is how many bytes of chunks that wait already go out in one write.
	batch = 4 << 10
	// maxPooled is the largest buffer that is kept for another stream.
	maxPooled = 4 * batch
)

// stream is an answer that is sent while it comes. fasthttp pulls it, so a slow
// client slows its own turn and nothing else, and closes it when the client is
// gone. Its own goroutine alone uses it.
type stream struct {
	server  *Server
	x       *exchange
	ctx     *fasthttp.RequestCtx
	answer  *answer
	events  events
	ticks   *time.Ticker
	quiet   int     // ticks since the last chunk
	held    *[]byte // of the server's pool; buffer's first home
	buffer  []byte
	pending []byte // of buffer, not yet read
	sent    int    // bytes so far
	ended   bool   // nothing comes behind pending
	failed  bool   // the last event was the turn's failure
	closed  bool
	writeBy time.Time // the connection's write deadline
}

// sendStream hands the answer to fasthttp as the response's body. The headers
// go with the first event, in one write.
func (s *Server) sendStream(c *fiber.Ctx, x *exchange, a *answer, e events) error {
	return s.send(c, s.newStream(c, x, a, e))
}

// streamHeaders are those of every event stream.
func streamHeaders(c *fiber.Ctx) {
	c.Context().Response.Header.SetContentType(eventStream)
	c.Set(fiber.HeaderCacheControl, "no-cache")
	c.Set("X-Accel-Buffering", "no")
}

func (s *Server) newStream(c *fiber.Ctx, x *exchange, a *answer, e events) *stream {
	b := &stream{server: s, x: x, ctx: c.Context(), answer: a, events: e, ticks: time.NewTicker(tickEvery), held: s.buffers.Get().(*[]byte)}
	b.buffer = *b.held
	return b
}

// send makes the stream the response's body. From then on it finishes the
// exchange.
func (s *Server) send(c *fiber.Ctx, b *stream) error {
	a := b.answer
	a.ring.remove(&a.waiting) // the stream looks for itself
	response := &c.Context().Response
	streamHeaders(c)
	if a.turn.Spec.Continue {
		_ = response.Header.AddTrailer(continuedTrailer) // no header that is forbidden there
	}
	if err := b.extend(); err != nil {
		b.letGo()
		return errClientLeft()
	}
	b.x.handedOff = true
	s.metrics.Streams.Inc()
	response.SetBodyStream(b, -1)
	return nil
}

// Read implements io.Reader. A panic in an encoder cuts this stream alone.
func (b *stream) Read(p []byte) (n int, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			b.server.noteFailure(b.x, panicked(fault))
			n, err = 0, io.ErrUnexpectedEOF
		}
	}()
	for len(b.pending) == 0 {
		if b.ended {
			return 0, io.EOF
		}
		b.fill()
	}
	if err := b.extend(); err != nil {
		return 0, err
	}
	n = copy(p, b.pending)
	b.pending = b.pending[n:]
	b.sent += n
	return n, nil
}

// extend gives the client time for the next write, and at most an eighth more: a
// deadline costs as much as a chunk, so it is not set for each.
func (b *stream) extend() error {
	now, patience := time.Now(), b.server.cfg.WriteStall
	if b.writeBy.Sub(now) >= patience {
		return nil
	}
	b.writeBy = now.Add(patience + patience/8)
	return b.ctx.SetWriteDeadline(b.writeBy)
}

// fill waits for a chunk and takes those that wait behind it along.
func (b *stream) fill() {
	b.buffer = b.buffer[:0]
	chunk, came := b.wait()
	for came {
		b.take(chunk)
		if b.ended || len(b.buffer) >= batch {
			break
		}
		chunk, came = b.more()
	}
	b.pending = b.buffer
}

func (b *stream) take(chunk messages.Chunk) {
	b.quiet = 0
	held := len(b.buffer)
	b.buffer = b.events.Append(b.buffer, chunk)
	b.x.claim.note(b.buffer[held:])
	if chunk.Kind == messages.ChunkOpened && chunk.Served.Earlier != "" {
		b.ctx.Response.Header.Set(continuedTrailer, chunk.Served.Provider+"/"+chunk.Served.Model)
	}
	if chunk.Kind == messages.ChunkEnd {
		b.end(chunk.End.Err)
	}
}

// more returns a chunk that waits already.
func (b *stream) more() (messages.Chunk, bool) {
	if b.answer.view != nil {
		chunk, came := b.answer.view.Next()
		if came {
			if err := lostSight(&chunk); err != nil {
				return b.cut(err)
			}
		}
		return chunk, came
	}
	select {
	case chunk, open := <-b.answer.turn.Chunks:
		return b.came(chunk, open)
	default:
		return messages.Chunk{}, false
	}
}

// came looks at what came of the request's own turn. Where nobody knows what becomes of
// that any more, the next try under the same key asks the store.
func (b *stream) came(chunk messages.Chunk, open bool) (messages.Chunk, bool) {
	if !open {
		return b.cut(b.answer.check(open))
	}
	if err := lostSight(&chunk); err != nil {
		b.failed = true
		return b.cut(err)
	}
	return chunk, true
}

// wait returns the next chunk. While there is none it lets a ping be sent.
func (b *stream) wait() (messages.Chunk, bool) {
	if !b.answer.returned {
		b.answer.returned = true
		return b.answer.first, true
	}
	if chunk, came := b.more(); came || b.ended {
		return chunk, came
	}
	if b.answer.view != nil {
		return b.waitForView()
	}
	select {
	case chunk, open := <-b.answer.turn.Chunks:
		return b.came(chunk, open)
	case <-b.server.cut.Done():
		return b.cut(shuttingDown())
	case now := <-b.ticks.C:
		return b.silent(now)
	}
}

// waitForView waits until there is something to look at.
func (b *stream) waitForView() (messages.Chunk, bool) {
	select {
	case <-b.answer.view.More():
		return b.more()
	case <-b.server.cut.Done():
		return b.cut(shuttingDown())
	case now := <-b.ticks.C:
		return b.silent(now)
	}
}

// silent is what happens when a model says nothing for a while.
func (b *stream) silent(now time.Time) (messages.Chunk, bool) {
	switch {
	case now.After(b.answer.waiting.deadline):
		return b.cut(errNoAnswer())
	case b.answer.waiting.left():
		b.ended = true
	default:
		if b.quiet++; b.quiet%pingAfter == 0 {
			b.buffer = sse.AppendComment(b.buffer, b.server.ping())
		}
	}
	return messages.Chunk{}, false
}

// ping is what is said for a model that says nothing.
func (s *Server) ping() string {
	if s.running.isClosing() {
		return "ping; the server stops, and what is left then is to be read on elsewhere"
	}
	return "ping"
}

// cut ends the stream while its turn may go on. The key of the request stays with
// the turn.
func (b *stream) cut(err error) (messages.Chunk, bool) {
	f := messages.AsFailure(err)
	if f.Code == messages.CodeSlowReader {
		b.server.metrics.SlowCuts.Inc()
	}
	b.ended = true
	b.server.noteFailure(b.x, f)
	b.buffer = b.events.Cut(b.buffer, f, !b.answer.kept.IsZero())
	return messages.Chunk{}, false
}

// end notes that nothing comes behind what is in the buffer.
func (b *stream) end(err error) {
	b.ended = true
	if err != nil {
		b.failed = true
		b.server.noteFailure(b.x, err)
		return
	}
	b.x.claim.keepStream()
}

// Close implements io.Closer: the answer was sent, or its client is gone.
func (b *stream) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	if !time.Now().Before(b.writeBy) { // it is set anew for every write, and there is one at least every second
		b.server.metrics.SlowCuts.Inc()
	}
	b.letGo()
	if b.failed {
		b.x.claim.release()
	} else {
		b.x.claim.leave() // which does nothing to one that was settled with the last event
	}
	b.server.metrics.Streams.Dec()
	b.server.metrics.observe(b.x, fasthttp.StatusOK)
	b.server.logAccess(b.x, fasthttp.StatusOK, b.sent)
	b.server.running.leave()
	return nil
}

// letGo gives back what the stream holds.
func (b *stream) letGo() {
	b.ticks.Stop()
	if cap(b.buffer) <= maxPooled {
		*b.held = b.buffer[:0]
	}
	b.server.buffers.Put(b.held)
	b.buffer, b.pending = nil, nil
	b.answer.release()
}
