package openai_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// response is a response object with what most tests leave alone.
func response(members string) string {
	object := map[string]any{
		"id": "resp_018f2c3d4e5f700182039405a607b809", "object": "response", "created_at": 1747660000, "status": "in_progress",
		"completed_at": nil, "background": false, "error": nil, "incomplete_details": nil, "instructions": nil, "model": "public-model",
		"output": []any{}, "store": true, "conversation": map[string]any{"id": "conv_0123456789abcdef0123456789abcdef"}, "previous_response_id": nil,
		"max_output_tokens": nil, "temperature": nil, "top_p": nil, "top_logprobs": nil, "parallel_tool_calls": true,
		"reasoning": map[string]any{"effort": nil, "summary": nil}, "text": map[string]any{"format": map[string]any{"type": "text"}},
		"user": nil, "metadata": map[string]any{}, "tools": []any{}, "tool_choice": "auto", "truncation": "disabled",
		"max_tool_calls": nil, "prompt_cache_key": nil, "safety_identifier": nil, "service_tier": nil, "usage": nil,
	}
	if err := json.Unmarshal([]byte("{"+members+"}"), &object); err != nil {
		panic(err)
	}
	body, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	return string(body)
}

func TestAppendResponse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(r *messages.TurnRecord)
		want   string
	}{
		"that runs": {func(*messages.TurnRecord) {}, ``},
		"that is complete": {
			func(r *messages.TurnRecord) {
				r.Status, r.Ended, r.Usage = messages.TurnComplete, asked.Add(2*time.Second), messages.Usage{Input: 5, Output: 4, Cached: 3, CacheWrite: 2, Reasoning: 1}
				r.Served = messages.Served{ServiceTier: "flex"}
			},
			`"status":"completed","completed_at":1747660002,"service_tier":"flex","usage":{"input_tokens":5,"input_tokens_details":{"cached_tokens":3,"cache_write_tokens":2},"output_tokens":4,"output_tokens_details":{"reasoning_tokens":1},"total_tokens":9}`,
		},
		"that is incomplete": {
			func(r *messages.TurnRecord) {
				r.Status, r.Reason, r.Ended = messages.TurnPartial, messages.ReasonServerRestart, asked
			},
			`"status":"incomplete","incomplete_details":{"reason":"server_restart"}`,
		},
		"that was cancelled": {func(r *messages.TurnRecord) { r.Status = messages.TurnCancelled }, `"status":"cancelled"`},
		"that failed": {
			func(r *messages.TurnRecord) {
				r.Status, r.FailureCode, r.FailureText = messages.TurnFailed, messages.CodeProviderFailed, "it broke"
			},
			`"status":"failed","error":{"code":"provider_failed","message":"it broke"}`,
		},
		"that failed for a reason that was lost": {
			func(r *messages.TurnRecord) { r.Status = messages.TurnFailed }, `"status":"failed","error":{"code":"internal_error","message":""}`,
		},
		"of a private conversation": {
			func(r *messages.TurnRecord) { r.Private, r.After = true, messages.TurnID{15: 1} },
			`"conversation":null,"previous_response_id":"resp_00000000000000000000000000000001"`,
		},
		"that is not kept": {
			func(r *messages.TurnRecord) { r.Ref.Conversation = "" }, `"conversation":null,"store":false`,
		},
		"with options": {
			func(r *messages.TurnRecord) {
				r.Instructions = "be kind"
				r.Options = messages.Options{
					MaxTokens: new(9), Temperature: new(0.5), TopP: new(1.0), TopLogprobs: new(2), ParallelToolCalls: new(false), User: "u",
					Metadata: map[string]string{"b": "2", "a": "1"}, Reasoning: &messages.Reasoning{Effort: "low", Summary: "auto"},
					ResponseFormat: &messages.ResponseFormat{Kind: messages.ResponseJSONSchema, Name: "n", Schema: json.RawMessage(`{"type":"object"}`), Strict: new(true)},
				}
			},
			`"instructions":"be kind","max_output_tokens":9,"temperature":0.5,"top_p":1,"top_logprobs":2,"parallel_tool_calls":false,"user":"u","metadata":{"a":"1","b":"2"},
			 "reasoning":{"effort":"low","summary":"auto"},"text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true}}`,
		},
		"with tools": {
			func(r *messages.TurnRecord) {
				r.Options = messages.Options{
					Tools: []messages.Tool{
						{Name: "f", Description: "d", Parameters: json.RawMessage(`{"type":"object"}`), Strict: new(true)}, {Name: "g"}, {Raw: json.RawMessage(`{"type":"web_search"}`)},
					},
					ToolChoice: &messages.ToolChoice{Mode: messages.ToolFunction, Name: "f"}, ExtraFormat: messages.FormatOpenAIResponses,
				}
			},
			`"tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":true},{"type":"function","name":"g","description":null,"parameters":null,"strict":null},{"type":"web_search"}],
			 "tool_choice":{"type":"function","name":"f"}`,
		},
		"with what Parley does not act on": {
			func(r *messages.TurnRecord) {
				r.Options = responsesOwn("truncation", `"auto"`, "max_tool_calls", `3`, "prompt_cache_key", `"k"`, "safety_identifier", `"s"`, "verbosity", `"low"`, "tool_choice", `{"type":"web_search"}`, "include", `[]`)
				r.Options.ResponseFormat = &messages.ResponseFormat{Kind: messages.ResponseJSON}
			},
			`"truncation":"auto","max_tool_calls":3,"prompt_cache_key":"k","safety_identifier":"s","text":{"format":{"type":"json_object"},"verbosity":"low"},"tool_choice":{"type":"web_search"}`,
		},
		"of a chat completion": {
			func(r *messages.TurnRecord) {
				r.Options = own("truncation", `7`, "max_tool_calls", `"x"`)
				r.Options.Tools = []messages.Tool{{Raw: json.RawMessage(`{"type":"custom"}`)}, {Name: "f"}}
				r.Options.ToolChoice = &messages.ToolChoice{Mode: messages.ToolRequired}
			},
			`"tools":[{"type":"function","name":"f","description":null,"parameters":null,"strict":null}],"tool_choice":"required"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record()
			tt.change(r)
			sameJSON(t, response(tt.want), string(openai.AppendResponse(nil, r, nil)))
		})
	}
}

func TestAppendResponseWritesOutput(t *testing.T) {
	t.Parallel()
	message := said("hi")
	message.ID = "msg_1"
	r := record()
	r.Status = messages.TurnComplete
	sameJSON(t, response(`"status":"completed","output":[{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"hi","annotations":[],"logprobs":[]}]}]`),
		string(openai.AppendResponse(nil, r, []messages.Item{message})))
}

func TestAppendItemWritesEveryKind(t *testing.T) {
	t.Parallel()
	text := messages.TextPart
	image := messages.Part{Kind: messages.PartImage, Image: "u"}
	file := messages.Part{Kind: messages.PartOther, Format: messages.FormatOpenAIResponses, Raw: json.RawMessage(`{"type":"input_file","file_id":"f"}`)}
	audio := messages.Part{Kind: messages.PartOther, Format: messages.FormatOpenAIChat, Raw: json.RawMessage(`{"type":"input_audio"}`)}
	incomplete := said("h")
	incomplete.Status = messages.ItemIncomplete
	for name, tt := range map[string]struct {
		item messages.Item
		want string
	}{
		"a user's message":        {message(messages.RoleUser, text("a"), image, file), `"type":"message","status":"completed","role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"u","detail":"auto"},{"type":"input_file","file_id":"f"}]`},
		"content of another form": {message(messages.RoleUser, audio), `"type":"message","status":"completed","role":"user","content":[{"type":"input_text","text":"[content of the format openai.chat]"}]`},
		"an assistant's":          {message(messages.RoleAssistant, text("a"), messages.Part{Kind: messages.PartRefusal, Text: "no"}), `"type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"a","annotations":[],"logprobs":[]},{"type":"refusal","refusal":"no"}]`},
		"what broke off":          {incomplete, `"type":"message","status":"incomplete","role":"assistant","content":[{"type":"output_text","text":"h","annotations":[],"logprobs":[]}]`},
		"nothing said":            {message(messages.RoleAssistant), `"type":"message","status":"completed","role":"assistant","content":[]`},
		"a call":                  {call("c", "f", `{"a":1}`), `"type":"function_call","status":"completed","arguments":"{\"a\":1}","call_id":"c","name":"f"`},
		"an output":               {output("c", text("1")), `"type":"function_call_output","status":"completed","call_id":"c","output":"1"`},
		"an output of parts":      {output("c", text("1"), image), `"type":"function_call_output","status":"completed","call_id":"c","output":[{"type":"input_text","text":"1"},{"type":"input_image","image_url":"u","detail":"auto"}]`},
		"an empty output":         {output("c"), `"type":"function_call_output","status":"completed","call_id":"c","output":[]`},
		"thoughts":                {reasoning("hm", "abc"), `"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"abc","status":"completed"`},
		"hidden thoughts":         {messages.Item{Kind: messages.ItemReasoning, Opaque: "abc"}, `"type":"reasoning","summary":[],"encrypted_content":"abc","status":"completed"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.item.ID = "id_1"
			sameJSON(t, `{"id":"id_1",`+tt.want+`}`, string(openai.AppendItem(nil, &tt.item)))
		})
	}
}

// What a client was given as an item, it can send back as input.
func TestItemsReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	incomplete := call("b", "g", `{"x":`)
	incomplete.Status = messages.ItemIncomplete
	want := []messages.Item{
		user("u"), message(messages.RoleSystem, messages.TextPart("s")), message(messages.RoleDeveloper, messages.TextPart("d")), said("é\n"),
		message(messages.RoleUser, messages.TextPart("a"), messages.Part{Kind: messages.PartImage, Image: "u", Detail: "high"}),
		message(messages.RoleAssistant, messages.Part{Kind: messages.PartRefusal, Text: "no"}), call("a", "f", "{}"), incomplete,
		output("a", messages.TextPart("1")), output("b", messages.TextPart("1"), messages.TextPart("2")), reasoning("hm", "anthropic:t2:abc;"),
	}
	body := `{"model":"m","input":[`
	for i := range want {
		if i > 0 {
			body += ","
		}
		body += string(openai.AppendItem(nil, &want[i]))
	}
	got, err := openai.DecodeResponsesRequest([]byte(body + "]}"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.Input); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAppendDeleted(t *testing.T) {
	t.Parallel()
	sameJSON(t, `{"id":"resp_018f2c3d4e5f700182039405a607b809","object":"response","deleted":true}`, string(openai.AppendResponseDeleted(nil, turn)))
	sameJSON(t, `{"id":"conv_1","object":"conversation.deleted","deleted":true}`, string(openai.AppendConversationDeleted(nil, "conv_1")))
}
