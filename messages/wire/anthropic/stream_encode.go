package anthropic

import (
	"slices"

	"example.com/parley/messages"
)

// Stream writes a turn's chunks as the events of a streamed message. Set the
// exported members before the first chunk; one goroutine uses it.
//
// Blocks of this format come one after the other: a fragment of a tool call that
// arrives behind the next one's start has no place any more and is left out. No
// provider sends one.
type Stream struct {
	ID    messages.TurnID
	Model string
	// Usage is what is known when the message starts; the last event has all.
	Usage messages.Usage

	started bool
	ended   bool
	block   int    // index of the running block, or of the next one
	open    string // kind of the running block; empty: none
	call    int    // index of the running tool call
	closed  []int  // tool calls that are over
	finish  messages.FinishReason
}

// Append writes the events of one chunk behind dst. On ChunkEnd it writes the
// last ones: those of a message that ended, or an error event.
func (s *Stream) Append(dst []byte, c messages.Chunk) []byte {
	if c.Choice != 0 || s.ended {
		return dst
	}
	dst = s.start(dst)
	switch c.Kind {
	case messages.ChunkText, messages.ChunkRefusal:
		return s.text(dst, c.Text)
	case messages.ChunkReasoning:
		return s.reasoning(dst, c)
	case messages.ChunkToolCall:
		return s.toolCall(dst, c)
	case messages.ChunkFinish:
		s.finish = c.Finish
	case messages.ChunkUsage:
		s.Usage = *c.Usage
	case messages.ChunkEnd:
		return s.end(dst, c.End)
	}
	return dst
}

func (s *Stream) start(dst []byte) []byte {
	if s.started {
		return dst
	}
	s.started = true
	e := openEvent(dst, "message_start")
	e.name("message")
	m := begin(e.dst)
	appendHead(&m, s.ID, s.Model)
	m.literal("content", "[]")
	m.literal("stop_reason", "null")
	m.literal("stop_sequence", "null")
	appendUsage(&m, s.Usage)
	e.dst = m.end()
	return closeEvent(e)
}

func (s *Stream) text(dst []byte, text string) []byte {
	if text == "" {
		return dst
	}
	dst = s.begin(dst, "text", `{"type":"text","text":""}`)
	return s.delta(dst, "text_delta", "text", text)
}

// reasoning writes thinking. A record of Opaque ends the block that it is of;
// one that another provider wrote is left out.
func (s *Stream) reasoning(dst []byte, c messages.Chunk) []byte {
	if c.Text != "" {
		dst = s.begin(dst, "thinking", `{"type":"thinking","thinking":"","signature":""}`)
		dst = s.delta(dst, "thinking_delta", "thinking", c.Text)
	}
	for _, record := range recordsOf(c.Details().Opaque) {
		if record.redacted {
			dst = s.redacted(s.stop(dst), record.proof)
			continue
		}
		dst = s.begin(dst, "thinking", `{"type":"thinking","thinking":"","signature":""}`)
		dst = s.delta(dst, "signature_delta", "signature", record.proof)
		dst = s.stop(dst)
	}
	return dst
}

func (s *Stream) redacted(dst []byte, data string) []byte {
	b := begin(nil)
	b.string("type", "redacted_thinking")
	b.string("data", data)
	dst = s.begin(dst, "redacted_thinking", string(b.end()))
	return s.stop(dst)
}

func (s *Stream) toolCall(dst []byte, c messages.Chunk) []byte {
	if slices.Contains(s.closed, c.Index) {
		return dst
	}
	if s.open != "tool_use" || s.call != c.Index {
		dst = s.stop(dst)
		s.call = c.Index
		b := begin(nil)
		b.string("type", "tool_use")
		b.string("id", callID(c.Details().CallID))
		b.string("name", c.Details().Name)
		b.literal("input", "{}")
		dst = s.begin(dst, "tool_use", string(b.end()))
	}
	if c.Text == "" {
		return dst
	}
	return s.delta(dst, "input_json_delta", "partial_json", c.Text)
}

// begin starts a block of the kind unless one runs.
func (s *Stream) begin(dst []byte, kind, block string) []byte {
	if s.open == kind {
		return dst
	}
	dst = s.stop(dst)
	s.open = kind
	e := openEvent(dst, "content_block_start")
	e.int("index", s.block)
	e.literal("content_block", block)
	return closeEvent(e)
}

// stop ends the running block, if any.
func (s *Stream) stop(dst []byte) []byte {
	if s.open == "" {
		return dst
	}
	if s.open == "tool_use" {
		s.closed = append(s.closed, s.call)
	}
	s.open = ""
	e := openEvent(dst, "content_block_stop")
	e.int("index", s.block)
	s.block++
	return closeEvent(e)
}

func (s *Stream) delta(dst []byte, kind, member, text string) []byte {
	e := openEvent(dst, "content_block_delta")
	e.int("index", s.block)
	e.name("delta")
	d := begin(e.dst)
	d.string("type", kind)
	d.string(member, text)
	e.dst = d.end()
	return closeEvent(e)
}

func (s *Stream) end(dst []byte, outcome *messages.TurnOutcome) []byte {
	s.ended = true
	dst = s.stop(dst)
	if f := brokenOff(outcome); f != nil {
		return s.fail(dst, f)
	}
	e := openEvent(dst, "message_delta")
	e.name("delta")
	d := begin(e.dst)
	d.string("stop_reason", stopReason(s.finish))
	d.literal("stop_sequence", "null")
	e.dst = d.end()
	appendUsage(&e, s.Usage)
	return closeEvent(openEvent(closeEvent(e), "message_stop"))
}

func (s *Stream) fail(dst []byte, f *messages.Failure) []byte {
	e := openEvent(dst, "error")
	e.name("error")
	w := begin(e.dst)
	w.string("type", kindOf(f.Code))
	w.string("message", f.What+"; "+f.Do)
	e.dst = w.end()
	return closeEvent(e)
}

// brokenOff says why a reply is not whole, and nil for one that is: one that
// ended at its limit of tokens, or at a filter, says so in its stop reason.
func brokenOff(o *messages.TurnOutcome) *messages.Failure {
	switch {
	case o.Err != nil:
		return messages.AsFailure(o.Err)
	case o.Status == messages.TurnComplete,
		o.Status == messages.TurnPartial && (o.Reason == messages.ReasonMaxTokens || o.Reason == messages.ReasonContentFilter):
		return nil
	case o.Status == messages.TurnCancelled:
		return &messages.Failure{Code: messages.CodeCancelled, What: "the reply was cancelled", Do: "send the request again"}
	case o.Reason == messages.ReasonDeadline:
		return &messages.Failure{Code: messages.CodeDeadline, What: "the reply took longer than its deadline", Do: "ask for less, or raise the deadline"}
	default:
		return &messages.Failure{Code: messages.CodeProviderFailed, What: "the reply broke off in the middle", Do: "send the request again"}
	}
}

// openEvent begins an event whose data says its name again, as Anthropic's does.
func openEvent(dst []byte, name string) object {
	dst = append(append(append(dst, "event: "...), name...), "\ndata: "...)
	e := begin(dst)
	e.string("type", name)
	return e
}

// closeEvent ends the data, which has no line break: quoting sees to that.
func closeEvent(e object) []byte { return append(e.end(), "\n\n"...) }
