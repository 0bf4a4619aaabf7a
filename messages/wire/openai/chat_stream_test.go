package openai_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

func text(s string) messages.Chunk { return messages.Chunk{Kind: messages.ChunkText, Text: s} }

func thought(s string) messages.Chunk { return messages.Chunk{Kind: messages.ChunkReasoning, Text: s} }

func refusalChunk(s string) messages.Chunk {
	return messages.Chunk{Kind: messages.ChunkRefusal, Text: s}
}

func callBegins(index int, id, name, args string) messages.Chunk {
	return messages.Chunk{Kind: messages.ChunkToolCall, Index: index, Text: args, Detail: &messages.ChunkDetail{CallID: id, Name: name}}
}

func callGoesOn(index int, args string) messages.Chunk {
	return messages.Chunk{Kind: messages.ChunkToolCall, Index: index, Text: args}
}

func finish(reason messages.FinishReason) messages.Chunk {
	return messages.Chunk{Kind: messages.ChunkFinish, Finish: reason}
}

func usage(in, out int) messages.Chunk {
	return messages.Chunk{Kind: messages.ChunkUsage, Usage: &messages.Usage{Input: in, Output: out}}
}

func opened(served messages.Served) messages.Chunk {
	return messages.Chunk{Kind: messages.ChunkOpened, Served: &served}
}

func end(o messages.TurnOutcome) messages.Chunk {
	return messages.Chunk{Kind: messages.ChunkEnd, End: &o}
}

var complete = end(messages.TurnOutcome{Status: messages.TurnComplete})

// chatEvents is the stream that chunks become, an element an event.
func chatEvents(t *testing.T, s *openai.ChatStream, chunks ...messages.Chunk) (events []string) {
	t.Helper()
	var stream []byte
	for _, c := range chunks {
		stream = s.Append(stream, c)
	}
	checkJSON(t, stream)
	for _, data := range payloads(t, stream) {
		events = append(events, string(data))
	}
	return events
}

// deltas are the choices of each event, with what all events share left out.
func deltas(t *testing.T, events []string) (choices []string) {
	t.Helper()
	for _, event := range events {
		var e struct{ Choices json.RawMessage }
		if event == "[DONE]" {
			choices = append(choices, event)
			continue
		}
		if err := json.Unmarshal([]byte(event), &e); err != nil {
			t.Fatal(err)
		}
		choices = append(choices, string(e.Choices))
	}
	return choices
}

