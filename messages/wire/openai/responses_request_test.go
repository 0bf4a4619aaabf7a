package openai_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// responsesRequest puts members behind what every request needs.
func responsesRequest(members string) string { return `{"model":"m","input":"hi"` + members + `}` }

// responsesInput is a request of these items.
func responsesInput(items string) string { return `{"model":"m","input":[` + items + `]}` }

func TestDecodeResponsesRequestReadsItems(t *testing.T) {
	t.Parallel()
	text := messages.TextPart
	incomplete := call("a", "f", "{")
	incomplete.Status = messages.ItemIncomplete
	for name, tt := range map[string]struct {
		items string
		want  []messages.Item
	}{
		"a message": {`{"role":"user","content":"u"}`, []messages.Item{user("u")}},
		"messages of every role": {
			`{"type":"message","role":"system","content":"s"},{"type":"message","role":"developer","content":[{"type":"input_text","text":"d"}]},{"role":"assistant","content":"a"}`,
			[]messages.Item{message(messages.RoleSystem, text("s")), message(messages.RoleDeveloper, text("d")), said("a")},
		},
		"a message as it was sent out": {
			`{"id":"msg_1","type":"message","status":"completed","role":"assistant","phase":"final_answer","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"a"},{"type":"refusal","refusal":"no"}]}`,
			[]messages.Item{message(messages.RoleAssistant, text("a"), messages.Part{Kind: messages.PartRefusal, Text: "no"})},
		},
		"images": {
			`{"role":"user","content":[{"type":"input_image","image_url":"https://a/b.png","detail":"low"},{"type":"input_image","image_url":"data:image/png;base64,AA==","detail":null}]}`,
			[]messages.Item{message(messages.RoleUser, messages.Part{Kind: messages.PartImage, Image: "https://a/b.png", Detail: "low"}, messages.Part{Kind: messages.PartImage, Image: "data:image/png;base64,AA=="})},
		},
		"parts that Parley carries": {
			`{"role":"user","content":[{"type":"input_file","file_id":"f"},{"type":"input_image","file_id":"f","detail":"auto"}]}`,
			[]messages.Item{message(messages.RoleUser,
				messages.Part{Kind: messages.PartOther, Format: messages.FormatOpenAIResponses, Raw: json.RawMessage(`{"type":"input_file","file_id":"f"}`)},
				messages.Part{Kind: messages.PartOther, Format: messages.FormatOpenAIResponses, Raw: json.RawMessage(`{"type":"input_image","file_id":"f","detail":"auto"}`)})},
		},
		"calls and outputs": {
			`{"type":"function_call","id":"fc_1","call_id":"a","name":"f","arguments":"{}","status":"completed"},{"type":"function_call_output","call_id":"a","output":"1"},
			 {"type":"function_call","call_id":"a","name":"f","arguments":"{","status":"incomplete"},{"type":"function_call_output","call_id":"b","output":[{"type":"input_text","text":"2"},{"type":"input_image","image_url":"u"}]}`,
			[]messages.Item{call("a", "f", "{}"), output("a", text("1")), incomplete, output("b", text("2"), messages.Part{Kind: messages.PartImage, Image: "u"})},
		},
		"thoughts": {
			`{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"abc","status":null},{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"raw"}]},{"type":"reasoning","summary":[]}`,
			[]messages.Item{reasoning("hm", "abc"), reasoning("raw", ""), {Kind: messages.ItemReasoning}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request, err := openai.DecodeResponsesRequest([]byte(responsesInput(tt.items)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, request.Input); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeResponsesRequestReadsOptions(t *testing.T) {
	t.Parallel()
	for members, want := range map[string]openai.ResponsesRequest{
		``:                                 {},
		`,"stream":true,"store":false`:     {Stream: true, Store: new(false)},
		`,"background":true`:               {Background: true},
		`,"instructions":"be kind"`:        {Instructions: "be kind"},
		`,"conversation":"conv_1"`:         {Conversation: "conv_1"},
		`,"conversation":{"id":"conv_1"}`:  {Conversation: "conv_1"},
		`,"previous_response_id":"resp_1"`: {PreviousResponseID: "resp_1"},
		`,"conversation":null,"prompt":null,"previous_response_id":null,"instructions":null,"text":null,"reasoning":null`: {},
		`,"stream":true,"stream_options":{"include_obfuscation":true}`:                                                    {Stream: true},
		`,"max_output_tokens":7,"temperature":1,"top_p":0.5,"parallel_tool_calls":true,"user":"u","metadata":{"k":"v"}`: {Options: messages.Options{
			MaxTokens: new(7), Temperature: new(1.0), TopP: new(0.5), ParallelToolCalls: new(true), User: "u", Metadata: map[string]string{"k": "v"},
		}},
		`,"top_logprobs":3`: {Options: messages.Options{TopLogprobs: new(3), Logprobs: true}},
		`,"top_logprobs":0`: {Options: messages.Options{TopLogprobs: new(0)}},
		`,"reasoning":{"effort":"low","summary":"auto"}`:  {Options: messages.Options{Reasoning: &messages.Reasoning{Effort: "low", Summary: "auto"}}},
		`,"reasoning":{"generate_summary":"concise"}`:     {Options: messages.Options{Reasoning: &messages.Reasoning{Summary: "concise"}}},
		`,"text":{"format":{"type":"text"}}`:              {Options: messages.Options{ResponseFormat: &messages.ResponseFormat{Kind: messages.ResponseText}}},
		`,"text":{"verbosity":"low"},"truncation":"auto"`: {Options: responsesOwn("verbosity", `"low"`, "truncation", `"auto"`)},
		`,"include":["reasoning.encrypted_content"],"safety_identifier":"s","prompt_cache_key":"k","max_tool_calls":3`: {Options: responsesOwn(
			"include", `["reasoning.encrypted_content"]`, "safety_identifier", `"s"`, "prompt_cache_key", `"k"`, "max_tool_calls", `3`)},
		`,"text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true}}`: {Options: messages.Options{
			ResponseFormat: &messages.ResponseFormat{Kind: messages.ResponseJSONSchema, Name: "n", Schema: json.RawMessage(`{"type":"object"}`), Strict: new(true)},
		}},
		`,"tools":[{"type":"function","name":"f","description":null,"parameters":{"type":"object"},"strict":false},{"type":"web_search","filters":{}}],"tool_choice":{"type":"function","name":"f"}`: {Options: messages.Options{
			Tools:      []messages.Tool{{Name: "f", Parameters: json.RawMessage(`{"type":"object"}`), Strict: new(false)}, {Raw: json.RawMessage(`{"type":"web_search","filters":{}}`)}},
			ToolChoice: &messages.ToolChoice{Mode: messages.ToolFunction, Name: "f"}, ExtraFormat: messages.FormatOpenAIResponses,
		}},
		`,"tool_choice":"none"`:                {Options: messages.Options{ToolChoice: &messages.ToolChoice{Mode: messages.ToolNone}}},
		`,"tool_choice":{"type":"web_search"}`: {Options: responsesOwn("tool_choice", `{"type":"web_search"}`)},
	} {
		t.Run(members, func(t *testing.T) {
			t.Parallel()
			got, err := openai.DecodeResponsesRequest([]byte(responsesRequest(members)))
			if err != nil {
				t.Fatal(err)
			}
			want.Model, want.Input = "m", []messages.Item{user("hi")}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeResponsesRequestNamesTheFieldAtFault(t *testing.T) {
	t.Parallel()
	type want struct {
		code  messages.Code
		param string
	}
	invalid := func(param string) want { return want{messages.CodeInvalidRequest, param} }
	unsupported := func(param string) want { return want{messages.CodeUnsupported, param} }
	for body, want := range map[string]want{
		`{"input":"hi"}`:                                                    invalid("model"),
		`{"model":"m"}`:                                                     invalid("input"),
		`{"model":"m","input":[]}`:                                          invalid("input"),
		`{"model":"m","input":7}`:                                           invalid("input"),
		`{"model":"m","input":{}}`:                                          invalid("input"),
		responsesInput(`"hi"`):                                              invalid("input[0]"),
		responsesInput(`{}`):                                                invalid("input[0].type"),
		responsesInput(`{"content":"a"}`):                                   invalid("input[0].type"),
		responsesInput(`{"type":"message","content":"a"}`):                  invalid("input[0].role"),
		responsesInput(`{"role":"tool","content":"a"}`):                     invalid("input[0].role"),
		responsesInput(`{"role":"user"}`):                                   invalid("input[0].content"),
		responsesInput(`{"role":"user","content":{}}`):                      invalid("input[0].content"),
		responsesInput(`{"role":"user","content":[{}]}`):                    invalid("input[0].content[0].type"),
		responsesInput(`{"role":"user","content":[{"type":"input_text"}]}`): invalid("input[0].content[0].text"),
		responsesInput(`{"role":"user","content":[{"type":"input_image","image_url":{"url":"u"}}]}`): invalid("input[0].content[0].image_url"),
		responsesInput(`{"role":"user","content":"a"},{"type":"function_call","name":"f"}`):          invalid("input[1].call_id"),
		responsesInput(`{"type":"function_call","call_id":"a"}`):                                     invalid("input[0].name"),
		responsesInput(`{"type":"function_call_output","output":"a"}`):                               invalid("input[0].call_id"),
		responsesInput(`{"type":"function_call_output","call_id":"a"}`):                              invalid("input[0].output"),
		responsesInput(`{"type":"item_reference","id":"msg_1"}`):                                     unsupported("input[0]"),
		responsesInput(`{"role":"user","content":"a"},{"type":"web_search_call","id":"ws_1"}`):       unsupported("input[1]"),
		responsesInput(repeated(`{"role":"user","content":"a"}`, 4097)):                              invalid("input[4096]"),
		responsesRequest(`,"prompt":{"id":"pmpt_1"}`):                                                unsupported("prompt"),
		responsesRequest(`,"conversation":7`):                                                        invalid("conversation"),
		responsesRequest(`,"conversation":{}`):                                                       invalid("conversation.id"),
		responsesRequest(`,"conversation":"conv_1","previous_response_id":"resp_1"`):                 invalid("previous_response_id"),
		responsesRequest(`,"max_output_tokens":0`):                                                   invalid("max_output_tokens"),
		responsesRequest(`,"temperature":3`):                                                         invalid("temperature"),
		responsesRequest(`,"top_logprobs":21`):                                                       invalid("top_logprobs"),
		responsesRequest(`,"instructions":["a"]`):                                                    invalid("instructions"),
		responsesRequest(`,"truncation":"middle"`):                                                   invalid("truncation"),
		responsesRequest(`,"text":{"verbosity":"shouting"}`):                                         invalid("text.verbosity"),
		responsesRequest(`,"text":{"format":{"type":"json_schema"}}`):                                invalid("text.format.name"),
		responsesRequest(`,"text":{"format":{"type":"grammar"}}`):                                    unsupported("text.format"),
		responsesRequest(`,"text":"low"`):                                                            invalid("text"),
		responsesRequest(`,"reasoning":{"effort":1}`):                                                invalid("reasoning.effort"),
		responsesRequest(`,"tools":[{"type":"function"}]`):                                           invalid("tools[0].name"),
		responsesRequest(`,"tool_choice":{"type":"function"}`):                                       invalid("tool_choice.name"),
		responsesRequest(`,"store":"yes"`):                                                           invalid("store"),
		responsesRequest(`,"background":"yes"`):                                                      invalid("background"),
		responsesRequest(`,"input":"twice"`):                                                         {messages.CodeInvalidJSON, "input"},
		responsesRequest(`} {`):                                                                      {messages.CodeInvalidJSON, ""},
		"":                                                                                           {messages.CodeInvalidJSON, ""},
	} {
		t.Run(body[:min(len(body), 120)], func(t *testing.T) {
			t.Parallel()
			request, err := openai.DecodeResponsesRequest([]byte(body))
			if request != nil || err == nil {
				t.Fatalf("it was taken: %+v", request)
			}
			checkRefusal(t, err, want.code, want.param)
		})
	}
}

func TestDecodedResponsesRequestsOwnTheirMemory(t *testing.T) {
	t.Parallel()
	body := []byte(responsesRequest(`,"conversation":"conv_1","include":["a"],"tools":[{"type":"function","name":"f","parameters":{"a":1}},{"type":"web"}],"instructions":"i","metadata":{"k":"v"}`))
	got, err := openai.DecodeResponsesRequest(body)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%+v", *got)
	copy(body, strings.Repeat("#", len(body)))
	if diff := cmp.Diff(want, fmt.Sprintf("%+v", *got)); diff != "" {
		t.Errorf("it changed with the buffer (-want +got):\n%s", diff)
	}
}
