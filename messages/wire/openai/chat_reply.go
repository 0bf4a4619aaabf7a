package openai

import (
	"time"

	"example.com/parley/messages"
)

// ChatReply puts a turn's chunks together into a chat completion in one piece,
// with all its choices. Its zero value is ready; one goroutine uses it.
type ChatReply struct {
	choices []chatChoice
	usage   *messages.Usage
	served  messages.Served
}

// chatChoice is a choice that still grows.
type chatChoice struct {
	text, refusal, reasoning []byte
	calls                    []chatCall
	finish                   messages.FinishReason
	logprobs                 logprobs
	extra                    []byte
}

// chatCall is a tool call that still grows.
type chatCall struct {
	index    int
	id, name string
	args     []byte
}

// Add takes a chunk in.
func (r *ChatReply) Add(c messages.Chunk) {
	switch c.Kind {
	case messages.ChunkOpened:
		r.served = *c.Served
	case messages.ChunkUsage:
		r.usage = c.Usage
	case messages.ChunkEnd:
	default:
		for len(r.choices) <= c.Choice {
			r.choices = append(r.choices, chatChoice{})
		}
		r.choices[c.Choice].add(&c)
	}
}

func (x *chatChoice) add(c *messages.Chunk) {
	switch c.Kind {
	case messages.ChunkText:
		x.text = append(x.text, c.Text...)
	case messages.ChunkRefusal:
		x.refusal = append(x.refusal, c.Text...)
	case messages.ChunkReasoning:
		x.reasoning = append(x.reasoning, c.Text...)
	case messages.ChunkToolCall:
		call := x.call(c)
		call.args = append(call.args, c.Text...)
	case messages.ChunkFinish:
		x.finish = c.Finish
	}
	x.logprobs.add(c.Details().Logprobs)
	if len(c.Details().Extra) > 0 {
		if len(x.extra) > 0 {
			x.extra = append(x.extra, ',')
		}
		x.extra = append(x.extra, c.Details().Extra...)
	}
}

// call returns the tool call that the chunk belongs to.
func (x *chatChoice) call(c *messages.Chunk) *chatCall {
	for i := range x.calls {
		if x.calls[i].index == c.Index {
			return &x.calls[i]
		}
	}
	x.calls = append(x.calls, chatCall{index: c.Index, id: c.Details().CallID, name: c.Details().Name})
	return &x.calls[len(x.calls)-1]
}

// AppendJSON writes the completion behind dst. model is the name that the client
// asked for.
func (r *ChatReply) AppendJSON(dst []byte, id messages.TurnID, model string, created time.Time) []byte {
	w := begin(dst)
	w.string("id", ChatID(id))
	w.string("object", "chat.completion")
	w.int("created", created.Unix())
	w.string("model", model)
	w.array("choices", len(r.choices), func(dst []byte, i int) []byte { return r.choices[i].append(dst, i) })
	if r.usage != nil {
		w.chatUsage(r.usage, &r.served)
	}
	w.served(&r.served)
	return w.end()
}

func (x *chatChoice) append(dst []byte, index int) []byte {
	w := begin(dst)
	w.int("index", int64(index))
	w.name("message")
	w.dst = x.appendMessage(w.dst)
	w.name("logprobs")
	w.dst = x.logprobs.append(w.dst)
	w.stringOrNull("finish_reason", string(x.finish))
	return w.end()
}

func (x *chatChoice) appendMessage(dst []byte) []byte {
	w := begin(dst)
	w.string("role", string(messages.RoleAssistant))
	if len(x.text) == 0 && (len(x.calls) > 0 || len(x.refusal) > 0 || len(x.extra) > 0) {
		w.null("content")
	} else {
		w.text("content", x.text)
	}
	w.stringOrNull("refusal", string(x.refusal))
	if len(x.reasoning) > 0 {
		w.text("reasoning_content", x.reasoning)
	}
	if len(x.calls) > 0 {
		w.array("tool_calls", len(x.calls), func(dst []byte, i int) []byte {
			call := &x.calls[i]
			return appendChatCall(dst, &messages.Item{CallID: call.id, Name: call.name, Args: string(call.args)})
		})
	}
	w.members(x.extra)
	return w.end()
}

// logprobs joins the probabilities that come with the deltas of a choice.
type logprobs struct {
	content, refusal []byte // elements, joined by commas
	any              bool
}

// add takes {"content":[...],"refusal":[...]} in. What has another shape is left
// out.
func (l *logprobs) add(value []byte) {
	if len(value) == 0 {
		return
	}
	l.any = true
	r := newReader(value)
	defer r.release()
	_ = r.object(func(name []byte) error {
		if !r.isArray() {
			return r.skip()
		}
		elements := &l.content
		if string(name) == "refusal" {
			elements = &l.refusal
		}
		return r.array(1<<30, func(int) error {
			element, err := r.view()
			if err != nil {
				return err
			}
			if len(*elements) > 0 {
				*elements = append(*elements, ',')
			}
			*elements = append(*elements, element...)
			return nil
		})
	})
}

func (l *logprobs) append(dst []byte) []byte {
	if !l.any {
		return append(dst, "null"...)
	}
	w := begin(dst)
	w.elements("content", l.content)
	w.elements("refusal", l.refusal)
	return w.end()
}

// elements writes an array, or null for an empty one.
func (o *object) elements(name string, elements []byte) {
	if len(elements) == 0 {
		o.null(name)
		return
	}
	o.name(name)
	o.dst = append(append(append(o.dst, '['), elements...), ']')
}
