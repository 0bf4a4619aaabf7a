package anthropic_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/anthropic"
)

var turn = messages.TurnID{0x01, 0x93}

const turnName = "msg_01930000000000000000000000000000"

func encode(chunks ...messages.Chunk) string {
	s := anthropic.Stream{ID: turn, Model: "fast", Usage: messages.Usage{Input: 3}}
	var stream []byte
	for _, c := range chunks {
		stream = s.Append(stream, c)
	}
	return string(stream)
}

func TestStreamWritesTheFormat(t *testing.T) {
	t.Parallel()
	got := encode(
		messages.Chunk{Kind: messages.ChunkOpened, Served: &messages.Served{Model: "m"}},
		messages.Chunk{Kind: messages.ChunkReasoning, Text: "hm!"},
		messages.Chunk{Kind: messages.ChunkReasoning, Detail: &messages.ChunkDetail{Opaque: "anthropic:t3:c2ln;anthropic:r:ZGF0YQ;"}},
		messages.Chunk{Kind: messages.ChunkText, Text: "Hi"},
		messages.Chunk{Kind: messages.ChunkText, Text: " \"you\"\n"},
		messages.Chunk{Kind: messages.ChunkText, Text: "other", Choice: 1},
		messages.Chunk{Kind: messages.ChunkToolCall, Detail: &messages.ChunkDetail{CallID: "c:1", Name: "look"}},
		messages.Chunk{Kind: messages.ChunkToolCall, Text: `{"at":"x"}`},
		messages.Chunk{Kind: messages.ChunkFinish, Finish: messages.FinishToolCalls},
		messages.Chunk{Kind: messages.ChunkUsage, Usage: &messages.Usage{Input: 10, Cached: 4, CacheWrite: 1, Output: 7, Reasoning: 2}},
		messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnComplete}},
	)
	want := `event: message_start
data: {"type":"message_start","message":{"id":"` + turnName + `","type":"message","role":"assistant","model":"fast","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm!"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"ZGF0YQ"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"Hi"}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":" \"you\"\n"}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: content_block_start
data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"c_1","name":"look","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"at\":\"x\"}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":3}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":5,"cache_creation_input_tokens":1,"cache_read_input_tokens":4,"output_tokens":7,"output_tokens_details":{"thinking_tokens":2}}}

event: message_stop
data: {"type":"message_stop"}

`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stream (-want +got):\n%s", diff)
	}
}

func TestStreamEndsWithAnErrorAndNothingElse(t *testing.T) {
	t.Parallel()
	failed := messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{
		Status: messages.TurnFailed, Err: &messages.Failure{Code: messages.CodeOverloaded, What: "too much", Do: "wait"},
	}}
	got := encode(messages.Chunk{Kind: messages.ChunkText, Text: "Hi"}, failed, failed, messages.Chunk{Kind: messages.ChunkText, Text: "late"})
	want := "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"too much; wait\"}}\n\n"
	if !strings.HasSuffix(got, want) || strings.Contains(got, "message_stop") || strings.Count(got, "event: error") != 1 {
		t.Errorf("stream:\n%s", got)
	}
}

// What is not whole must not look whole: only a limit and a filter are ends of
// their own.
func TestStreamSaysHowItEnded(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		end  messages.TurnOutcome
		want string
	}{
		"complete":        {messages.TurnOutcome{Status: messages.TurnComplete}, "message_stop"},
		"at its limit":    {messages.TurnOutcome{Status: messages.TurnPartial, Reason: messages.ReasonMaxTokens}, "message_stop"},
		"at a filter":     {messages.TurnOutcome{Status: messages.TurnPartial, Reason: messages.ReasonContentFilter}, "message_stop"},
		"cancelled":       {messages.TurnOutcome{Status: messages.TurnCancelled}, "api_error"},
		"out of time":     {messages.TurnOutcome{Status: messages.TurnPartial, Reason: messages.ReasonDeadline}, "timeout_error"},
		"by the provider": {messages.TurnOutcome{Status: messages.TurnPartial, Reason: messages.ReasonProvider}, "api_error"},
		"by a restart":    {messages.TurnOutcome{Status: messages.TurnPartial, Reason: messages.ReasonServerRestart}, "api_error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := encode(messages.Chunk{Kind: messages.ChunkText, Text: "Hi"}, messages.Chunk{Kind: messages.ChunkEnd, End: &tt.end})
			if stopped := strings.Contains(got, "message_stop"); !strings.Contains(got, tt.want) || stopped != (tt.want == "message_stop") {
				t.Errorf("want %s in:\n%s", tt.want, got)
			}
		})
	}
}

