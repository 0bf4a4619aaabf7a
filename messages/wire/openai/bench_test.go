package openai_test

import (
	"strings"
	"testing"

	"example.com/parley/messages/wire/openai"
)

// oneKilobyte is a request as chat applications send it.
var oneKilobyte = []byte(`{"model":"gpt-4o","messages":[{"role":"system","content":"You are a helpful assistant."},` +
	`{"role":"user","content":"` + strings.Repeat("What is the meaning of this long text? ", 18) + `"}],` +
	`"temperature":0.7,"stream":true,"max_tokens":256,"stream_options":{"include_usage":true}}`)

func BenchmarkDecodeChatRequest(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(oneKilobyte)))
	for b.Loop() {
		if _, err := openai.DecodeChatRequest(oneKilobyte); err != nil {
			b.Fatal(err)
		}
	}
}
