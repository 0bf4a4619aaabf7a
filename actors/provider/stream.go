package provider

import (
	"context"
	"errors"
	"io"
	"time"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/sse"
)

// stream is a reply as it comes in. It implements [Answer].
type stream struct {
	ctx      context.Context // the call's own: it tells why the connection was closed
	client   *client
	exchange *exchange
	events   *sse.Reader
	decoder  decoder
	reply

	queue     []messages.Chunk // of the last event
	next      int              // in queue
	emit      func(messages.Chunk)
	err       error // what comes behind queue
	awaited   bool  // the next event was waited for, or may be there since the stream was parked
	opened    bool
	finished  bool // the model said why it stopped
	counted   bool // the provider said what it used
	malformed int  // events in a row that could not be read
	size      int  // bytes
	output    int  // bytes of text
}

func newStream(ctx context.Context, c *client, x *exchange, r reply) *stream {
	s := &stream{
		ctx: ctx, client: c, exchange: x, reply: r,
		events: sse.NewReader(x, c.settings.MaxReply), decoder: c.dialect.newDecoder(),
	}
	s.emit = s.take
	return s
}

// Next implements [Answer].
func (s *stream) Next() (messages.Chunk, error) {
	for s.next == len(s.queue) {
		if s.err != nil {
			return messages.Chunk{}, s.err
		}
		s.queue, s.next = s.queue[:0], 0
		s.err = s.read()
	}
	c := s.queue[s.next]
	s.next++
	return c, nil
}

// Close implements [Answer].
func (s *stream) Close() error {
	if errors.Is(s.err, io.EOF) && !s.exchange.closed && !s.exchange.ended {
		s.drain()
	}
	s.events.Rest()
	s.exchange.close()
	return nil
}

// drainPatience is how long the end of a body may lag behind the event that
// ends the stream. Most servers write both at once.
const drainPatience = 50 * time.Millisecond

// drain reads over what comes behind the last event, so that the connection can
// be used again.
func (s *stream) drain() {
	const most = 4 // events: more is another stream
	s.exchange.wait(drainPatience)
	for range most {
		if _, err := s.events.Next(); err != nil {
			return
		}
	}
}

// maxMalformed is how many events in a row may be unreadable: one is an
// accident, several are another format.
const maxMalformed = 3

// eventSize is what an event counts at least, so that a stream of empty ones
// comes to its end as well.
const eventSize = 8 // bytes

// read takes one event in. It returns io.EOF behind the last.
func (s *stream) read() error {
	patience := s.timeouts.next(s.began)
	if patience <= 0 {
		return s.breakOff(timedOut(s.client.name, "did not end", "total_timeout", s.timeouts.Total))
	}
	if !s.awaited { // or the time for it runs already
		s.exchange.wait(patience)
	}
	s.awaited = false
	event, err := s.events.Next()
	if err != nil {
		return s.end(err)
	}
	done, err := s.decoder.Decode(event.Name, event.Data, s.emit)
	if failure, ok := errors.AsType[*messages.Failure](err); ok {
		return s.breakOff(s.client.settings.hideAll(failure))
	}
	if err != nil {
		return s.skip(err)
	}
	s.malformed = 0
	s.size += eventSize
	switch {
	case s.size > s.client.settings.MaxReply:
		s.queue = s.queue[:0]
		return s.breakOff(tooLong(s.client.name, s.client.settings.MaxReply))
	case done:
		return s.end(io.EOF)
	default:
		return nil
	}
}

// take queues a chunk of the event that is being decoded.
func (s *stream) take(c messages.Chunk) {
	switch c.Kind {
	case messages.ChunkOpened:
		s.open(*c.Served)
		return
	case messages.ChunkFinish:
		s.finished = true
	case messages.ChunkUsage:
		s.counted = true
	default:
		s.output += len(c.Text)
	}
	s.open(messages.Served{})
	s.size += c.Size()
	s.queue = append(s.queue, c)
}

// open says who serves, once, before everything else.
func (s *stream) open(served messages.Served) {
	if !s.opened {
		s.opened = true
		s.queue = append(s.queue, s.client.opened(served, s.model))
	}
}

// opened is the first chunk of a reply.
func (c *client) opened(served messages.Served, model string) messages.Chunk {
	served.Provider = c.name
	if served.Model == "" {
		served.Model = model
	}
	return messages.Chunk{Kind: messages.ChunkOpened, Served: &served}
}

func (s *stream) skip(err error) error {
	s.malformed++
	s.size += eventSize
	if s.malformed <= maxMalformed {
		return nil
	}
	return s.breakOff(nonsense(s.client.name, err))
}

// end decides what the end of the events means. Some servers close without the
// event that ends the stream; a reply without the reason why it ended was cut.
func (s *stream) end(err error) error {
	_, long := errors.AsType[*sse.TooLongError](err)
	switch {
	case s.ctx.Err() != nil:
		return s.breakOff(stopped(s.ctx))
	case errors.Is(err, io.EOF) && s.finished:
		return io.EOF
	case errors.Is(err, io.EOF):
		return s.breakOff(brokeOff(s.client.name))
	case long:
		return s.breakOff(tooLong(s.client.name, s.client.settings.MaxReply))
	case isTimeout(err) && s.timeouts.Total > 0 && time.Since(s.began) >= s.timeouts.Total:
		return s.breakOff(timedOut(s.client.name, "did not end", "total_timeout", s.timeouts.Total))
	case isTimeout(err):
		return s.breakOff(timedOut(s.client.name, "sent nothing more", "stall_timeout", s.timeouts.Stall))
	default:
		return s.breakOff(broken(s.client.name, err))
	}
}

// breakOff ends the stream with a failure. What it has cost so far is told
// first, where the provider has said anything of it: its input is exact, the
// output is at least what came.
func (s *stream) breakOff(failure *messages.Failure) error {
	s.exchange.close()
	if usage, known := s.decoder.Usage(); known && s.opened && !s.counted {
		usage.Output = max(usage.Output, messages.TokensOf(s.output))
		usage.Estimated = true
		s.queue = append(s.queue, messages.Chunk{Kind: messages.ChunkUsage, Usage: &usage})
	}
	return failure
}
