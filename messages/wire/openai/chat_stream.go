package openai

import (
	"time"

	"example.com/parley/messages"
)

// ChatStream writes a turn's chunks as the event stream of a chat completion.
// Set its fields before the first Append. One goroutine uses it.
type ChatStream struct {
	ID           messages.TurnID
	Model        string // as the client named it
	Created      time.Time
	IncludeUsage bool

	head   []byte // what every event begins with, up to the choices
	begun  [maxChoices / 64]uint64
	usage  *messages.Usage
	served messages.Served
}

// Append writes the events that c becomes behind dst: none for most chunks that
// are no deltas. The first delta of each choice has the role. ChunkEnd becomes
// the usage, where it is asked for, and [DONE]; or an error and nothing behind
// it when the reply broke off, since without [DONE] clients know that it did.
func (s *ChatStream) Append(dst []byte, c messages.Chunk) []byte {
	switch c.Kind {
	case messages.ChunkOpened:
		s.served, s.head = *c.Served, nil
		if c.Served.Earlier != "" {
			dst = appendContinued(dst, c.Served)
		}
		return dst
	case messages.ChunkUsage:
		s.usage = c.Usage
		return dst
	case messages.ChunkEnd:
		return s.appendEnd(dst, c.End)
	default:
		return s.appendChoice(dst, &c)
	}
}

func (s *ChatStream) appendHead(dst []byte) []byte {
	if s.head == nil {
		w := begin([]byte("data: "))
		w.string("id", ChatID(s.ID))
		w.string("object", "chat.completion.chunk")
		w.int("created", s.Created.Unix())
		w.string("model", s.Model)
		w.served(&s.served)
		w.name("choices")
		s.head = w.dst
	}
	return append(append(dst, s.head...), '[')
}

// served writes what a provider says of itself, where it does.
func (o *object) served(served *messages.Served) {
	if served.ServiceTier != "" {
		o.string("service_tier", served.ServiceTier)
	}
	if served.Fingerprint != "" {
		o.string("system_fingerprint", served.Fingerprint)
	}
}

func (s *ChatStream) appendChoice(dst []byte, c *messages.Chunk) []byte {
	w := begin(s.appendHead(dst))
	w.int("index", int64(c.Choice))
	w.name("delta")
	delta := begin(w.dst)
	if s.isFirst(c.Choice) {
		delta.raw("role", []byte(`"assistant"`))
	}
	delta.delta(c)
	w.dst = delta.end()
	if c.Details().Logprobs != nil {
		w.raw("logprobs", c.Details().Logprobs)
	} else {
		w.null("logprobs")
	}
	if c.Kind == messages.ChunkFinish {
		w.string("finish_reason", string(c.Finish))
	} else {
		w.null("finish_reason")
	}
	dst = append(w.end(), ']')
	if s.IncludeUsage {
		dst = append(dst, `,"usage":null`...)
	}
	return append(dst, "}\n\n"...)
}

// isFirst tells whether the choice says something for the first time.
func (s *ChatStream) isFirst(choice int) bool {
	word, bit := &s.begun[choice/64%len(s.begun)], uint64(1)<<(choice%64)
	first := *word&bit == 0
	*word |= bit
	return first
}

// delta writes what a chunk adds to its choice.
func (o *object) delta(c *messages.Chunk) {
	switch c.Kind {
	case messages.ChunkText:
		if c.Text != "" || len(c.Details().Extra) == 0 {
			o.string("content", c.Text)
		}
	case messages.ChunkRefusal:
		o.string("refusal", c.Text)
	case messages.ChunkReasoning:
		o.string("reasoning_content", c.Text)
	case messages.ChunkToolCall:
		o.name("tool_calls")
		o.dst = append(appendCallDelta(append(o.dst, '['), c), ']')
	}
	o.members(c.Details().Extra)
}

func appendCallDelta(dst []byte, c *messages.Chunk) []byte {
	w := begin(dst)
	w.int("index", int64(c.Index))
	first := c.Details().CallID != "" || c.Details().Name != ""
	if first {
		w.string("id", c.Details().CallID)
		w.string("type", toolFunction)
	}
	w.name("function")
	f := begin(w.dst)
	if first {
		f.string("name", c.Details().Name)
	}
	f.string("arguments", c.Text)
	w.dst = f.end()
	return w.end()
}

func (s *ChatStream) appendEnd(dst []byte, end *messages.TurnOutcome) []byte {
	if f := brokenOff(end); f != nil {
		dst = AppendError(append(dst, "data: "...), ErrorOf(f))
		return append(dst, "\n\n"...)
	}
	if s.IncludeUsage && s.usage != nil {
		w := object{dst: append(s.appendHead(dst), ']'), begun: true}
		w.chatUsage(s.usage, &s.served)
		dst = append(w.end(), "\n\n"...)
	}
	return append(dst, "data: [DONE]\n\n"...)
}

// brokenOff says why a reply is not whole, and nil for one that is: a reply that
// ended at its limit of tokens, or at a filter, says so in its finish reason.
func brokenOff(end *messages.TurnOutcome) *messages.Failure {
	switch {
	case end.Err != nil:
		return messages.AsFailure(end.Err)
	case end.Status == messages.TurnComplete:
		return nil
	case end.Status == messages.TurnPartial && (end.Reason == messages.ReasonMaxTokens || end.Reason == messages.ReasonContentFilter):
		return nil
	case end.Status == messages.TurnCancelled:
		return &messages.Failure{Code: messages.CodeCancelled, What: "the reply was cancelled", Do: "send the request again"}
	case end.Reason == messages.ReasonDeadline:
		return &messages.Failure{Code: messages.CodeDeadline, What: "the reply took longer than its deadline", Do: "ask for less, or raise the deadline"}
	default:
		return &messages.Failure{Code: messages.CodeProviderFailed, What: "the reply broke off in the middle", Do: "send the request again"}
	}
}
