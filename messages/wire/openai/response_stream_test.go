package openai_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// event is an event of a response's stream, as far as tests look at it.
type event struct {
	Type     string `json:"type"`
	Sequence int64  `json:"sequence_number"`
	Delta    string `json:"delta"`
	data     string
}

// responseEvents takes a stream apart.
func responseEvents(tb stopper, stream []byte) (events []event) {
	tb.Helper()
	for _, data := range payloads(tb, stream) {
		e := event{data: string(data)}
		if err := json.Unmarshal(data, &e); err != nil {
			tb.Fatalf("%v: %s", err, data)
		}
		events = append(events, e)
	}
	return events
}

// streamed is the stream that chunks become.
func streamed(r *messages.TurnRecord, after int64, chunks ...messages.Chunk) []byte {
	s := openai.NewResponseStream(r)
	s.After(after)
	var stream []byte
	for _, c := range chunks {
		stream = s.Append(stream, c)
	}
	return stream
}

// outline is the types of events, deltas with their text.
func outline(events []event) (lines []string) {
	for _, e := range events {
		line := strings.TrimPrefix(e.Type, "response.")
		if strings.HasSuffix(line, ".delta") {
			line += " " + e.Delta
		}
		lines = append(lines, line)
	}
	return lines
}

func TestResponseStreamHoldsThePreambleBack(t *testing.T) {
	t.Parallel()
	s := openai.NewResponseStream(record())
	for _, c := range []messages.Chunk{opened(messages.Served{Model: "up"}), usage(1, 2), finish(messages.FinishStop), text(""), {Kind: messages.ChunkText, Detail: &messages.ChunkDetail{Extra: json.RawMessage(`"x":1`)}}} {
		if got := s.Append(nil, c); len(got) > 0 {
			t.Errorf("%s brought forth %s", line(c), got)
		}
	}
	want := []string{"created", "in_progress", "output_item.added", "content_part.added", "output_text.delta a"}
	if diff := cmp.Diff(want, outline(responseEvents(t, s.Append(nil, text("a"))))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestResponseStreamWritesOneItemAfterTheOther(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		chunks []messages.Chunk
		want   []string
	}{
		"text": {
			[]messages.Chunk{text("a"), text("b"), complete},
			[]string{"output_item.added", "content_part.added", "output_text.delta a", "output_text.delta b", "output_text.done", "content_part.done", "output_item.done", "completed"},
		},
		"text, then refusal": {
			[]messages.Chunk{text("a"), refusalChunk("no"), refusalChunk("pe"), complete},
			[]string{
				"output_item.added", "content_part.added", "output_text.delta a", "output_text.done", "content_part.done",
				"content_part.added", "refusal.delta no", "refusal.delta pe", "refusal.done", "content_part.done", "output_item.done", "completed",
			},
		},
		"thoughts, then text": {
			[]messages.Chunk{thought("h"), thought("m"), {Kind: messages.ChunkReasoning, Detail: &messages.ChunkDetail{Opaque: "sig"}}, text("a"), complete},
			[]string{
				"output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta h", "reasoning_summary_text.delta m",
				"reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
				"output_item.added", "content_part.added", "output_text.delta a", "output_text.done", "content_part.done", "output_item.done", "completed",
			},
		},
		"a call without arguments": {
			[]messages.Chunk{callBegins(0, "a", "f", ""), complete},
			[]string{"output_item.added", "function_call_arguments.done", "output_item.done", "completed"},
		},
		"calls that come in turns wait for each other": {
			[]messages.Chunk{callBegins(0, "a", "f", `{"x"`), callBegins(1, "b", "g", `{"y"`), callGoesOn(1, `:2`), callGoesOn(0, `:1}`), callGoesOn(1, `}`), complete},
			[]string{
				"output_item.added", `function_call_arguments.delta {"x"`, `function_call_arguments.delta :1}`, "function_call_arguments.done", "output_item.done",
				"output_item.added", `function_call_arguments.delta {"y":2`, `function_call_arguments.delta }`, "function_call_arguments.done", "output_item.done", "completed",
			},
		},
		"calls that never become whole come at the end": {
			[]messages.Chunk{callBegins(0, "a", "f", `{`), callBegins(1, "b", "g", `{}`), text("a"), complete},
			[]string{
				"output_item.added", `function_call_arguments.delta {`, "function_call_arguments.done", "output_item.done",
				"output_item.added", `function_call_arguments.delta {}`, "function_call_arguments.done", "output_item.done",
				"output_item.added", "content_part.added", "output_text.delta a", "output_text.done", "content_part.done", "output_item.done", "completed",
			},
		},
		"nothing": {[]messages.Chunk{complete}, []string{"completed"}},
		"a failure": {
			[]messages.Chunk{end(messages.TurnOutcome{Status: messages.TurnFailed, Err: &messages.Failure{Code: messages.CodeProviderFailed, What: "it broke"}})}, []string{"failed"},
		},
		"a reply that broke off": {
			[]messages.Chunk{text("a"), end(messages.TurnOutcome{Status: messages.TurnPartial, Reason: messages.ReasonProvider})},
			[]string{"output_item.added", "content_part.added", "output_text.delta a", "output_text.done", "content_part.done", "output_item.done", "incomplete"},
		},
		"a cancelled turn": {
			[]messages.Chunk{end(messages.TurnOutcome{Status: messages.TurnCancelled})}, []string{"incomplete"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stream := streamed(record(), -1, tt.chunks...)
			checkJSON(t, stream)
			if diff := cmp.Diff(append([]string{"created", "in_progress"}, tt.want...), outline(responseEvents(t, stream))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestResponseStreamTellsTheWholeResponseAtItsEnd(t *testing.T) {
	t.Parallel()
	failure := &messages.Failure{Code: messages.CodeProviderFailed, What: "it broke", Do: "try again"}
	for name, tt := range map[string]struct {
		chunks []messages.Chunk
		want   string
	}{
		"complete": {
			[]messages.Chunk{opened(messages.Served{ServiceTier: "flex"}), {Kind: messages.ChunkReasoning, Text: "hm", Detail: &messages.ChunkDetail{Opaque: "sig"}}, text("hi"), callBegins(0, "a", "f", "{}"), finish(messages.FinishToolCalls), usage(1, 2), complete},
			`"status":"completed","service_tier":"flex","output":[
			 {"id":"rs_018f2c3d4e5f700182039405a607b809_1","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"sig","status":"completed"},
			 {"id":"msg_018f2c3d4e5f700182039405a607b809_2","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"hi","annotations":[],"logprobs":[]}]},
			 {"id":"fc_018f2c3d4e5f700182039405a607b809_3","type":"function_call","status":"completed","arguments":"{}","call_id":"a","name":"f"}],
			 "usage":{"input_tokens":1,"input_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"output_tokens":2,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":3}`,
		},
		"incomplete": {
			[]messages.Chunk{thought("hm"), text("h"), end(messages.TurnOutcome{Status: messages.TurnPartial, Reason: messages.ReasonProvider, Err: failure})},
			`"status":"incomplete","incomplete_details":{"reason":"provider_failed"},"output":[
			 {"id":"rs_018f2c3d4e5f700182039405a607b809_1","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":null,"status":"completed"},
			 {"id":"msg_018f2c3d4e5f700182039405a607b809_2","type":"message","status":"incomplete","role":"assistant","content":[{"type":"output_text","text":"h","annotations":[],"logprobs":[]}]}]`,
		},
		"failed": {
			[]messages.Chunk{end(messages.TurnOutcome{Status: messages.TurnFailed, Err: failure})},
			`"status":"failed","error":{"code":"provider_failed","message":"it broke"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events := responseEvents(t, streamed(record(), -1, tt.chunks...))
			var last struct{ Response json.RawMessage }
			if err := json.Unmarshal([]byte(events[len(events)-1].data), &last); err != nil {
				t.Fatal(err)
			}
			sameJSON(t, response(tt.want), string(last.Response))
		})
	}
}

func TestResponseStreamPassesProbabilitiesOn(t *testing.T) {
	t.Parallel()
	with := func(s string) messages.Chunk {
		return messages.Chunk{Kind: messages.ChunkText, Text: s, Detail: &messages.ChunkDetail{Logprobs: json.RawMessage(`{"content":[{"token":"` + s + `","logprob":-1}],"refusal":null}`)}}
	}
	events := responseEvents(t, streamed(record(), -1, with("a"), with("b")))
	for i, token := range []string{"a", "b"} {
		if got, want := events[4+i].data, `"logprobs":[{"token":"`+token+`","logprob":-1}]}`; !strings.HasSuffix(got, want) {
			t.Errorf("%s\ndoes not end with\n%s", got, want)
		}
	}
}

// anyOutput draws a reply: its items, and the chunks that it came in.
func anyOutput(t *rapid.T) (chunks []messages.Chunk) {
	word := rapid.StringMatching(`[a-zé😀"\\\n ]{1,12}`)
	calls := 0
	before := messages.ChunkFinish
	for range rapid.IntRange(0, 4).Draw(t, "items") {
		kind := rapid.SampledFrom([]messages.ChunkKind{messages.ChunkText, messages.ChunkRefusal, messages.ChunkReasoning, messages.ChunkToolCall}).Draw(t, "kind")
		if kind == messages.ChunkText && before == messages.ChunkRefusal {
			continue // a model that refused says no more in that message
		}
		before = kind
		c := messages.Chunk{Kind: kind, Text: word.Draw(t, "text")}
		if kind == messages.ChunkToolCall {
			c.Index, c.Detail = calls, &messages.ChunkDetail{CallID: fmt.Sprintf("call_%d", calls), Name: "f"}
			c.Text = `{"x":` + string(jsonText(c.Text)) + `}`
			calls++
		}
		if kind == messages.ChunkReasoning && rapid.Bool().Draw(t, "signed") {
			c.Detail = &messages.ChunkDetail{Opaque: "sig"}
		}
		chunks = append(chunks, c)
	}
	return chunks
}

func jsonText(s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return text
}

// cut takes chunks apart at drawn places, never inside a character.
func cut(t *rapid.T, chunks []messages.Chunk) (pieces []messages.Chunk) {
	for _, c := range chunks {
		for c.Text != "" {
			n := rapid.IntRange(1, len(c.Text)).Draw(t, "piece")
			for !utf8.RuneStart(append([]byte(c.Text), 'x')[n]) {
				n++
			}
			piece := c
			piece.Text = c.Text[:n]
			if n < len(c.Text) && c.Kind == messages.ChunkReasoning {
				piece.Detail = nil
			}
			pieces = append(pieces, piece)
			c.Text = c.Text[n:]
			if c.Kind == messages.ChunkToolCall {
				c.Detail = nil
			}
		}
	}
	return pieces
}

// joined puts the deltas of a text together again: what is left does not depend
// on how it was cut.
func joined(events []event) (lines []string) {
	var run event
	flush := func() {
		if run.Type != "" {
			lines = append(lines, fmt.Sprintf("%d %s %s", run.Sequence, run.Type, run.Delta))
		}
		run = event{}
	}
	for _, e := range events {
		if !strings.HasSuffix(e.Type, ".delta") {
			flush()
			lines = append(lines, e.data)
			continue
		}
		if run.Type != e.Type {
			flush()
		}
		run = event{Type: e.Type, Sequence: e.Sequence, Delta: run.Delta + e.Delta}
	}
	flush()
	return lines
}

// ended is the record and the items of a reply that was kept.
func ended(chunks []messages.Chunk) (*messages.TurnRecord, []messages.Item) {
	var reply messages.Reply
	for _, c := range chunks {
		reply.Add(c)
	}
	r := record()
	r.Status = messages.TurnComplete
	return r, reply.Items(r.ID, r.Inputs, 0, messages.ItemComplete)
}

func TestEventsAreAFunctionOfStoredItems(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		chunks := anyOutput(t)
		r, items := ended(chunks)
		stored := openai.AppendReplay(nil, r, items, -1)
		want := joined(responseEvents(t, stored))
		live := responseEvents(t, streamed(record(), -1, append(cut(t, chunks), complete)...))
		if diff := cmp.Diff(want, joined(live)); diff != "" {
			t.Fatalf("live it differs from the replay (-replay +live):\n%s", diff)
		}
		if last := live[len(live)-1].Sequence; last != openai.Sequence(items) {
			t.Fatalf("the last event is %d, expected %d", last, openai.Sequence(items))
		}
		for i := 1; i < len(live); i++ {
			if live[i].Sequence <= live[i-1].Sequence {
				t.Fatalf("event %d has number %d, the one before %d", i, live[i].Sequence, live[i-1].Sequence)
			}
		}
	})
}

func TestACursorGoesOnWhereTheClientWasCutOff(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		chunks := anyOutput(t)
		r, items := ended(chunks)
		live := responseEvents(t, streamed(record(), -1, append(cut(t, chunks), complete)...))
		seen := rapid.IntRange(0, len(live)).Draw(t, "seen")
		cursor := int64(-1)
		if seen > 0 {
			cursor = live[seen-1].Sequence
		}
		want := joined(live)
		for how, rest := range map[string][]byte{
			"replayed":         openai.AppendReplay(nil, r, items, cursor),
			"streamed anew":    streamed(record(), cursor, append(cut(t, chunks), complete)...),
			"streamed at once": streamed(record(), cursor, append(chunks, complete)...),
		} {
			got := joined(append(live[:seen:seen], responseEvents(t, rest)...))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s after %d (-want +got):\n%s", how, cursor, diff)
			}
		}
	})
}

func TestReplayOfATurnThatRunsHasNoEnd(t *testing.T) {
	t.Parallel()
	_, items := ended([]messages.Chunk{thought("hm"), text("h")})
	want := []string{
		"created", "in_progress", "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta hm", "reasoning_summary_text.done", "reasoning_summary_part.done",
		"output_item.done", "output_item.added", "content_part.added", "output_text.delta h",
	}
	if diff := cmp.Diff(want, outline(responseEvents(t, openai.AppendReplay(nil, record(), items, -1)))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReplayBeginsAtACharacter(t *testing.T) {
	t.Parallel()
	r, items := ended([]messages.Chunk{text("aé")})
	const insideTheCharacter = 3 + 2 // preamble, item and part are 0 to 3, then a, then the first byte of é
	events := responseEvents(t, openai.AppendReplay(nil, r, items, insideTheCharacter))
	if events[0].Delta != "é" || events[0].Sequence != 6 {
		t.Errorf("got %+v", events[0])
	}
}

func TestSequenceCountsByHand(t *testing.T) {
	t.Parallel()
	// From 0: created, in_progress, item and part added, 5 bytes, text and part and
	// item done, completed.
	if got := openai.Sequence([]messages.Item{said("Hello")}); got != 12 {
		t.Errorf("a message: %d", got)
	}
	if got := openai.Sequence(nil); got != 2 {
		t.Errorf("nothing: %d", got)
	}
	// item added, 2 bytes, arguments and item done.
	if got := openai.Sequence([]messages.Item{call("a", "f", "{}")}); got != 7 {
		t.Errorf("a call: %d", got)
	}
}

func TestErasedItemsLeaveTheRestOfAReplayWhole(t *testing.T) {
	t.Parallel()
	r, items := ended([]messages.Chunk{text("a"), thought("hm"), text("b")})
	events := outline(responseEvents(t, openai.AppendReplay(nil, r, append(items[:1:1], items[2]), -1)))
	if got := strings.Join(events, " "); strings.Count(got, "output_item.done") != 2 || strings.Contains(got, "reasoning") {
		t.Errorf("got %s", got)
	}
}
