package conversation

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"example.com/parley/messages"
)

// A reply that breaks in the middle can be continued by another provider, where
// the request asks for it. That one reads what its predecessor said, as a message
// of the assistant, and is asked to go on: no format has another way that all its
// models take. What it repeats of the end is left out.

// continuation is what is needed to go on. The turn's goroutine owns it.
type continuation struct {
	said    []byte // the text so far, which is all that the client was shown
	unfit   bool   // something other than text was shown, which cannot be continued
	held    []byte // of the new provider's text, until it is known what it repeats
	joining bool   // it is held
	resumes bool   // the reply was begun by an earlier owner of the conversation
}

const (
	// overlap is how much of a new provider's text is compared with the end of
	// what was said. Models that repeat something repeat a few words.
	overlap = 256 // bytes
	// leastOverlap is the shortest repetition that is taken for one. A shorter
	// one may be meant: "ha ha".
	leastOverlap = 12 // bytes
)

// mayContinue tells whether another provider may go on where this one broke off.
func (t *turn) mayContinue(err error) bool {
	switch {
	case !t.spec.Continue || !t.spec.Stream || t.spec.Options.N > 1 || t.rest.unfit || t.finish != "":
		return false
	case messages.AsFailure(err).NoRetry:
		return false
	default:
		return mayFallBack(err)
	}
}

// note remembers what is shown.
func (c *continuation) note(chunk *messages.Chunk) {
	switch chunk.Kind {
	case messages.ChunkText:
		c.said = append(c.said, chunk.Text...)
	case messages.ChunkOpened, messages.ChunkReasoning: // are not part of the answer
	default:
		c.unfit = true
	}
}

// handOver makes the turn ready for the next provider, and returns what to ask it.
func (t *turn) handOver(call *messages.Call) *messages.Call {
	if t.spoke() {
		before := t.served
		t.before = &before
	}
	t.served, t.usage, t.output, t.opened, t.tail = messages.Served{}, nil, 0, false, t.tail[:0]
	t.rest.joining, t.rest.held = len(t.rest.said) > 0, t.rest.held[:0]
	if len(t.rest.said) == 0 { // it thought, and nothing more
		return call
	}
	next := *call
	next.Passthrough = nil // its body has no place for what was said
	next.Items = slices.Concat(call.Items, []messages.Item{
		messages.TextMessage(messages.RoleAssistant, string(t.rest.said)), messages.TextMessage(messages.RoleUser, messages.GoOn),
	})
	return &next
}

// spoke tells whether the provider that was called last said anything.
func (t *turn) spoke() bool { return t.served.Provider != "" && !t.opened }

// predecessors names who said the beginning of a reply that is being continued.
func (t *turn) predecessors() string {
	if t.before == nil {
		return ""
	}
	return strings.TrimPrefix(t.before.Earlier+", "+t.before.Provider+"/"+t.before.Model, ", ")
}

// join returns what of a new provider's text is to be shown: nothing until
// enough came to know what it repeats.
func (c *continuation) join(text string) string {
	if !c.joining {
		return text
	}
	c.held = append(c.held, text...)
	if len(c.held) < overlap {
		return ""
	}
	return c.joined()
}

// joined returns what was held, without what it repeats.
func (c *continuation) joined() string {
	c.joining = false
	return string(c.held[repeated(c.said, c.held):])
}

// repeated is how many bytes at the beginning of next are the end of said.
func repeated(said, next []byte) int {
	for n := min(len(said), len(next), overlap); n >= leastOverlap; n-- {
		if bytes.HasSuffix(said, next[:n]) {
			return n
		}
	}
	return 0
}

// salvage shows what is held of a reply that broke off, so that whoever goes on
// knows of it. What may be the middle of a repetition is left out.
func (t *turn) salvage(ctx context.Context) error {
	tail := t.rest.said[max(0, len(t.rest.said)-overlap):]
	if bytes.Contains(tail, t.rest.held) {
		return nil
	}
	return t.release(ctx)
}

// release shows what is held at the end of a reply that was shorter than that.
func (t *turn) release(ctx context.Context) error {
	if !t.rest.joining {
		return nil
	}
	text := t.rest.joined()
	if text == "" {
		return nil
	}
	return t.passOn(ctx, messages.Chunk{Kind: messages.ChunkText, Text: text})
}
