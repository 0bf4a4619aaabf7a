package anthropic_test

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/anthropic"
)

// A stream that is cut still says what was billed for its input.
func TestDecoderKnowsTheUsageOfACutStream(t *testing.T) {
	t.Parallel()
	stream, _, _ := bytes.Cut(read(t, "testdata/stream/tools.sse"), []byte("event: message_delta"))
	var d anthropic.Decoder
	if _, known := d.Usage(); known {
		t.Error("usage is known before the stream began")
	}
	for name, data := range events(stream) {
		if done, err := d.Decode(name, data, func(messages.Chunk) {}); done || err != nil {
			t.Fatalf("decode %s: %t, %v", data, done, err)
		}
	}
	got, known := d.Usage()
	want := messages.Usage{Input: 2620, Cached: 2048, CacheWrite: 100, Output: 2}
	if diff := cmp.Diff(want, got); diff != "" || !known {
		t.Errorf("usage, known %t (-want +got):\n%s", known, diff)
	}
}

func TestDecoderTakesTheNameForAMissingType(t *testing.T) {
	t.Parallel()
	var d anthropic.Decoder
	done, err := d.Decode("message_stop", []byte(`{}`), func(messages.Chunk) { t.Error("a chunk of nothing") })
	if !done || err != nil {
		t.Errorf("done %t, %v", done, err)
	}
}

func TestDecoderReadsEveryStopReason(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]messages.FinishReason{
		"end_turn":                      messages.FinishStop,
		"stop_sequence":                 messages.FinishStop,
		"max_tokens":                    messages.FinishLength,
		"model_context_window_exceeded": messages.FinishLength,
		"tool_use":                      messages.FinishToolCalls,
		"refusal":                       messages.FinishContentFilter,
		"pause_turn":                    messages.FinishStop,
		"brand_new":                     messages.FinishStop,
	} {
		var d anthropic.Decoder
		var got []messages.Chunk
		event := []byte(`{"type":"message_delta","delta":{"stop_reason":"` + reason + `"}}`)
		for range 2 { // a second message_delta may follow: it finishes nothing anew
			if _, err := d.Decode("", event, func(c messages.Chunk) { got = append(got, c) }); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]messages.Chunk{{Kind: messages.ChunkFinish, Finish: want}}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", reason, diff)
		}
	}
}

// FuzzDecoder feeds any events. What comes out must be text that can be written
// again, in the order that messages.ChunkKind promises.
func FuzzDecoder(f *testing.F) {
	for _, name := range []string{"text", "tools", "thinking", "overloaded", "malformed", "servertool"} {
		f.Add(read(f, "testdata/stream/"+name+".sse"))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		var d anthropic.Decoder
		var chunks []messages.Chunk
		emit := func(c messages.Chunk) {
			if !utf8.ValidString(c.Text) || !utf8.ValidString(c.Details().Name) || !utf8.ValidString(c.Details().Opaque) {
				t.Fatalf("%+v is not UTF-8", c)
			}
			chunks = append(chunks, c)
		}
		for name, data := range events(stream) {
			kept := bytes.Clone(data)
			before := describe(chunks)
			done, err := d.Decode(name, data, emit)
			if err != nil && messages.CodeOf(err) == messages.CodeInternal && describe(chunks) != before {
				t.Fatalf("a malformed event was half taken: %s", kept)
			}
			clear(data) // nothing may alias it
			if done {
				break
			}
		}
		s := anthropic.Stream{Model: "m"}
		var reply anthropic.Reply
		var again []byte
		for _, c := range chunks {
			again = s.Append(again, c)
			reply.Add(c)
		}
		again = s.Append(again, messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnComplete}})
		chunksOf(t, again)
		if _, err := anthropic.DecodeReply(reply.AppendJSON(nil, turn, "m")); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkDecoderDelta(b *testing.B) {
	var d anthropic.Decoder
	drop := func(messages.Chunk) {}
	if _, err := d.Decode("", []byte(`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`), drop); err != nil {
		b.Fatal(err)
	}
	delta := []byte(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" quite"}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode("content_block_delta", delta, drop); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStreamDelta(b *testing.B) {
	s := anthropic.Stream{Model: "m"}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = s.Append(dst[:0], messages.Chunk{Kind: messages.ChunkText, Text: " quite"})
	}
}