func TestStreamDropsWhatHasNoPlace(t *testing.T) {
	t.Parallel()
	got := encode(
		messages.Chunk{Kind: messages.ChunkToolCall, Index: 0, Detail: &messages.ChunkDetail{CallID: "a", Name: "look"}},
		messages.Chunk{Kind: messages.ChunkToolCall, Index: 1, Detail: &messages.ChunkDetail{CallID: "b", Name: "look"}},
		messages.Chunk{Kind: messages.ChunkToolCall, Index: 0, Text: "late"},
		messages.Chunk{Kind: messages.ChunkReasoning, Detail: &messages.ChunkDetail{Opaque: "gAAAAABanother"}},
		messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnComplete}},
	)
	if starts := strings.Count(got, "event: content_block_start"); starts != 2 || strings.Contains(got, "late") || strings.Contains(got, "gAAAAA") {
		t.Errorf("%d blocks:\n%s", starts, got)
	}
}

// What the server role writes, the client role reads as the same chunks.
func TestStreamSurvivesBothRoles(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"text", "tools", "thinking"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			chunks := chunksOf(t, read(t, "testdata/stream/"+file+".sse"))
			s := anthropic.Stream{ID: turn, Model: chunks[0].Served.Model}
			var stream []byte
			for _, c := range append(chunks, messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnComplete}}) {
				stream = s.Append(stream, c)
			}
			want := strings.Replace(describe(chunks), chunks[0].Served.Model+" "+orDash(chunks[0].Served.ServiceTier), chunks[0].Served.Model+" -", 1)
			if diff := cmp.Diff(want, describe(chunksOf(t, stream))); diff != "" {
				t.Errorf("chunks (-want +got):\n%s", diff)
			}
		})
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func TestReplyWritesOneMessage(t *testing.T) {
	t.Parallel()
	var r anthropic.Reply
	for _, c := range chunksOf(t, read(t, "testdata/stream/thinking.sse")) {
		r.Add(c)
	}
	r.Add(messages.Chunk{Kind: messages.ChunkRefusal, Text: " No."})
	r.Add(messages.Chunk{Kind: messages.ChunkToolCall, Text: `{"at":`, Detail: &messages.ChunkDetail{CallID: "c1", Name: "look"}})
	want := `{"id":"` + turnName + `","type":"message","role":"assistant","model":"fast","content":[` +
		`{"type":"thinking","thinking":"27 × 453 = 12,231","signature":"EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds=="},` +
		`{"type":"redacted_thinking","data":"EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpPkNRj2YfWXGmKDxH4mPnZ5sQ7vB9URj2pLmN3kF8"},` +
		`{"type":"text","text":"12,231 No."},{"type":"tool_use","id":"c1","name":"look","input":{"arguments":"{\"at\":"}}],` +
		`"stop_reason":"max_tokens","stop_sequence":null,"usage":{"input_tokens":31,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":40,"output_tokens_details":{"thinking_tokens":25}}}`
	if diff := cmp.Diff(want, string(r.AppendJSON(nil, turn, "fast"))); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

func TestReplySurvivesBothRoles(t *testing.T) {
	t.Parallel()
	chunks, err := anthropic.DecodeReply(read(t, "testdata/reply/tools.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r anthropic.Reply
	for _, c := range chunks {
		r.Add(c)
	}
	again, err := anthropic.DecodeReply(r.AppendJSON(nil, turn, chunks[0].Served.Model))
	if err != nil {
		t.Fatal(err)
	}
	chunks[0].Served.ServiceTier = ""
	if diff := cmp.Diff(describe(chunks), describe(again)); diff != "" {
		t.Errorf("chunks (-want +got):\n%s", diff)
	}
}

// Another provider's reasoning is shown, and says for itself that nobody signed it.
func TestReplyShowsUnsignedThinking(t *testing.T) {
	t.Parallel()
	var r anthropic.Reply
	r.Add(messages.Chunk{Kind: messages.ChunkReasoning, Text: "hm", Detail: &messages.ChunkDetail{Opaque: "another's"}})
	got := string(r.AppendJSON(nil, turn, "fast"))
	if !strings.Contains(got, `"content":[{"type":"thinking","thinking":"hm","signature":""}]`) || strings.Contains(got, "another") {
		t.Errorf("message: %s", got)
	}
}
