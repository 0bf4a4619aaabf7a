package openai

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/parley/messages"
)

// echo knows a stream's last payload by heart. The payloads of a stream are the
// same bytes around another string, nearly always: reading that string alone is
// ten times as fast as reading the payload.
//
// A payload that is equal before and behind the string, and has a valid string
// in its place, reads as the last one did, but for that string.
type echo struct {
	before, after []byte
	chunk         messages.Chunk // what the payload said, with another text
	known         bool

	literal    span
	candidates int
	scratch    []byte
}

// forget begins a payload that is read in full.
func (e *echo) forget() { e.known, e.candidates = false, 0 }

// candidate says that chunk comes of the string at literal.
func (e *echo) candidate(literal span, chunk messages.Chunk) {
	e.literal, e.chunk = literal, chunk
	e.candidates++
	if chunk.Logprobs != nil || chunk.Extra != nil {
		e.spoil()
	}
}

// spoil says that the payload is one that does not repeat.
func (e *echo) spoil() { e.candidates += 2 }

// learn remembers data if it said nothing but one text.
func (e *echo) learn(data []byte, chunks int) {
	if chunks != 1 || e.candidates != 1 || e.literal.to == 0 {
		return
	}
	e.before = append(e.before[:0], data[:e.literal.from]...)
	e.after = append(e.after[:0], data[e.literal.to:]...)
	e.known = true
}

// match reads data if it repeats the last payload with another text.
func (e *echo) match(data []byte) (messages.Chunk, bool) {
	if !e.known || len(data) < len(e.before)+len(e.after) ||
		!bytes.HasPrefix(data, e.before) || !bytes.HasSuffix(data, e.after) {
		return messages.Chunk{}, false
	}
	var err error
	e.scratch, err = jsontext.AppendUnquote(e.scratch[:0], data[len(e.before):len(data)-len(e.after)])
	if err != nil || len(e.scratch) == 0 {
		return messages.Chunk{}, false
	}
	chunk := e.chunk
	chunk.Text = string(e.scratch)
	return chunk, true
}
