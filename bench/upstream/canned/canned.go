// Package canned plays OpenAI's server with the least work: every request gets
// the same reply, rendered once, in as many writes as a model's server would
// need. It is for measuring what stands in front of it, on machines where the
// upstream has to share a core with what makes the load. Package fake beside it
// knows formats, histories and faults, and costs several times as much.
//
//	POST (any path)   a chat completion of [Tokens] tokens, streamed where the body has "stream":true
//	GET  (any path)   ok
//
// A model's name may say delay-D, before the first byte, interval-D, between two
// tokens of a stream, and tokens-N, how many a stream has:
// gpt-fake-delay-100ms-interval-5ms. Behind the word clock each token of a stream is
// the time at which it is sent, in [ClockDigits] digits of microseconds and a blank.
package canned

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// Tokens is how many tokens every reply has. Each is a chunk of a stream.
const Tokens = 20

// replies are the bytes of both kinds.
type replies struct {
	plain []byte
	// The events of a stream, as chunks of HTTP: the first with the head of the
	// reply, and the last with its end.
	stream [][]byte
	clock  clock
	alive  []byte
}

// clock is an event whose token is a time.
type clock struct {
	event []byte
	at    int // where in it the digits are
}

// ClockDigits is how many digits a time has.
const ClockDigits = 16

// append writes the event with the time.
func (c *clock) append(dst []byte, now time.Time) []byte {
	start := len(dst) + c.at
	dst = append(dst, c.event...)
	left := now.UnixMicro()
	for i := start + ClockDigits - 1; i >= start; i-- {
		dst[i] = byte('0' + left%10)
		left /= 10
	}
	return dst
}

func render() *replies {
	r := &replies{alive: head("text/plain", "Content-Length: 3\r\n", "ok\n")}
	var whole openai.ChatReply
	stream := openai.ChatStream{Model: "canned", Created: created, IncludeUsage: true}
	for i, chunk := range script() {
		whole.Add(chunk)
		event := stream.Append(nil, chunk)
		switch {
		case len(event) == 0:
		case i <= Tokens:
			r.stream = append(r.stream, httpChunk(event))
		default: // the end comes in one piece
			r.stream[len(r.stream)-1] = append(r.stream[len(r.stream)-1], httpChunk(event)...)
		}
	}
	last := len(r.stream) - 1
	r.stream[last] = append(r.stream[last], "0\r\n\r\n"...)
	r.stream[0] = append(head("text/event-stream", "Transfer-Encoding: chunked\r\n", ""), r.stream[0]...)
	digits := strings.Repeat("0", ClockDigits)
	r.clock.event = httpChunk(stream.Append(nil, messages.Chunk{Kind: messages.ChunkText, Text: digits + " "}))
	r.clock.at = bytes.LastIndex(r.clock.event, []byte(digits))
	body := whole.AppendJSON(nil, messages.TurnID{15: 1}, "canned", created)
	r.plain = head("application/json", fmt.Sprintf("Content-Length: %d\r\n", len(body)), string(body))
	return r
}

var created = time.Unix(1_700_000_000, 0)

// script is the reply: that it began, its tokens, and how it ended.
func script() []messages.Chunk {
	chunks := []messages.Chunk{{Kind: messages.ChunkOpened, Served: &messages.Served{Model: "canned"}}}
	for i := range Tokens {
		chunks = append(chunks, messages.Chunk{Kind: messages.ChunkText, Text: fmt.Sprintf("token%02d ", i)})
	}
	return append(chunks,
		messages.Chunk{Kind: messages.ChunkFinish, Finish: messages.FinishStop},
		messages.Chunk{Kind: messages.ChunkUsage, Usage: &messages.Usage{Input: 200, Output: Tokens}},
		messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnComplete}})
}

func head(contentType, framing, body string) []byte {
	return []byte("HTTP/1.1 200 OK\r\nContent-Type: " + contentType + "\r\n" + framing + "\r\n" + body)
}

func httpChunk(event []byte) []byte {
	return append(append(fmt.Appendf(nil, "%x\r\n", len(event)), event...), "\r\n"...)
}
