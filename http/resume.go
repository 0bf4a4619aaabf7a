package http

import (
	"context"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// resumeSource says where a stream comes from that another request had begun.
type resumeSource string

// The sources.
const (
	fromTurn    resumeSource = "turn"    // it still runs
	fromStore   resumeSource = "store"   // it has ended
	fromRestart resumeSource = "restart" // its server died under it, and the client may have seen more than was stored
)

// fromBeginning is the cursor of a client that has no event yet.
const fromBeginning = -1

// preambleEnd is the number of the last event before any output. A client may have
// seen it before the first output came.
const preambleEnd = 1

// getResponse answers GET /v1/responses/{id}.
func (s *Server) getResponse(c *fiber.Ctx, x *exchange) error {
	after, streams, err := cursorOf(c)
	if err != nil {
		return err
	}
	if streams {
		source, err := s.streamResponse(c, x, c.Params("id"), after)
		if err == nil {
			s.metrics.resumes[source].Inc()
		}
		return err
	}
	f, err := s.follow(x.principal.Tenant, c.Params("id"))
	switch {
	case err != nil:
		return err
	case f.view != nil:
		return s.sendRunning(c, &f)
	default:
		return s.sendStored(c, &f.record)
	}
}

// cursorOf reads what a client asks to be streamed: everything behind the event
// that it names.
func cursorOf(c *fiber.Ctx) (after int64, streams bool, err error) {
	if text := c.Query("stream"); text != "" {
		if streams, err = strconv.ParseBool(text); err != nil {
			return 0, false, invalid("stream", "stream is neither true nor false", "give true for an event stream")
		}
	}
	text := c.Query("starting_after")
	if text == "" {
		return fromBeginning, streams, nil
	}
	after, err = strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || after < 0:
		return 0, false, invalid("starting_after", "starting_after is no number of an event", "give the sequence_number of the last event that came, or leave it out")
	case !streams:
		return 0, false, invalid("starting_after", "starting_after is about streams, and this is none", "add stream=true")
	}
	return after, true, nil
}

// streamResponse sends the events of a response behind a cursor, and says where
// they come from.
func (s *Server) streamResponse(c *fiber.Ctx, x *exchange, name string, after int64) (resumeSource, error) {
	f, err := s.follow(x.principal.Tenant, name)
	switch {
	case err != nil:
		return "", err
	case f.view != nil:
		return fromTurn, s.sendView(c, x, &f, after)
	default:
		return s.sendReplay(c, &f.record, after)
	}
}

// sendReplay sends the events of a response that has ended.
func (s *Server) sendReplay(c *fiber.Ctx, record *messages.TurnRecord, after int64) (source resumeSource, err error) {
	ctx, release := s.storeContext()
	defer release()
	output, err := s.outputOf(ctx, record)
	if err != nil {
		return "", err
	}
	source = fromStore
	if after > openai.Sequence(output) {
		if record.Reason != messages.ReasonServerRestart {
			return "", noSuchEvent()
		}
		source = fromRestart
	}
	streamHeaders(c)
	showKept(c, record)
	response := &c.Context().Response
	response.SwapBody(openai.AppendReplay(response.SwapBody(nil)[:0], record, output, after))
	return source, nil
}

// sendView sends the events of a response that still comes, beside whoever else
// reads it.
func (s *Server) sendView(c *fiber.Ctx, x *exchange, f *followed, after int64) error {
	events := openai.NewResponseStream(&f.record)
	events.After(after)
	a := s.looking(c, x, f)
	a.showServed(c)
	b := s.newStream(c, x, a, events)
	var lost error
	end := soFar(f.view, func(chunk messages.Chunk) {
		if lost = lostSight(&chunk); lost == nil {
			b.buffer = events.Append(b.buffer, chunk)
		}
	})
	if after > max(events.Last(), preambleEnd) {
		b.letGo()
		return noSuchEvent()
	}
	switch {
	case lost != nil:
		b.cut(lost)
	case end != nil:
		b.end(end.Err)
	}
	b.pending = b.buffer
	return s.send(c, b)
}

// looking is the answer of a turn that another request began.
func (s *Server) looking(c *fiber.Ctx, x *exchange, f *followed) *answer {
	client, cancel := context.WithCancelCause(context.Background())
	a := &answer{
		server: s, accepted: true, started: messages.TurnStarted{Conversation: f.record.Ref.Conversation, Private: f.record.Private}, model: f.record.Model, kept: f.record.ID,
		turn: &messages.StartTurn{Spec: new(messages.TurnSpec), Client: client}, view: f.view, cancel: cancel, returned: true, ring: s.watch.ringOf(x),
		waiting: waiter{conn: c.Context().Conn(), cancel: cancel, since: x.begun, deadline: x.begun.Add(s.cfg.TurnTimeout + lastWord)},
	}
	a.ring.add(&a.waiting)
	return a
}

// showKept tells the client where a response is kept.
func showKept(c *fiber.Ctx, record *messages.TurnRecord) {
	c.Set(conversationHeader, string(record.Ref.Conversation))
}

func noSuchEvent() error {
	return invalid("starting_after", "starting_after is behind the response's last event", "give the sequence_number of the last event that came, or leave it out")
}
