package openai

import (
	"encoding/json"

	"example.com/parley/messages"
)

// ResponseStream writes a turn's chunks as the event stream of a response. The
// preamble (response.created and response.in_progress) waits for the first
// output: until then another provider may be asked, or the request fail with a
// status. One goroutine uses it.
//
// Items are written one after the other, as they are stored: what a model says
// of a second tool call waits until the arguments of the first are whole. So the
// events, and their numbers, are a function of the stored items; see [Sequence].
type ResponseStream struct {
	describe func() *messages.TurnRecord // what it returns is not changed
	reply    messages.Reply
	events   responseEvents
	begun    bool
	at       int // position of the item that is being written

	id     messages.TurnID
	inputs int
}

// NewResponseStream returns the stream of the turn that record describes, as far
// as it is known before the turn runs. record is not to be changed any more.
func NewResponseStream(record *messages.TurnRecord) *ResponseStream {
	return ResponseStreamOf(func() *messages.TurnRecord { return record })
}

// ResponseStreamOf is NewResponseStream for a record that nobody else has: describe makes
// it anew each time that it is written, at the beginning and at the end of a stream, and
// it is in nobody's memory between.
func ResponseStreamOf(describe func() *messages.TurnRecord) *ResponseStream {
	record := describe()
	return &ResponseStream{describe: describe, id: record.ID, inputs: record.Inputs, events: responseEvents{sequence: -1, after: -1}}
}

// After leaves out the events up to the one with this number: the client has
// them. It is called before the first Append.
func (s *ResponseStream) After(sequence int64) { s.events.after = sequence }

// Last is the number of the last event so far, those that are left out included;
// -1 before the first.
func (s *ResponseStream) Last() int64 { return s.events.sequence }

// Append writes the events that c becomes behind dst. ChunkEnd becomes the last:
// response.completed, response.incomplete (for a cancelled turn too, with its
// status) or response.failed.
func (s *ResponseStream) Append(dst []byte, c messages.Chunk) []byte {
	if c.Kind == messages.ChunkEnd {
		return s.appendEnd(dst, c.End)
	}
	position, first := s.reply.Add(c)
	if c.Kind == messages.ChunkOpened && c.Served.Earlier != "" {
		return appendContinued(dst, c.Served)
	}
	if position < 0 {
		return dst
	}
	dst = s.appendPreamble(dst)
	last := position == s.reply.Len()-1
	switch {
	case position == s.at && last && s.events.continues(&c):
		return s.events.appendDelta(dst, c.Text, c.Details().Logprobs)
	case position == s.at || first:
		return s.catchUp(dst, c.Details().Logprobs)
	default: // it waits for an item before it
		return dst
	}
}

func (s *ResponseStream) appendPreamble(dst []byte) []byte {
	if s.begun {
		return dst
	}
	s.begun = true
	r := *s.describe()
	r.Status, r.Served = messages.TurnRunning, s.reply.Served
	dst = s.events.appendResponse(dst, "response.created", &r, nil)
	return s.events.appendResponse(dst, "response.in_progress", &r, nil)
}

// catchUp writes what the reply has and the stream has not. An item is done when
// another follows it, unless that is too early. probabilities are those of the
// last delta.
func (s *ResponseStream) catchUp(dst []byte, probabilities []byte) []byte {
	items := s.reply.Items(s.id, s.inputs, s.at, messages.ItemIncomplete)
	for i := range items {
		if i == len(items)-1 || !isWhole(&items[i]) {
			return s.events.appendItem(dst, &items[i], s.at, probabilities)
		}
		dst = s.events.appendItem(dst, &items[i], s.at, nil)
		dst = s.events.endItem(dst, &items[i], s.at)
		s.at++
	}
	return dst
}

// endItems writes the rest of all items.
func (s *ResponseStream) endItems(dst []byte, items []messages.Item) []byte {
	for ; s.at < len(items); s.at++ {
		dst = s.events.appendItem(dst, &items[s.at], s.at, nil)
		dst = s.events.endItem(dst, &items[s.at], s.at)
	}
	return dst
}

// isWhole tells whether an item that another follows has ended. Fragments of
// several tool calls may come in turns.
func isWhole(item *messages.Item) bool {
	return item.Kind != messages.ItemToolCall || json.Valid([]byte(item.Args))
}

func (s *ResponseStream) appendEnd(dst []byte, end *messages.TurnOutcome) []byte {
	dst = s.appendPreamble(dst)
	status := messages.ItemComplete
	if end.Status != messages.TurnComplete {
		status = messages.ItemIncomplete
	}
	r := *s.describe()
	items := s.reply.Items(s.id, s.inputs, 0, status)
	dst = s.endItems(dst, items)
	r.Status, r.Reason, r.Ended = end.Status, end.Reason, end.Ended
	r.Served, r.Finish, r.Usage = s.reply.Served, s.reply.Finish, s.reply.Usage
	if end.Err != nil {
		f := messages.AsFailure(end.Err)
		r.FailureCode, r.FailureText = f.Code, f.What
	}
	return s.events.appendEnd(dst, &r, items)
}

// AppendReplay writes the events of a stored turn whose number is above after. Of
// a turn that still runs it writes what is stored and no end. The end of one that
// its server did not survive is written whatever after is: its client may have
// seen more than was stored, and learns so by a number that is not above its own.
func AppendReplay(dst []byte, r *messages.TurnRecord, output []messages.Item, after int64) []byte {
	events := responseEvents{sequence: -1, after: after}
	begun := *r
	begun.Status, begun.Usage = messages.TurnRunning, messages.Usage{}
	dst = events.appendResponse(dst, "response.created", &begun, nil)
	dst = events.appendResponse(dst, "response.in_progress", &begun, nil)
	running := r.Status == messages.TurnRunning
	for i := range output {
		dst = events.appendItem(dst, &output[i], i, nil)
		if !running || i < len(output)-1 {
			dst = events.endItem(dst, &output[i], i)
		}
	}
	if running {
		return dst
	}
	return events.appendEnd(dst, r, output)
}

// Sequence is the number of the last event of a response with this output, the
// first being 0. Every event counts 1, but for a delta, which counts as many as
// it has bytes: however a text was cut into deltas, what comes behind it has the
// same number, and a number inside it is a place in it.
func Sequence(output []messages.Item) int64 {
	const around = 3 // created, in_progress, and the end
	last := int64(around - 1)
	for i := range output {
		last += itemSequence(&output[i])
	}
	return last
}

// itemSequence is what the events of one item count.
func itemSequence(item *messages.Item) (n int64) {
	n = 2 // output_item.added and done
	for _, piece := range piecesOf(item) {
		n += int64(len(piece.text))
		n++ // text.done or arguments.done
		if piece.kind != pieceArguments {
			n += 2 // part.added and part.done
		}
	}
	return n
}
