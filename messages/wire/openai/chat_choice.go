package openai

import (
	"encoding/json"
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

// nextChoice returns an empty choice behind those of the payload. What an earlier
// payload's held is used again.
func (d *ChatDecoder) nextChoice() *choice {
	if len(d.choices) == cap(d.choices) {
		d.choices = append(d.choices, choice{})
	} else {
		d.choices = d.choices[:len(d.choices)+1]
	}
	c := &d.choices[len(d.choices)-1]
	*c = choice{calls: c.calls[:0], extra: c.extra[:0]}
	return c
}

// readChoice reads a choice of a stream, or of a reply in one piece.
func (d *ChatDecoder) readChoice(int) error {
	if !d.isObject() {
		return d.skip()
	}
	c := d.nextChoice()
	return d.object(func(name []byte) (err error) {
		switch string(name) {
		case "index":
			if c.index, err = d.tally(); c.index >= maxChoices {
				err = d.malformed()
			}
		case "delta", "message":
			err = d.readDelta(c)
		case "finish_reason":
			c.finish, err = d.word()
		case "logprobs":
			c.logprobs, err = d.carried()
		default:
			err = d.skip()
		}
		return err
	})
}

func (d *ChatDecoder) readDelta(c *choice) error {
	if !d.isObject() {
		return d.skip()
	}
	return d.object(func(name []byte) (err error) {
		switch string(name) {
		case "role":
			err = d.skip()
		case "content":
			c.text, err = d.deltaText(c)
		case "reasoning_content":
			c.reasoning, err = d.deltaText(c)
		case "reasoning": // the same by its newer name; some servers send both
			switch {
			case !d.isString():
				err = d.deltaExtra(c, name)
			case c.reasoning != "":
				err = d.skip()
			default:
				c.reasoning, err = d.deltaText(c)
			}
		case "refusal":
			c.refusal, err = d.deltaText(c)
		case "tool_calls":
			err = d.readCalls(c)
		default:
			err = d.deltaExtra(c, name)
		}
		return err
	})
}

// deltaText reads a string and remembers where it stood. Some servers send
// content as parts; their texts are joined.
func (d *ChatDecoder) deltaText(c *choice) (string, error) {
	switch d.peek() {
	case '"':
		from := d.start()
		text, err := d.string()
		if text != "" {
			c.literal = span{from, d.at}
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
func (d *ChatDecoder) deltaExtra(c *choice, name []byte) error {
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

// sayChoice turns the choice into chunks, in the order in which a model brings
// them forth. The first of them carries what Parley does not read.
func (d *ChatDecoder) sayChoice(c *choice) error {
	rest := messages.Chunk{Choice: c.index}
	if c.logprobs != nil || len(c.extra) > 0 {
		rest.Detail = &messages.ChunkDetail{Logprobs: c.logprobs, Extra: append(json.RawMessage(nil), c.extra...)}
	}
	d.sayText(&rest, messages.ChunkReasoning, c.reasoning, c.literal)
	d.sayText(&rest, messages.ChunkText, c.text, c.literal)
	d.sayText(&rest, messages.ChunkRefusal, c.refusal, c.literal)
	for i := range c.calls {
		d.sayCall(&rest, &c.calls[i])
	}
	if rest.Detail != nil {
		rest.Kind = messages.ChunkText
		d.say(rest)
	}
	if c.finish == "" {
		return nil
	}
	reason, err := finishReason(c.finish)
	if err != nil {
		return err
	}
	d.finished = true
	d.say(messages.Chunk{Kind: messages.ChunkFinish, Choice: c.index, Finish: reason})
	return nil
}

func (d *ChatDecoder) sayText(rest *messages.Chunk, kind messages.ChunkKind, text string, literal span) {
	if text == "" {
		return
	}
	chunk := take(rest)
	chunk.Kind, chunk.Text = kind, text
	d.echo.candidate(literal, chunk)
	d.say(chunk)
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
