package openai

import (
	"bytes"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
)

// decodeAll decodes payloads, one a line. Without memory the decoder forgets the
// last payload before each.
func decodeAll(stream []byte, memory bool) (chunks []messages.Chunk, errs []string) {
	var d ChatDecoder
	for payload := range bytes.SplitSeq(stream, []byte{'\n'}) {
		if !memory {
			d.echo = echo{}
		}
		done, err := d.Decode(payload, func(c messages.Chunk) { chunks = append(chunks, c) })
		switch {
		case err != nil:
			errs = append(errs, err.Error())
		case done:
			errs = append(errs, "done")
		default:
			errs = append(errs, "")
		}
	}
	return chunks, errs
}

// FuzzChatDecoder holds that a payload which is known by heart reads as if it
// were not, and that whatever a provider sends becomes valid output.
func FuzzChatDecoder(f *testing.F) {
	for _, stream := range []string{
		`{"id":"a","model":"m","choices":[{"index":0,"delta":{"content":"Hel"}}]}` + "\n" +
			`{"id":"a","model":"m","choices":[{"index":0,"delta":{"content":"lo"}}]}` + "\n" +
			`{"id":"a","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}` + "\n[DONE]",
		`{"choices":[{"delta":{"content":"a"}}],"obfuscation":"x"}` + "\n" + `{"choices":[{"delta":{"content":"b\""}}],"obfuscation":"\\yz"}` + "\n" +
			`{"choices":[{"delta":{"content":"c"}}],"obfuscation":"}` + "\n" + `{"choices":[{"delta":{"content":"c"},"obfuscation":"d"}],"obfuscation":"e"}`,
		`{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"{"}}]}}]}` + "\n" +
			`{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}}]}` + "\n" +
			`{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"}}"}}]}}]}`,
		`{"choices":[{"delta":{"content":"a","content":"b","refusal":""}}]}` + "\n" + `{"choices":[{"delta":{"content":"a","content":"","refusal":""}}]}`,
		`{"choices":[{"index":127,"delta":{"reasoning":"a","x":1},"logprobs":{"content":[{}]}}]}` + "\n" + `{"choices":[{"index":128,"delta":{"content":"a"}}]}`,
		"{\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}\n{\"choices\":[{\"delta\":{\"content\":\"\xc3\"}}]}",
		`{"error":{"message":"x","code":429}}` + "\n" + `{"error":"x"}` + "\n" + `{"error":null}`,
	} {
		f.Add([]byte(stream))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		chunks, errs := decodeAll(stream, true)
		wantChunks, wantErrs := decodeAll(stream, false)
		if diff := cmp.Diff(wantChunks, chunks); diff != "" {
			t.Errorf("a payload known by heart reads differently (-in full +by heart):\n%s", diff)
		}
		if diff := cmp.Diff(wantErrs, errs); diff != "" {
			t.Errorf("a payload known by heart fails differently (-in full +by heart):\n%s", diff)
		}
		checkChunks(t, chunks)
		checkOutput(t, chunks)
	})
}

// checkChunks holds what the vocabulary promises of a stream.
func checkChunks(t *testing.T, chunks []messages.Chunk) {
	t.Helper()
	type call struct{ choice, index int }
	begun := map[call]bool{}
	for i, c := range chunks {
		if (c.Kind == messages.ChunkOpened) != (i == 0) {
			t.Errorf("chunk %d is %d", i, c.Kind)
		}
		if c.Choice < 0 || c.Choice >= maxChoices || !utf8.ValidString(c.Text) {
			t.Errorf("chunk %d: choice %d, text %q", i, c.Choice, c.Text)
		}
		if c.Details().Extra != nil && !jsontext.Value("{"+string(c.Details().Extra)+"}").IsValid(jsontext.AllowDuplicateNames(true)) {
			t.Errorf("chunk %d: extra %s", i, c.Details().Extra)
		}
		if c.Kind == messages.ChunkToolCall {
			first := !begun[call{c.Choice, c.Index}]
			begun[call{c.Choice, c.Index}] = true
			if first != (c.Details().CallID != "") || first != (c.Details().Name != "") {
				t.Errorf("chunk %d: call %d has id %q and name %q", i, c.Index, c.Details().CallID, c.Details().Name)
			}
		}
	}
}

