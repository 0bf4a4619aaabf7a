package anthropic_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/anthropic"
)

// golden calls check with each testdata file of the extension, and the lines
// that are expected of it.
func golden(t *testing.T, pattern string, check func(t *testing.T, input []byte) (lines string)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no testdata for %s: %v", pattern, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			want := read(t, strings.TrimSuffix(file, filepath.Ext(file))+".chunks")
			if diff := cmp.Diff(string(want), check(t, read(t, file))); diff != "" {
				t.Errorf("chunks (-want +got):\n%s", diff)
			}
		})
	}
}

func read(tb testing.TB, file string) []byte {
	tb.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestDecoderReadsRealStreams(t *testing.T) {
	t.Parallel()
	golden(t, "stream/*.sse", func(_ *testing.T, input []byte) string { return decodeStream(input) })
}

func TestDecodeReplyReadsRealReplies(t *testing.T) {
	t.Parallel()
	golden(t, "reply/*.json", func(t *testing.T, input []byte) string {
		chunks, err := anthropic.DecodeReply(input)
		if err != nil {
			t.Fatal(err)
		}
		return describe(chunks)
	})
}

// decodeStream describes what a decoder says to a stream.
func decodeStream(stream []byte) string {
	var d anthropic.Decoder
	var lines strings.Builder
	for name, data := range events(stream) {
		done, err := d.Decode(name, data, func(c messages.Chunk) { lines.WriteString(line(c)) })
		switch code := messages.CodeOf(err); {
		case code == messages.CodeInternal:
			lines.WriteString("malformed\n")
		case err != nil:
			lines.WriteString("failure " + string(code) + "\n")
		}
		if done {
			lines.WriteString("done\n")
			break
		}
	}
	return lines.String()
}

// chunksOf decodes a stream that has no fault.
func chunksOf(tb testing.TB, stream []byte) []messages.Chunk {
	tb.Helper()
	var d anthropic.Decoder
	var chunks []messages.Chunk
	for name, data := range events(stream) {
		if _, err := d.Decode(name, data, func(c messages.Chunk) { chunks = append(chunks, c) }); err != nil {
			tb.Fatalf("decode %s: %v", data, err)
		}
	}
	return chunks
}

// events splits a stream that is well formed as server-sent events.
func events(stream []byte) func(yield func(string, []byte) bool) {
	return func(yield func(string, []byte) bool) {
		for block := range bytes.SplitSeq(stream, []byte("\n\n")) {
			name, data, ok := bytes.Cut(block, []byte("\ndata: "))
			if ok && !yield(strings.TrimPrefix(string(name), "event: "), data) {
				return
			}
		}
	}
}

func describe(chunks []messages.Chunk) string {
	var lines strings.Builder
	for _, c := range chunks {
		lines.WriteString(line(c))
	}
	return lines.String()
}

func line(c messages.Chunk) string {
	switch c.Kind {
	case messages.ChunkOpened:
		tier := c.Served.ServiceTier
		if tier == "" {
			tier = "-"
		}
		return fmt.Sprintf("opened %s %s\n", c.Served.Model, tier)
	case messages.ChunkText:
		return fmt.Sprintf("text %q\n", c.Text)
	case messages.ChunkReasoning:
		return fmt.Sprintf("reasoning %q %q\n", c.Text, c.Details().Opaque)
	case messages.ChunkToolCall:
		return fmt.Sprintf("tool %d id=%s name=%s %q\n", c.Index, c.Details().CallID, c.Details().Name, c.Text)
	case messages.ChunkFinish:
		return fmt.Sprintf("finish %s\n", c.Finish)
	case messages.ChunkUsage:
		u := c.Usage
		return fmt.Sprintf("usage in=%d out=%d cached=%d written=%d reasoning=%d\n", u.Input, u.Output, u.Cached, u.CacheWrite, u.Reasoning)
	default:
		return fmt.Sprintf("%+v\n", c)
	}
}
