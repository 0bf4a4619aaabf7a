package sse_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"example.com/parley/messages/wire/sse"
)

func BenchmarkReader(b *testing.B) {
	const events = 100
	chunk := []byte(`{"id":"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG","object":"chat.completion.chunk","created":1741570283,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":" Hello"},"finish_reason":null}]}`)
	var stream []byte
	for range events {
		stream = sse.AppendEvent(stream, "", chunk)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(stream)))
	for b.Loop() {
		r := sse.NewReader(bytes.NewReader(stream), 1<<20)
		for {
			if _, err := r.Next(); errors.Is(err, io.EOF) {
				break
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/events, "ns/event")
}

func BenchmarkAppendEvent(b *testing.B) {
	data := bytes.Repeat([]byte("x"), 200)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = sse.AppendEvent(dst[:0], "response.output_text.delta", data)
	}
}