// checkOutput holds that the chunks can be shown in every format.
func checkOutput(t *testing.T, chunks []messages.Chunk) {
	t.Helper()
	chat := ChatStream{Model: "m", Created: time.Unix(0, 0), IncludeUsage: true}
	responses := NewResponseStream(&messages.TurnRecord{Model: "m"})
	var reply ChatReply
	var stream []byte
	end := messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnComplete}}
	for _, c := range append(chunks, end) {
		reply.Add(c)
		stream = responses.Append(chat.Append(stream, c), c)
	}
	for line := range bytes.SplitSeq(stream, []byte{'\n'}) {
		data, ok := bytes.CutPrefix(line, []byte("data: "))
		if ok && string(data) != donePayload && !jsontext.Value(data).IsValid(jsontext.AllowDuplicateNames(true)) {
			t.Errorf("not JSON: %s", data)
		}
	}
	if body := reply.AppendJSON(nil, messages.TurnID{}, "m", time.Unix(0, 0)); !jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true)) {
		t.Errorf("not JSON: %s", body)
	}
}

func TestRepeatedPayloadsAreReadByHeart(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		payloads [3]string
		hits     [3]bool
	}{
		"plain deltas": {[3]string{
			`{"choices":[{"delta":{"content":"a"}}]}`, `{"choices":[{"delta":{"content":"bc\n"}}]}`, `{"choices":[{"delta":{"content":"\u00e9"}}]}`,
		}, [3]bool{false, true, true}},
		"behind random letters": {[3]string{
			`{"choices":[{"delta":{"content":"a"}}],"obfuscation":"x"}`, `{"choices":[{"delta":{"content":"\"\\"}}],"obfuscation":""}`, `{"choices":[{"delta":{"content":"c"}}],"obfuscation":"yz"}`,
		}, [3]bool{false, true, true}},
		"an empty delta is read in full": {[3]string{
			`{"choices":[{"delta":{"content":"a"}}]}`, `{"choices":[{"delta":{"content":""}}]}`, `{"choices":[{"delta":{"content":"b"}}]}`,
		}, [3]bool{false, false, false}},
		"arguments": {[3]string{
			`{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":""}}]}}]}`,
			`{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}}]}`,
			`{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}}]}`,
		}, [3]bool{false, false, true}},
		"another delta": {[3]string{
			`{"choices":[{"delta":{"content":"a"}}]}`, `{"choices":[{"delta":{"reasoning_content":"a"}}]}`, `{"choices":[{"delta":{"reasoning_content":"b"}}]}`,
		}, [3]bool{false, false, true}},
		"a string that goes on": {[3]string{
			`{"choices":[{"delta":{"content":"a"}}]}`, `{"choices":[{"delta":{"content":"a","x":"b"}}]}`, `{"choices":[{"delta":{"content":"a","x":"c"}}]}`,
		}, [3]bool{false, false, false}},
		"two choices": {[3]string{
			`{"choices":[{"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}`, `{"choices":[{"delta":{"content":"a"}},{"index":1,"delta":{"content":"c"}}]}`, `{}`,
		}, [3]bool{false, false, false}},
		"a finish": {[3]string{
			`{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}`, `{"choices":[{"delta":{"content":"b"},"finish_reason":"stop"}]}`, `{}`,
		}, [3]bool{false, false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d ChatDecoder
			for i, payload := range tt.payloads {
				if _, hit := d.echo.match([]byte(payload)); hit != tt.hits[i] {
					t.Errorf("payload %d is known by heart: %t", i, hit)
				}
				if _, err := d.Decode([]byte(payload), func(messages.Chunk) {}); err != nil {
					t.Errorf("payload %d: %v", i, err)
				}
			}
		})
	}
}

func TestStringEnd(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		``: 0, `"`: 1, `""`: 2, `"a"b"`: 3, `"\""x`: 4, `"\\"x`: 4, `"\\\""x`: 6, `"abc`: 4, `"\"`: 3, `\"`: 2,
	} {
		if got := stringEnd([]byte(text)); got != want {
			t.Errorf("%s ends at %d, want %d", text, got, want)
		}
	}
}