func TestChatStreamWritesDeltas(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		chunks []messages.Chunk
		want   []string
	}{
		"text, the first with the role": {
			[]messages.Chunk{text("Hel"), text("lo"), finish(messages.FinishStop)},
			[]string{
				`[{"index":0,"delta":{"role":"assistant","content":"Hel"},"logprobs":null,"finish_reason":null}]`,
				`[{"index":0,"delta":{"content":"lo"},"logprobs":null,"finish_reason":null}]`,
				`[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]`,
			},
		},
		"a reply without a word": {
			[]messages.Chunk{finish(messages.FinishStop)},
			[]string{`[{"index":0,"delta":{"role":"assistant"},"logprobs":null,"finish_reason":"stop"}]`},
		},
		"reasoning and refusal": {
			[]messages.Chunk{thought("hm"), refusalChunk("no")},
			[]string{
				`[{"index":0,"delta":{"role":"assistant","reasoning_content":"hm"},"logprobs":null,"finish_reason":null}]`,
				`[{"index":0,"delta":{"refusal":"no"},"logprobs":null,"finish_reason":null}]`,
			},
		},
		"tool calls, each with id, type and name first and its index always": {
			[]messages.Chunk{callBegins(0, "a", "f", ""), callGoesOn(0, "{}"), callBegins(1, "b", "g", "{}")},
			[]string{
				`[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]},"logprobs":null,"finish_reason":null}]`,
				`[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]},"logprobs":null,"finish_reason":null}]`,
				`[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]},"logprobs":null,"finish_reason":null}]`,
			},
		},
		"several choices, each with its role": {
			[]messages.Chunk{text("a"), {Kind: messages.ChunkText, Choice: 127, Text: "b"}, {Kind: messages.ChunkText, Choice: 127, Text: "c"}, {Kind: messages.ChunkFinish, Choice: 127, Finish: messages.FinishLength}},
			[]string{
				`[{"index":0,"delta":{"role":"assistant","content":"a"},"logprobs":null,"finish_reason":null}]`,
				`[{"index":127,"delta":{"role":"assistant","content":"b"},"logprobs":null,"finish_reason":null}]`,
				`[{"index":127,"delta":{"content":"c"},"logprobs":null,"finish_reason":null}]`,
				`[{"index":127,"delta":{},"logprobs":null,"finish_reason":"length"}]`,
			},
		},
		"what Parley does not read": {
			[]messages.Chunk{
				{Kind: messages.ChunkText, Text: "a", Detail: &messages.ChunkDetail{Logprobs: json.RawMessage(`{"content":[]}`), Extra: json.RawMessage(`"x":1,"y":[2]`)}},
				{Kind: messages.ChunkText, Detail: &messages.ChunkDetail{Extra: json.RawMessage(`"audio":{}`)}},
			},
			[]string{
				`[{"index":0,"delta":{"role":"assistant","content":"a","x":1,"y":[2]},"logprobs":{"content":[]},"finish_reason":null}]`,
				`[{"index":0,"delta":{"audio":{}},"logprobs":null,"finish_reason":null}]`,
			},
		},
		"text that JSON escapes": {
			[]messages.Chunk{text("\"é\n\u2028</script>")},
			[]string{`[{"index":0,"delta":{"role":"assistant","content":"\"é\n` + "\u2028" + `</script>"},"logprobs":null,"finish_reason":null}]`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openai.ChatStream{ID: turn, Model: "m", Created: asked}
			if diff := cmp.Diff(tt.want, deltas(t, chatEvents(t, &s, tt.chunks...))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestChatStreamNamesItselfAlikeInEveryChunk(t *testing.T) {
	t.Parallel()
	s := openai.ChatStream{ID: turn, Model: `my "model"`, Created: asked, IncludeUsage: true}
	events := chatEvents(t, &s, opened(messages.Served{Model: "up", Fingerprint: "fp", ServiceTier: "flex"}), text("a"), finish(messages.FinishStop), usage(3, 4), complete)
	head := `{"id":"chatcmpl-018f2c3d4e5f700182039405a607b809","object":"chat.completion.chunk","created":1747660000,"model":"my \"model\"","service_tier":"flex","system_fingerprint":"fp","choices":[`
	if len(events) != 4 || events[3] != "[DONE]" {
		t.Fatalf("got %q", events)
	}
	for _, event := range events[:3] {
		if !strings.HasPrefix(event, head) {
			t.Errorf("%s\ndoes not begin with\n%s", event, head)
		}
	}
	for i, want := range []string{
		`"finish_reason":null}],"usage":null}`, `"finish_reason":"stop"}],"usage":null}`,
		`"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}`,
	} {
		if !strings.HasSuffix(events[i], want) {
			t.Errorf("%s\ndoes not end with\n%s", events[i], want)
		}
	}
}

func TestChatStreamSaysNothingOfUsageUnasked(t *testing.T) {
	t.Parallel()
	s := openai.ChatStream{ID: turn, Model: "m", Created: asked}
	events := chatEvents(t, &s, text("a"), usage(3, 4), complete)
	if len(events) != 2 || strings.Contains(events[0], "usage") || events[1] != "[DONE]" {
		t.Errorf("got %q", events)
	}
}

func TestChatStreamEndsAsTheTurnDid(t *testing.T) {
	t.Parallel()
	failure := &messages.Failure{Code: messages.CodeProviderLimited, What: "the provider takes no more", Do: "wait", Cause: context.Canceled}
	for name, tt := range map[string]struct {
		outcome messages.TurnOutcome
		want    string
	}{
		"whole":               {messages.TurnOutcome{Status: messages.TurnComplete}, "[DONE]"},
		"at its limit":        {messages.TurnOutcome{Status: messages.TurnPartial, Reason: messages.ReasonMaxTokens}, "[DONE]"},
		"at a filter":         {messages.TurnOutcome{Status: messages.TurnPartial, Reason: messages.ReasonContentFilter}, "[DONE]"},
		"failed":              {messages.TurnOutcome{Status: messages.TurnFailed, Err: failure}, `{"error":{"message":"the provider takes no more; wait","type":"rate_limit_error","param":null,"code":"provider_rate_limited"}}`},
		"broken off":          {messages.TurnOutcome{Status: messages.TurnPartial, Reason: messages.ReasonProvider, Err: failure}, `{"error":{"message":"the provider takes no more; wait","type":"rate_limit_error","param":null,"code":"provider_rate_limited"}}`},
		"broken off, no word": {messages.TurnOutcome{Status: messages.TurnPartial, Reason: messages.ReasonServerRestart}, `{"error":{"message":"the reply broke off in the middle; send the request again","type":"server_error","param":null,"code":"provider_failed"}}`},
		"too late":            {messages.TurnOutcome{Status: messages.TurnPartial, Reason: messages.ReasonDeadline}, `{"error":{"message":"the reply took longer than its deadline; ask for less, or raise the deadline","type":"server_error","param":null,"code":"deadline_exceeded"}}`},
		"cancelled":           {messages.TurnOutcome{Status: messages.TurnCancelled}, `{"error":{"message":"the reply was cancelled; send the request again","type":"server_error","param":null,"code":"cancelled"}}`},
		"for a hidden reason": {messages.TurnOutcome{Status: messages.TurnFailed, Err: context.Canceled}, `{"error":{"message":"the server failed in a way that it did not expect; send the request again; the fault is in the server's log under the request's id","type":"server_error","param":null,"code":"internal_error"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openai.ChatStream{ID: turn, Model: "m", Created: asked, IncludeUsage: true}
			if diff := cmp.Diff([]string{tt.want}, chatEvents(t, &s, end(tt.outcome))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestChatReplyPutsChoicesTogether(t *testing.T) {
	t.Parallel()
	second := func(c messages.Chunk) messages.Chunk {
		c.Choice = 1
		return c
	}
	probability := func(token string) json.RawMessage {
		return json.RawMessage(`{"content":[{"token":"` + token + `"}],"refusal":null}`)
	}
	for name, tt := range map[string]struct {
		chunks []messages.Chunk
		want   string
	}{
		"nothing": {nil, `"choices":[]`},
		"text": {
			[]messages.Chunk{opened(messages.Served{Fingerprint: "fp", ServiceTier: "default"}), text("Hel"), text("lo"), finish(messages.FinishStop), usage(1, 2), complete},
			`"choices":[{"index":0,"message":{"role":"assistant","content":"Hello","refusal":null},"logprobs":null,"finish_reason":"stop"}],
			 "usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},
			 "service_tier":"default","system_fingerprint":"fp"`,
		},
		"a reply without a word": {
			[]messages.Chunk{finish(messages.FinishLength)},
			`"choices":[{"index":0,"message":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":"length"}]`,
		},
		"a reply that broke off": {
			[]messages.Chunk{text("a")},
			`"choices":[{"index":0,"message":{"role":"assistant","content":"a","refusal":null},"logprobs":null,"finish_reason":null}]`,
		},
		"reasoning, refusal and what Parley does not read": {
			[]messages.Chunk{thought("h"), thought("m"), refusalChunk("no"), {Kind: messages.ChunkText, Detail: &messages.ChunkDetail{Extra: json.RawMessage(`"x":1`)}}, {Kind: messages.ChunkText, Detail: &messages.ChunkDetail{Extra: json.RawMessage(`"y":2`)}}},
			`"choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":"no","reasoning_content":"hm","x":1,"y":2},"logprobs":null,"finish_reason":null}]`,
		},
		"tool calls that came in turns": {
			[]messages.Chunk{callBegins(0, "a", "f", "{"), callBegins(1, "b", "g", "["), callGoesOn(0, "}"), callGoesOn(1, "]"), finish(messages.FinishToolCalls)},
			`"choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"tool_calls":[
			 {"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"g","arguments":"[]"}}]},"logprobs":null,"finish_reason":"tool_calls"}]`,
		},
		"several choices": {
			[]messages.Chunk{second(text("b")), text("a"), second(finish(messages.FinishStop)), finish(messages.FinishLength)},
			`"choices":[{"index":0,"message":{"role":"assistant","content":"a","refusal":null},"logprobs":null,"finish_reason":"length"},
			 {"index":1,"message":{"role":"assistant","content":"b","refusal":null},"logprobs":null,"finish_reason":"stop"}]`,
		},
		"probabilities": {
			[]messages.Chunk{{Kind: messages.ChunkText, Text: "a", Detail: &messages.ChunkDetail{Logprobs: probability("a")}}, {Kind: messages.ChunkText, Text: "b", Detail: &messages.ChunkDetail{Logprobs: probability("b")}}, {Kind: messages.ChunkText, Detail: &messages.ChunkDetail{Logprobs: json.RawMessage(`{"content":null,"refusal":[{"token":"c"}],"x":1}`)}}},
			`"choices":[{"index":0,"message":{"role":"assistant","content":"ab","refusal":null},"logprobs":{"content":[{"token":"a"},{"token":"b"}],"refusal":[{"token":"c"}]},"finish_reason":null}]`,
		},
		"probabilities of another shape": {
			[]messages.Chunk{{Kind: messages.ChunkText, Text: "a", Detail: &messages.ChunkDetail{Logprobs: json.RawMessage(`7`)}}},
			`"choices":[{"index":0,"message":{"role":"assistant","content":"a","refusal":null},"logprobs":{"content":null,"refusal":null},"finish_reason":null}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var reply openai.ChatReply
			for _, c := range tt.chunks {
				reply.Add(c)
			}
			got := string(reply.AppendJSON([]byte(""), turn, "m", time.Unix(7, 0)))
			sameJSON(t, `{"id":"chatcmpl-018f2c3d4e5f700182039405a607b809","object":"chat.completion","created":7,"model":"m",`+tt.want+`}`, got)
		})
	}
}

func TestStreamsSayWhoContinuesThem(t *testing.T) {
	t.Parallel()
	first := opened(messages.Served{Provider: "a", Model: "m"})
	second := opened(messages.Served{Provider: "b", Model: "n", Earlier: "a/m"})
	chunks := []messages.Chunk{first, text("Hel"), second, text("lo"), finish(messages.FinishStop), usage(3, 2), complete}
	const comment, providers = ": parley.continued by b/n after a/m\n\n", `"parley":{"providers":["a/m","b/n"]}`
	for name, stream := range map[string]interface {
		Append(dst []byte, c messages.Chunk) []byte
	}{
		"chat":     &openai.ChatStream{Model: "m", Created: time.Unix(1, 0), IncludeUsage: true},
		"response": openai.NewResponseStream(&messages.TurnRecord{Model: "m"}),
	} {
		var sent []byte
		for _, c := range chunks {
			sent = stream.Append(sent, c)
		}
		shown := string(sent)
		if hel, went, lo := strings.Index(shown, `"Hel"`), strings.Index(shown, comment), strings.Index(shown, `"lo"`); hel < 0 || went < hel || lo < went {
			t.Errorf("%s: the comment does not stand between the two:\n%s", name, sent)
		}
		if strings.Count(shown, providers) != 1 {
			t.Errorf("%s: usage does not name both:\n%s", name, sent)
		}
	}
}
