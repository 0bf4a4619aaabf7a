package openai

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/parley/messages"
)

// echo knows a stream's last payload by heart. The payloads of a stream are the
// same bytes around another text, nearly always, and, with OpenAI's own, around
// random letters that hide the text's length. Reading those strings alone is ten
// times as fast as reading the payload.
//
// A payload that is equal before, between and behind the strings, and has valid
// strings in their places, reads as the last one did, but for the text.
type echo struct {
	before, between, after []byte // between is used with noise alone
	chunk                  messages.Chunk
	known, noisy           bool
	scratch                []byte

	// Of the payload that is being read:
	text, noise span
	candidates  int
}

// forget begins a payload that is read in full.
func (e *echo) forget() { e.known, e.candidates, e.noise = false, 0, span{} }

// candidate says that chunk comes of the string at text.
func (e *echo) candidate(text span, chunk messages.Chunk) {
	e.text, e.chunk = text, chunk
	e.candidates++
	if chunk.Detail != nil {
		e.spoil()
	}
}

// spoil says that the payload is one that does not repeat.
func (e *echo) spoil() { e.candidates += 2 }

// learn remembers data if it said nothing but one text.
func (e *echo) learn(data []byte, chunks int) {
	if chunks != 1 || e.candidates != 1 || e.text.to == 0 {
		return
	}
	e.noisy = e.noise.from > e.text.to
	e.known = e.noisy || e.noise.to == 0
	e.before = append(e.before[:0], data[:e.text.from]...)
	behind := e.text.to
	if e.noisy {
		e.between = append(e.between[:0], data[e.text.to:e.noise.from]...)
		behind = e.noise.to
	}
	e.after = append(e.after[:0], data[behind:]...)
}

// match reads data if it repeats the last payload with another text.
func (e *echo) match(data []byte) (messages.Chunk, bool) {
	if !e.known || len(data) < len(e.before)+len(e.after) ||
		!bytes.HasPrefix(data, e.before) || !bytes.HasSuffix(data, e.after) {
		return messages.Chunk{}, false
	}
	rest := data[len(e.before) : len(data)-len(e.after)]
	if e.noisy && !e.matchNoise(&rest) {
		return messages.Chunk{}, false
	}
	if !e.unquote(rest) || len(e.scratch) == 0 {
		return messages.Chunk{}, false
	}
	chunk := e.chunk
	chunk.Text = string(e.scratch)
	return chunk, true
}

// matchNoise takes the noise, and what stands before it, off the end of rest.
func (e *echo) matchNoise(rest *[]byte) bool {
	end := stringEnd(*rest)
	noise, ok := bytes.CutPrefix((*rest)[end:], e.between)
	if !ok || !e.unquote(noise) {
		return false
	}
	*rest = (*rest)[:end]
	return true
}

// unquote reads a string into the scratch space. It returns false for anything
// that is not one valid string.
func (e *echo) unquote(quoted []byte) bool {
	if last := len(quoted) - 1; last > 0 && quoted[0] == '"' && quoted[last] == '"' && plainLength(quoted[1:last]) == last-1 {
		e.scratch = append(e.scratch[:0], quoted[1:last]...)
		return true
	}
	var err error
	e.scratch, err = jsontext.AppendUnquote(e.scratch[:0], quoted)
	return err == nil
}

// stringEnd is where the string ends that b begins with.
func stringEnd(b []byte) int {
	for end := 1; end < len(b); {
		quote := bytes.IndexByte(b[end:], '"')
		if quote < 0 {
			return len(b)
		}
		end += quote + 1
		escapes := 0
		for end-2-escapes > 0 && b[end-2-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return end
		}
	}
	return len(b)
}
