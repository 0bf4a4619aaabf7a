package openai

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"example.com/parley/messages"
)

// choice is one choice of a payload, before it becomes chunks.
type choice struct {
	index     int
	reasoning string
	text      string
	refusal   string
	calls     []callFragment
	finish    string
	logprobs  []byte
	extra     []byte
	literal   span // of the one string that a plain delta consists of
}

// readChoice reads a choice of a stream or of a reply in one piece, and sends
// what it says.
func (d *ChatDecoder) readChoice() error {
	c := &d.choice
	*c = choice{calls: c.calls[:0], extra: c.extra[:0]}
	if !d.isObject() {
		return d.skip()
	}
	err := d.object(func(name []byte) (err error) {
		switch string(name) {
		case "index":
			c.index, err = d.tally()
		case "delta", "message":
			err = d.readDelta()
		case "finish_reason":
			c.finish, err = d.word()
		case "logprobs":
			c.logprobs, err = d.carried()
		default:
			err = d.skip()
		}
		return err
	})
	if err != nil {
		return err
	}
	return d.sendChoice()
}

func (d *ChatDecoder) readDelta() error {
	c := &d.choice
	if !d.isObject() {
		return d.skip()
	}
	return d.object(func(name []byte) (err error) {
		switch string(name) {
		case "role":
			err = d.skip()
		case "content":
			c.text, err = d.deltaText()
		case "reasoning_content":
			c.reasoning, err = d.deltaText()
		case "reasoning": // the same by its newer name; some servers send both
			if c.reasoning != "" || !d.isString() {
				return d.deltaExtra(name)
			}
			c.reasoning, err = d.deltaText()
		case "refusal":
			c.refusal, err = d.deltaText()
		case "tool_calls":
			err = d.readCalls()
		default:
			err = d.deltaExtra(name)
		}
		return err
	})
}

// deltaText reads a string and remembers where it stood. Some servers send
// content as parts; their texts are joined.
func (d *ChatDecoder) deltaText() (string, error) {
	switch d.peek() {
	case '"':
		from := d.start()
		text, err := d.string()
		if text != "" {
			d.choice.literal = span{from, d.at}
		}
		return text, err
	case '[':
		return d.joinedText()
	default:
		return "", d.skip()
	}
}

// joinedText reads an array of parts and joins what text they have.
func (r *reader) joinedText() (string, error) {
	var text []byte
	err := r.array(maxParts, func(int) error {
		if !r.isObject() {
			return r.skip()
		}
		return r.object(func(name []byte) error {
			if string(name) != "text" {
				return r.skip()
			}
			part, err := r.word()
			text = append(text, part...)
			return err
		})
	})
	return string(text), err
}

// deltaExtra keeps a member that Parley does not read.
func (d *ChatDecoder) deltaExtra(name []byte) error {
	c := &d.choice
	before := len(c.extra)
	if before > 0 {
		c.extra = append(c.extra, ',')
	}
	c.extra = append(appendString(c.extra, string(name)), ':')
	value, err := d.carried()
	if err != nil || value == nil {
		c.extra = c.extra[:before]
		return err
	}
	c.extra = append(c.extra, value...)
	return nil
}

// carried reads a value that goes to clients as it is: one whose text is not
// UTF-8 is left out.
func (r *reader) carried() ([]byte, error) {
	value, err := r.raw()
	if err != nil || !utf8.Valid(value) {
		return nil, err
	}
	return value, nil
}

// sendChoice turns the choice into chunks, in the order in which a model brings
// them forth. The first of them carries what Parley does not read.
func (d *ChatDecoder) sendChoice() error {
	c := &d.choice
	rest := messages.Chunk{Choice: c.index, Logprobs: c.logprobs}
	if len(c.extra) > 0 {
		rest.Extra = bytes.Clone(c.extra)
	}
	if c.index >= maxChoices {
		return fmt.Errorf("choice %d", c.index)
	}
	d.sendText(&rest, messages.ChunkReasoning, c.reasoning)
	d.sendText(&rest, messages.ChunkText, c.text)
	d.sendText(&rest, messages.ChunkRefusal, c.refusal)
	for i := range c.calls {
		d.sendCall(&rest, &c.calls[i])
	}
	if rest.Logprobs != nil || rest.Extra != nil {
		rest.Kind = messages.ChunkText
		d.send(rest)
	}
	if c.finish == "" {
		return nil
	}
	reason, err := finishReason(c.finish)
	if err != nil {
		return err
	}
	d.send(messages.Chunk{Kind: messages.ChunkFinish, Choice: c.index, Finish: reason})
	return nil
}

func (d *ChatDecoder) sendText(rest *messages.Chunk, kind messages.ChunkKind, text string) {
	if text == "" {
		return
	}
	chunk := take(rest)
	chunk.Kind, chunk.Text = kind, text
	d.echo.candidate(d.choice.literal, chunk)
	d.send(chunk)
}

// take returns a chunk with what rest carries, and leaves rest nothing but its
// choice.
func take(rest *messages.Chunk) messages.Chunk {
	chunk := *rest
	*rest = messages.Chunk{Choice: rest.Choice}
	return chunk
}

// finishReason reads why a model stopped, in the words of OpenAI and of servers
// that resemble it. A word that nobody knows is a stop: the model did end.
func finishReason(s string) (messages.FinishReason, error) {
	switch s {
	case "length", "max_tokens", "max_length", "model_length":
		return messages.FinishLength, nil
	case "tool_calls", "tool_use":
		return messages.FinishToolCalls, nil
	case "function_call": // of 2023; the call itself travels as Extra
		return "function_call", nil
	case "content_filter", "safety", "SAFETY", "RECITATION", "sensitive":
		return messages.FinishContentFilter, nil
	case "error", "abort", "insufficient_system_resource", "network_error":
		return "", &messages.Failure{
			Code: messages.CodeProviderFailed, What: "the provider broke its reply off",
			Do: "send the request again",
		}
	default:
		return messages.FinishStop, nil
	}
}
