package openai

import (
	"bytes"
	"errors"
	"sync"

	"example.com/parley/messages"
)

// ChatDecoder turns a provider's chat completion into chunks: the payloads of a
// stream, one after the other, or a reply in one piece. It takes what servers of
// this format are known to send, whatever OpenAI's own does. Its zero value is
// ready; one goroutine uses it.
type ChatDecoder struct {
	*reader // while a payload is read
	echo    echo

	opened   bool
	finished bool   // a choice has
	id       string // of the completion
	served   messages.Served
	calls    callIndex
	usage    *messages.Usage // that was not emitted yet

	// Of the payload that is being read:
	choices []choice
	failed  bool             // there is an error
	said    []messages.Chunk // what it comes to
}

// donePayload ends a stream.
const donePayload = "[DONE]"

// Decode reads one SSE payload and hands its chunks to emit. It returns done for
// the payload that ends the stream. An error is a *messages.Failure when the
// provider says that the reply failed; any other means that data is malformed
// and nothing was emitted, and the caller may go on with the next.
func (d *ChatDecoder) Decode(data []byte, emit func(messages.Chunk)) (done bool, err error) {
	if chunk, ok := d.echo.match(data); ok {
		d.choices, d.said = nil, nil // most that follow are read without
		emit(chunk)
		return false, nil
	}
	if string(bytes.TrimSpace(data)) == donePayload {
		d.sayUsage()
		d.flush(emit)
		return true, nil
	}
	d.reader = newLenientReader(data)
	err = d.decode(data)
	d.release()
	d.reader = nil
	if err == nil {
		d.echo.learn(data, len(d.said))
		d.flush(emit)
	}
	return false, err
}

func (d *ChatDecoder) decode(data []byte) error {
	d.echo.forget()
	d.choices, d.failed, d.said = d.choices[:0], false, d.said[:0]
	if err := d.object(d.member); err != nil {
		return err
	}
	if err := d.end(); err != nil {
		return err
	}
	if d.failed {
		return decodeStreamError(data)
	}
	for i := range d.choices { // now that the payload is known to be good
		if err := d.sayChoice(&d.choices[i]); err != nil {
			return err
		}
	}
	if d.finished || len(d.choices) == 0 {
		d.sayUsage()
	}
	return nil
}

// flush emits what the payload said. The stream's first chunk is preceded by the
// news that the provider answers, and as whom: some servers write that last.
func (d *ChatDecoder) flush(emit func(messages.Chunk)) {
	if !d.opened && len(d.said) > 0 {
		d.opened = true
		served := d.served
		emit(messages.Chunk{Kind: messages.ChunkOpened, Served: &served})
	}
	for i := range d.said {
		emit(d.said[i])
	}
	clear(d.said)
	d.said = d.said[:0]
}

// member reads a member of the payload.
func (d *ChatDecoder) member(name []byte) (err error) {
	switch string(name) {
	case "id":
		d.id, err = d.again(d.id)
	case "model":
		d.served.Model, err = d.again(d.served.Model)
	case "system_fingerprint":
		d.served.Fingerprint, err = d.again(d.served.Fingerprint)
	case "service_tier":
		d.served.ServiceTier, err = d.again(d.served.ServiceTier)
	case "obfuscation":
		d.echo.noise, err = d.place()
	case "choices":
		if !d.isArray() {
			return d.skip()
		}
		err = d.array(maxChoices, d.readChoice)
	case "usage":
		if !d.isObject() {
			return d.skip()
		}
		d.usage, err = d.chatUsage()
	case "error":
		d.failed = true
		err = d.skip()
	default:
		err = d.skip()
	}
	return err
}

// say keeps a chunk until the payload is read.
func (d *ChatDecoder) say(c messages.Chunk) { d.said = append(d.said, c) }

// sayUsage tells what was counted. Some servers count in every payload: what they
// say before the reply has finished waits for what they say next.
func (d *ChatDecoder) sayUsage() {
	if d.usage != nil {
		d.say(messages.Chunk{Kind: messages.ChunkUsage, Usage: d.usage})
		d.usage = nil
	}
}

// DecodeChatReply reads a reply in one piece. Errors are *messages.Failure.
func DecodeChatReply(body []byte) ([]messages.Chunk, error) {
	const usual = 4 // opened, text, finish, usage
	d := replyDecoders.Get().(*ChatDecoder)
	defer d.recycle()
	chunks := make([]messages.Chunk, 0, usual)
	collect := func(c messages.Chunk) { chunks = append(chunks, c) }
	_, err := d.Decode(body, collect)
	if err == nil && len(d.choices) == 0 {
		err = errNoChoices
	}
	if f, ok := errors.AsType[*messages.Failure](err); ok {
		return nil, f
	}
	if err != nil {
		return nil, &messages.Failure{
			Code: messages.CodeProviderFailed, What: "the provider's reply cannot be read",
			Do: "send the request again", Cause: err,
		}
	}
	if !d.finished { // it came in one piece, so that it is whole
		d.say(messages.Chunk{Kind: messages.ChunkFinish, Finish: messages.FinishStop})
		d.sayUsage()
		d.flush(collect)
	}
	return chunks, nil
}

// replyDecoders are used for one reply in one piece each. What they are made of is
// as large as a short reply.
var replyDecoders = sync.Pool{New: func() any { return new(ChatDecoder) }}

// recycle keeps what the decoder is made of, and nothing that was said.
func (d *ChatDecoder) recycle() {
	choices, said := d.choices[:cap(d.choices)], d.said[:cap(d.said)]
	clear(choices)
	clear(said)
	*d = ChatDecoder{choices: choices[:0], said: said[:0]}
	replyDecoders.Put(d)
}

var errNoChoices = errors.New("the reply has no choices")
