package openai

import (
	"bytes"
	"errors"

	"example.com/parley/messages"
)

// ChatDecoder turns a provider's chat completion into chunks: the payloads of a
// stream, one after the other, or a reply in one piece. It takes what servers of
// this format are known to send, whatever OpenAI's own does. Its zero value is
// ready; one goroutine uses it.
type ChatDecoder struct {
	*reader // while a payload is read
	emit    func(messages.Chunk)
	opened  bool
	id      string // of the completion
	served  messages.Served
	calls   callIndex
	usage   *messages.Usage
	echo    echo

	choice  choice
	payload payload
}

// payload is what one JSON object says beside its choices.
type payload struct {
	chunks  int // emitted
	choices bool
	usage   *messages.Usage
	failed  bool // there is an error
}

// donePayload ends a stream.
const donePayload = "[DONE]"

// Decode reads one SSE payload and hands its chunks to emit. It returns done for
// the payload that ends the stream. An error is a *messages.Failure when the
// provider says that the reply failed; any other means that data is malformed,
// and the caller may go on with the next.
func (d *ChatDecoder) Decode(data []byte, emit func(messages.Chunk)) (done bool, err error) {
	if chunk, ok := d.echo.match(data); ok {
		if chunk.Text != "" {
			emit(chunk)
		}
		return false, nil
	}
	if string(bytes.TrimSpace(data)) == donePayload {
		return true, nil
	}
	d.reader, d.emit = newLenientReader(data), emit
	err = d.decode(data)
	d.release()
	d.reader, d.emit = nil, nil
	return false, err
}

func (d *ChatDecoder) decode(data []byte) error {
	d.echo.forget()
	d.payload = payload{}
	if err := d.object(d.member); err != nil {
		return err
	}
	if err := d.end(); err != nil {
		return err
	}
	if d.payload.failed {
		return decodeStreamError(data)
	}
	if u := d.payload.usage; u != nil {
		d.send(messages.Chunk{Kind: messages.ChunkUsage, Usage: u})
	}
	d.echo.learn(data, d.payload.chunks)
	return nil
}

// member reads a member of the payload. id, model and the like come before the
// choices with every server; where they don't, the chunks say less.
func (d *ChatDecoder) member(name []byte) (err error) {
	switch string(name) {
	case "id":
		d.id, err = d.reader.again(d.id)
	case "model":
		d.served.Model, err = d.reader.again(d.served.Model)
	case "system_fingerprint":
		d.served.Fingerprint, err = d.reader.again(d.served.Fingerprint)
	case "service_tier":
		d.served.ServiceTier, err = d.reader.again(d.served.ServiceTier)
	case "obfuscation":
		d.echo.noise, err = d.place()
	case "choices":
		d.payload.choices = true
		err = d.choices()
	case "usage":
		if !d.isObject() {
			return d.skip()
		}
		d.payload.usage, err = d.chatUsage()
	case "error":
		d.payload.failed = true
		err = d.skip()
	default:
		err = d.skip()
	}
	return err
}

// choices reads the choices. The first that says anything opens the stream.
func (d *ChatDecoder) choices() error {
	if !d.isArray() {
		return d.skip()
	}
	return d.array(maxChoices, func(int) error { return d.readChoice() })
}

func (d *ChatDecoder) send(c messages.Chunk) {
	if !d.opened {
		d.opened = true
		served := d.served
		d.emit(messages.Chunk{Kind: messages.ChunkOpened, Served: &served})
	}
	d.payload.chunks++
	d.emit(c)
}

// DecodeChatReply reads a reply in one piece. Errors are *messages.Failure.
func DecodeChatReply(body []byte) ([]messages.Chunk, error) {
	var d ChatDecoder
	chunks := make([]messages.Chunk, 0, 4) // opened, text, finish, usage
	_, err := d.Decode(body, func(c messages.Chunk) { chunks = append(chunks, c) })
	if f, ok := errors.AsType[*messages.Failure](err); ok {
		return nil, f
	}
	if err == nil && !d.payload.choices {
		err = errNoChoices
	}
	if err != nil {
		return nil, &messages.Failure{
			Code: messages.CodeProviderFailed, What: "the provider's reply cannot be read",
			Do: "send the request again", Cause: err,
		}
	}
	return chunks, nil
}

var errNoChoices = errors.New("the reply has no choices")
