package openai_test

import (
	"strings"
	"testing"
	"time"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// oneKilobyte is a request as chat applications send it.
var oneKilobyte = []byte(`{"model":"gpt-4o","messages":[{"role":"system","content":"You are a helpful assistant."},` +
	`{"role":"user","content":"` + strings.Repeat("What is the meaning of this long text? ", 18) + `"}],` +
	`"temperature":0.7,"stream":true,"max_tokens":256,"stream_options":{"include_usage":true}}`)

// chunkPayload is a payload as OpenAI streams it.
func chunkPayload(text string) []byte {
	return []byte(`{"id":"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG","object":"chat.completion.chunk","created":1741570283,` +
		`"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_fc9f1d7035",` +
		`"choices":[{"index":0,"delta":{"content":"` + text + `"},"logprobs":null,"finish_reason":null}],"usage":null}`)
}

func BenchmarkDecodeChatRequest(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(oneKilobyte)))
	for b.Loop() {
		if _, err := openai.DecodeChatRequest(oneKilobyte); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendChatRequest(b *testing.B) {
	request, err := openai.DecodeChatRequest(oneKilobyte)
	if err != nil {
		b.Fatal(err)
	}
	for name, call := range map[string]*messages.Call{
		"passthrough": {Stream: true, Passthrough: &messages.Passthrough{Format: messages.FormatOpenAIChat, Body: oneKilobyte}},
		"built":       {Stream: true, Items: request.Input, Options: request.Options},
	} {
		b.Run(name, func(b *testing.B) {
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				if dst, err = openai.AppendChatRequest(dst[:0], "gpt-4o", call); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkChatChunk is the cost of a token on its way through: read from the
// provider, written to the client.
func BenchmarkChatChunk(b *testing.B) {
	for name, payloads := range map[string][2][]byte{
		"repeating": {chunkPayload(" Hello"), chunkPayload(", world")},
		"escaped":   {chunkPayload(` \"Hello\"\n`), chunkPayload(`\u00e9t\u00e9`)},
		"changing": {
			chunkPayload(" Hello"),
			[]byte(strings.Replace(string(chunkPayload(", world")), `"usage":null`, `"x":1,"usage":null`, 1)),
		},
	} {
		b.Run(name, func(b *testing.B) {
			var decoder openai.ChatDecoder
			stream := openai.ChatStream{Model: "gpt-4o", Created: time.Unix(1741570283, 0)}
			var dst []byte
			relay := func(c messages.Chunk) { dst = stream.Append(dst[:0], c) }
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				i ^= 1
				if _, err := decoder.Decode(payloads[i], relay); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkResponseDelta(b *testing.B) {
	stream := openai.NewResponseStream(&messages.TurnRecord{Model: "gpt-4o"})
	chunk := messages.Chunk{Kind: messages.ChunkText, Text: " Hello"}
	dst := stream.Append(nil, chunk)
	b.ReportAllocs()
	for b.Loop() {
		dst = stream.Append(dst[:0], chunk)
	}
}

func BenchmarkChatReply(b *testing.B) {
	body := []byte(`{"id":"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG","object":"chat.completion","created":1741570283,"model":"gpt-4o-2024-08-06",` +
		`"choices":[{"index":0,"message":{"role":"assistant","content":"` + strings.Repeat("A sentence of some words. ", 20) + `","refusal":null,"annotations":[]},` +
		`"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,` +
		`"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}},` +
		`"service_tier":"default","system_fingerprint":"fp_fc9f1d7035"}`)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		chunks, err := openai.DecodeChatReply(body)
		if err != nil {
			b.Fatal(err)
		}
		var reply openai.ChatReply
		for _, c := range chunks {
			reply.Add(c)
		}
		dst = reply.AppendJSON(dst[:0], messages.TurnID{}, "gpt-4o", time.Unix(1741570283, 0))
	}
}

func BenchmarkDecodeResponsesRequest(b *testing.B) {
	body := []byte(`{"model":"gpt-4o","instructions":"You are a helpful assistant.","input":[{"role":"user","content":[{"type":"input_text","text":"` +
		strings.Repeat("What is the meaning of this long text? ", 18) + `"}]}],"stream":true,"conversation":"conv_0123456789abcdef0123456789abcdef"}`)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := openai.DecodeResponsesRequest(body); err != nil {
			b.Fatal(err)
		}
	}
}
