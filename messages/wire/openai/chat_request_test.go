package openai_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// chatRequest puts members behind what every request needs.
func chatRequest(members string) string {
	return `{"model":"m","messages":[{"role":"user","content":"hi"}]` + members + `}`
}

// chatMessages is a request of these messages.
func chatMessages(list string) string { return `{"model":"m","messages":[` + list + `]}` }

func user(text string) messages.Item { return messages.TextMessage(messages.RoleUser, text) }

func said(text string) messages.Item { return messages.TextMessage(messages.RoleAssistant, text) }

func call(id, name, args string) messages.Item {
	return messages.Item{Kind: messages.ItemToolCall, CallID: id, Name: name, Args: args}
}

func output(id string, parts ...messages.Part) messages.Item {
	return messages.Item{Kind: messages.ItemToolOutput, CallID: id, Parts: parts}
}

func reasoning(text, opaque string) messages.Item {
	return messages.Item{Kind: messages.ItemReasoning, Parts: []messages.Part{messages.TextPart(text)}, Opaque: opaque}
}

func message(role messages.Role, parts ...messages.Part) messages.Item {
	return messages.Item{Kind: messages.ItemMessage, Role: role, Parts: parts}
}

func TestDecodeChatRequestReadsMessages(t *testing.T) {
	t.Parallel()
	text := messages.TextPart
	for name, tt := range map[string]struct {
		messages string
		want     []messages.Item
	}{
		"of every role": {
			`{"role":"system","content":"s"},{"role":"developer","content":"d"},{"role":"user","content":"u"},{"role":"assistant","content":"a"}`,
			[]messages.Item{message(messages.RoleSystem, text("s")), message(messages.RoleDeveloper, text("d")), user("u"), said("a")},
		},
		"with a speaker's name": {
			`{"role":"user","name":"Ann","content":"u"}`,
			[]messages.Item{{Kind: messages.ItemMessage, Role: messages.RoleUser, Name: "Ann", Parts: []messages.Part{text("u")}}},
		},
		"with the role last":     {`{"content":"u","role":"user"}`, []messages.Item{user("u")}},
		"with escapes":           {`{"role":"user","content":"\u00e9\n\"\ud83d\ude00"}`, []messages.Item{user("é\n\"😀")}},
		"that are empty":         {`{"role":"user","content":""}`, []messages.Item{user("")}},
		"with unknown members":   {`{"role":"user","content":"u","cache_control":{"type":"ephemeral"},"x":null}`, []messages.Item{user("u")}},
		"of parts":               {`{"role":"user","content":[{"type":"text","text":"a"},{"text":"b","type":"text"}]}`, []messages.Item{message(messages.RoleUser, text("a"), text("b"))}},
		"of no parts":            {`{"role":"user","content":[]}`, []messages.Item{message(messages.RoleUser)}},
		"of nobody's":            {`{"role":"assistant"}`, []messages.Item{message(messages.RoleAssistant)}},
		"of the assistant alone": {`{"role":"assistant","content":null}`, []messages.Item{message(messages.RoleAssistant)}},
		"with images": {
			`{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a/b.png","detail":"low"}},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}`,
			[]messages.Item{message(messages.RoleUser,
				messages.Part{Kind: messages.PartImage, Image: "https://a/b.png", Detail: "low"},
				messages.Part{Kind: messages.PartImage, Image: "data:image/png;base64,AA=="})},
		},
		"with parts that Parley carries": {
			`{"role":"user","content":[ {"type":"input_audio", "input_audio":{"data":"AA==","format":"wav"}} ,{"type":"file","file":{"file_id":"f"}}]}`,
			[]messages.Item{message(messages.RoleUser,
				messages.Part{Kind: messages.PartOther, Format: messages.FormatOpenAIChat, Raw: json.RawMessage(`{"type":"input_audio", "input_audio":{"data":"AA==","format":"wav"}}`)},
				messages.Part{Kind: messages.PartOther, Format: messages.FormatOpenAIChat, Raw: json.RawMessage(`{"type":"file","file":{"file_id":"f"}}`)})},
		},
		"that refuse": {
			`{"role":"assistant","content":null,"refusal":"no"},{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]}`,
			[]messages.Item{
				message(messages.RoleAssistant, messages.Part{Kind: messages.PartRefusal, Text: "no"}),
				message(messages.RoleAssistant, messages.Part{Kind: messages.PartRefusal, Text: "no"}),
			},
		},
		"that call tools": {
			`{"role":"assistant","content":"let me see","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"g","arguments":"{\"x\":"}}]},` +
				`{"role":"tool","tool_call_id":"a","content":"1"},{"role":"tool","tool_call_id":"b","content":[{"type":"text","text":"2"}]}`,
			[]messages.Item{said("let me see"), call("a", "f", "{}"), call("b", "g", `{"x":`), output("a", text("1")), output("b", text("2"))},
		},
		"that call tools and say nothing": {
			`{"role":"assistant","content":null,"tool_calls":[{"id":"a","function":{"name":"f","arguments":""}}]},{"role":"assistant","content":"","tool_calls":[{"id":"b","type":"custom","custom":{"name":"sql","input":"SELECT"}}]}`,
			[]messages.Item{call("a", "f", ""), call("b", "sql", "SELECT")},
		},
		"that think": {
			`{"role":"assistant","reasoning_content":"hm","content":"a"}`,
			[]messages.Item{reasoning("hm", ""), said("a")},
		},
		"of the format of 2023": {
			`{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"1"},{"role":"function","name":"unknown","content":"2"}`,
			[]messages.Item{
				call("call_message_0", "f", "{}"),
				{Kind: messages.ItemToolOutput, CallID: "call_message_0", Name: "f", Parts: []messages.Part{text("1")}},
				{Kind: messages.ItemToolOutput, CallID: "unknown", Name: "unknown", Parts: []messages.Part{text("2")}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request, err := openai.DecodeChatRequest([]byte(chatMessages(tt.messages)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, request.Input); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeChatRequestReadsOptions(t *testing.T) {
	t.Parallel()
	for members, want := range map[string]openai.ChatRequest{
		``:                {},
		`,"stream":true`:  {Stream: true},
		`,"stream":false`: {},
		`,"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}`: {Stream: true, IncludeUsage: true},
		`,"stream_options":null`: {},
		`,"store":true`:          {Store: new(true)},
		`,"store":false`:         {Store: new(false)},
		`,"temperature":0.7,"top_p":1,"presence_penalty":-2,"frequency_penalty":2`: {Options: messages.Options{
			Temperature: new(0.7), TopP: new(1.0), PresencePenalty: new(-2.0), FrequencyPenalty: new(2.0),
		}},
		`,"temperature":null,"n":null,"tools":null,"stop":null`: {},
		`,"max_tokens":5`:                                                 {Options: messages.Options{MaxTokens: new(5)}},
		`,"max_completion_tokens":6`:                                      {Options: messages.Options{MaxTokens: new(6)}},
		`,"max_tokens":5,"max_completion_tokens":6`:                       {Options: messages.Options{MaxTokens: new(6)}},
		`,"n":128,"seed":-9223372036854775808`:                            {Options: messages.Options{N: 128, Seed: new(int64(-9223372036854775808))}},
		`,"stop":"x"`:                                                     {Options: messages.Options{Stop: []string{"x"}}},
		`,"stop":["a","b","c","d"]`:                                       {Options: messages.Options{Stop: []string{"a", "b", "c", "d"}}},
		`,"logprobs":true,"top_logprobs":20`:                              {Options: messages.Options{Logprobs: true, TopLogprobs: new(20)}},
		`,"top_logprobs":0`:                                               {Options: messages.Options{TopLogprobs: new(0)}},
		`,"user":"u","metadata":{"a":"b"},"parallel_tool_calls":false`:    {Options: messages.Options{User: "u", Metadata: map[string]string{"a": "b"}, ParallelToolCalls: new(false)}},
		`,"reasoning_effort":"xhigh"`:                                     {Options: messages.Options{Reasoning: &messages.Reasoning{Effort: "xhigh"}}},
		`,"response_format":{"type":"text"}`:                              {Options: messages.Options{ResponseFormat: &messages.ResponseFormat{Kind: messages.ResponseText}}},
		`,"response_format":{"type":"json_object"}`:                       {Options: messages.Options{ResponseFormat: &messages.ResponseFormat{Kind: messages.ResponseJSON}}},
		`,"response_format":{"type":"grammar","value":"root ::= \"a\""}`:  {Options: own("response_format", `{"type":"grammar","value":"root ::= \"a\""}`)},
		`,"logit_bias":{"50256":-100},"service_tier":"flex"`:              {Options: own("logit_bias", `{"50256":-100}`, "service_tier", `"flex"`)},
		`,"guided_choice":["a","b"],"b\u00e9":{"x":[ 1 ]}`:                {Options: own("guided_choice", `["a","b"]`, "bé", `{"x":[ 1 ]}`)},
		`,"tool_choice":"required"`:                                       {Options: messages.Options{ToolChoice: &messages.ToolChoice{Mode: messages.ToolRequired}}},
		`,"tool_choice":{"type":"function","function":{"name":"f"}}`:      {Options: messages.Options{ToolChoice: &messages.ToolChoice{Mode: messages.ToolFunction, Name: "f"}}},
		`,"tool_choice":{"type":"allowed_tools","allowed_tools":{"x":1}}`: {Options: own("tool_choice", `{"type":"allowed_tools","allowed_tools":{"x":1}}`)},
		`,"response_format":{"type":"json_schema","json_schema":{"name":"n","description":"d","strict":true,"schema":{"type":"object"}}}`: {Options: messages.Options{
			ResponseFormat: &messages.ResponseFormat{Kind: messages.ResponseJSONSchema, Name: "n", Description: "d", Strict: new(true), Schema: json.RawMessage(`{"type":"object"}`)},
		}},
		`,"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{}},"strict":true}}]`: {Options: messages.Options{
			Tools: []messages.Tool{{Name: "f", Description: "d", Parameters: json.RawMessage(`{"type":"object","properties":{}}`), Strict: new(true)}},
		}},
		`,"tools":[{"type":"custom","custom":{"name":"sql"}}]`: {Options: messages.Options{
			Tools: []messages.Tool{{Raw: json.RawMessage(`{"type":"custom","custom":{"name":"sql"}}`)}}, ExtraFormat: messages.FormatOpenAIChat,
		}},
	} {
		t.Run(members, func(t *testing.T) {
			t.Parallel()
			got, err := openai.DecodeChatRequest([]byte(chatRequest(members)))
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

// own is options with members of the chat format alone.
func own(pairs ...string) (o messages.Options) {
	o.ExtraFormat = messages.FormatOpenAIChat
	for pair := range slices.Chunk(pairs, 2) {
		o.Extra = append(o.Extra, messages.Field{Name: pair[0], Value: json.RawMessage(pair[1])})
	}
	return o
}

// repeated joins n copies by commas.
func repeated(s string, n int) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }

func TestDecodeChatRequestNamesTheFieldAtFault(t *testing.T) {
	t.Parallel()
	for body, param := range map[string]string{
		`{}`:                            "model",
		`{"model":""}`:                  "model",
		`{"model":"m"}`:                 "messages",
		`{"model":[]}`:                  "model",
		`[]`:                            "",
		`"model"`:                       "",
		`null`:                          "",
		chatMessages(``):                "messages",
		chatMessages(`7`):               "messages[0]",
		`{"model":"m","messages":"hi"}`: "messages",
		`{"model":"` + strings.Repeat("x", 257) + `"}`:                                                                                 "model",
		chatMessages(`{"role":"user","content":"a"},{"content":"b"}`):                                                                  "messages[1].role",
		chatMessages(`{"role":"wizard","content":"b"}`):                                                                                "messages[0].role",
		chatMessages(`{"role":1,"content":"b"}`):                                                                                       "messages[0].role",
		chatMessages(`{"role":"user"}`):                                                                                                "messages[0].content",
		chatMessages(`{"role":"user","content":null}`):                                                                                 "messages[0].content",
		chatMessages(`{"role":"system","content":{"text":"a"}}`):                                                                       "messages[0].content",
		chatMessages(`{"role":"user","content":7}`):                                                                                    "messages[0].content",
		chatMessages(`{"role":"user","content":["a"]}`):                                                                                "messages[0].content[0]",
		chatMessages(`{"role":"user","content":[{"type":"text"}]}`):                                                                    "messages[0].content[0].text",
		chatMessages(`{"role":"user","content":[{"text":"a"}]}`):                                                                       "messages[0].content[0].type",
		chatMessages(`{"role":"user","content":[{"type":"text","text":1}]}`):                                                           "messages[0].content[0].text",
		chatMessages(`{"role":"user","content":[{"type":"image_url"}]}`):                                                               "messages[0].content[0].image_url.url",
		chatMessages(`{"role":"user","content":[{"type":"image_url","image_url":"u"}]}`):                                               "messages[0].content[0].image_url",
		chatMessages(`{"role":"user","content":[` + repeated(`{"type":"text","text":"a"}`, 1025) + `]}`):                               "messages[0].content[1024]",
		chatMessages(`{"role":"tool","content":"a"}`):                                                                                  "messages[0].tool_call_id",
		chatMessages(`{"role":"tool","tool_call_id":"a"}`):                                                                             "messages[0].content",
		chatMessages(`{"role":"assistant","tool_calls":{}}`):                                                                           "messages[0].tool_calls",
		chatMessages(`{"role":"assistant","tool_calls":[{"function":{"name":"f"}}]}`):                                                  "messages[0].tool_calls[0].id",
		chatMessages(`{"role":"assistant","tool_calls":[{"id":"a","function":{}}]}`):                                                   "messages[0].tool_calls[0].function.name",
		chatMessages(`{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":{}}}]}`):                          "messages[0].tool_calls[0].function.arguments",
		chatMessages(`{"role":"assistant","tool_calls":[` + repeated(`{"id":"a","function":{"name":"f","arguments":""}}`, 129) + `]}`): "messages[0].tool_calls[128]",
		chatMessages(repeated(`{"role":"user","content":"a"}`, 4097)):                                                                  "messages[4096]",
		chatRequest(`,"stream":"yes"`):                                                                                                 "stream",
		chatRequest(`,"stream_options":{"include_usage":true}`):                                                                        "stream_options",
		chatRequest(`,"stream":true,"stream_options":{"include_usage":1}`):                                                             "stream_options.include_usage",
		chatRequest(`,"temperature":2.1`):                                                                                              "temperature",
		chatRequest(`,"temperature":"hot"`):                                                                                            "temperature",
		chatRequest(`,"temperature":1e999`):                                                                                            "temperature",
		chatRequest(`,"top_p":-0.1`):                                                                                                   "top_p",
		chatRequest(`,"presence_penalty":-2.5`):                                                                                        "presence_penalty",
		chatRequest(`,"frequency_penalty":3`):                                                                                          "frequency_penalty",
		chatRequest(`,"max_tokens":0`):                                                                                                 "max_tokens",
		chatRequest(`,"max_completion_tokens":1.5`):                                                                                    "max_completion_tokens",
		chatRequest(`,"max_completion_tokens":99999999999`):                                                                            "max_completion_tokens",
		chatRequest(`,"n":0`):                                                                                                          "n",
		chatRequest(`,"n":129`):                                                                                                        "n",
		chatRequest(`,"seed":"1"`):                                                                                                     "seed",
		chatRequest(`,"stop":7`):                                                                                                       "stop",
		chatRequest(`,"stop":["a",1]`):                                                                                                 "stop[1]",
		chatRequest(`,"stop":["a","b","c","d","e"]`):                                                                                   "stop[4]",
		chatRequest(`,"logprobs":1`):                                                                                                   "logprobs",
		chatRequest(`,"top_logprobs":5`):                                                                                               "top_logprobs",
		chatRequest(`,"logprobs":true,"top_logprobs":21`):                                                                              "top_logprobs",
		chatRequest(`,"user":1`):                                                                                                       "user",
		chatRequest(`,"store":"yes"`):                                                                                                  "store",
		chatRequest(`,"reasoning_effort":3`):                                                                                           "reasoning_effort",
		chatRequest(`,"parallel_tool_calls":0`):                                                                                        "parallel_tool_calls",
		chatRequest(`,"metadata":["a"]`):                                                                                               "metadata",
		chatRequest(`,"metadata":{"a":1}`):                                                                                             "metadata",
		chatRequest(`,"metadata":{"` + strings.Repeat("é", 65) + `":"a"}`):                                                             "metadata",
		chatRequest(`,"metadata":{"a":"` + strings.Repeat("é", 513) + `"}`):                                                            "metadata",
		chatRequest(`,"metadata":{` + numbered(17) + `}`):                                                                              "metadata",
		chatRequest(`,"tools":{}`):                                                                                                     "tools",
		chatRequest(`,"tools":[{"function":{"name":"f"}}]`):                                                                            "tools[0].type",
		chatRequest(`,"tools":[{"type":"function"}]`):                                                                                  "tools[0].function.name",
		chatRequest(`,"tools":[{"type":"function","function":{"name":"` + strings.Repeat("f", 129) + `"}}]`):                           "tools[0].function.name",
		chatRequest(`,"tools":[{"type":"function","function":{"name":"f","parameters":[]}}]`):                                          "tools[0].function.parameters",
		chatRequest(`,"tools":[{"type":"function","function":{"name":"f","strict":1}}]`):                                               "tools[0].function.strict",
		chatRequest(`,"tools":[` + repeated(`{"type":"function","function":{"name":"f"}}`, 1025) + `]`):                                "tools[1024]",
		chatRequest(`,"tool_choice":"sometimes"`):                                                                                      "tool_choice",
		chatRequest(`,"tool_choice":1`):                                                                                                "tool_choice",
		chatRequest(`,"tool_choice":{"type":"function"}`):                                                                              "tool_choice.function.name",
		chatRequest(`,"response_format":"json"`):                                                                                       "response_format",
		chatRequest(`,"response_format":{}`):                                                                                           "response_format.type",
		chatRequest(`,"response_format":{"type":"json_schema"}`):                                                                       "response_format.json_schema.name",
		chatRequest(`,"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":true}}`):                              "response_format.json_schema.schema",
	} {
		t.Run(body[:min(len(body), 120)], func(t *testing.T) {
			t.Parallel()
			refused(t, body, messages.CodeInvalidRequest, param)
		})
	}
}

// numbered is n members with different names.
func numbered(n int) string {
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprintf(`"m%d":"x"`, i)
	}
	return strings.Join(members, ",")
}

func TestDecodeChatRequestRefusesWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	for body, param := range map[string]string{
		"": "", " ": "", "{": "", `{"model":`: "model", `{"model":"m"`: "", "nope": "", "{]": "",
		chatRequest(`,"x":1`) + "x": "", chatRequest("") + "{}": "",
		`{"model":"m","model":"n"}`:                                         "model",
		chatMessages(`{"role":"user","role":"user","content":""}`):          "messages[0].role",
		chatRequest(`,"x":{"y":1,"y":2}`):                                   "x.y",
		chatRequest(`,"user":"` + "\xff" + `"`):                             "user",
		chatRequest(`,"user":"\ud800"`):                                     "user",
		chatRequest(`,"user":"\x"`):                                         "user",
		chatRequest(`,"user":"` + "\x01" + `"`):                             "user",
		chatRequest(`,"seed":01`):                                           "",
		chatRequest(`,"x":` + strings.Repeat("[", 64)):                      "x",
		chatRequest(`,"x":` + nested(64)):                                   "x",
		chatRequest(`,"tools":` + nested(65)):                               "tools[0]",
		chatRequest(`,"metadata":{"a` + "\xff" + `":"x"}`):                  "metadata",
		chatRequest(`,"temperature":.5`):                                    "temperature",
		chatMessages(`{"role":"user","content":"a"},`):                      "messages[1]",
		`{"messages":[{"content":"` + strings.Repeat("x", 99) + "\n" + `"`:  "messages[0].content",
		chatRequest(`,"metadata":{"my secret":"a","my secret":"b"}`):        "metadata",
		chatRequest(`,"metadata":{"my secret":tru}`):                        "metadata",
		chatRequest(`,"tools":[{"type":"function","function":{"name":"f"]`): "tools[0].function",
	} {
		t.Run(body[:min(len(body), 120)], func(t *testing.T) {
			t.Parallel()
			refused(t, body, messages.CodeInvalidJSON, param)
		})
	}
}

// nested is an array in an array and so on.
func nested(levels int) string {
	return strings.Repeat("[", levels) + strings.Repeat("]", levels)
}

// refused holds that a request is refused with the code, for the field, and that
// nothing of what it holds is told.
func refused(t *testing.T, body string, code messages.Code, param string) {
	t.Helper()
	request, err := openai.DecodeChatRequest([]byte(body))
	if request != nil || err == nil {
		t.Fatalf("it was taken: %+v", request)
	}
	checkRefusal(t, err, code, param)
}

func checkRefusal(t *testing.T, err error, code messages.Code, param string) {
	t.Helper()
	failure := messages.AsFailure(err)
	if failure.Code != code || failure.Param != param {
		t.Errorf("got %s for %q, want %s for %q (%v)", failure.Code, failure.Param, code, param, err)
	}
	if failure.What == "" || failure.Do == "" || !failure.NoRetry {
		t.Errorf("it does not say what to do: %+v", failure)
	}
	if failure.Param != "" && !strings.HasPrefix(failure.What, failure.Param) {
		t.Errorf("it does not begin with the field: %s", failure.What)
	}
}

func TestFailuresNeverQuoteTheRequest(t *testing.T) {
	t.Parallel()
	const canary = "tulip-7f3a"
	for _, body := range []string{
		`{"model":"m","messages":[{"role":"` + canary + `","content":"` + canary + `"}]}`,
		`{"model":"m","messages":[{"role":"user","content":{"` + canary + `":"` + canary + `"}}]}`,
		`{"` + canary + `":1,"` + canary + `":2}`,
		`{"model":"m` + canary + `` + "\xff" + `"}`,
		`{"model":"` + canary + `" ` + canary + `}`,
		canary,
		chatRequest(`,"tool_choice":"` + canary + `"`),
		chatRequest(`,"metadata":{"` + canary + `":1}`),
		chatRequest(`,"tools":[{"type":"function","function":{"name":"f","parameters":"` + canary + `"}}]`),
		chatRequest(`,"` + canary + `":` + nested(70)),
		chatRequest(`,"response_format":{"type":"json_schema","json_schema":{"description":"` + canary + `"}}`),
	} {
		_, err := openai.DecodeChatRequest([]byte(body))
		failure := messages.AsFailure(err)
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, *failure), canary) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestDecodedRequestsOwnTheirMemory(t *testing.T) {
	t.Parallel()
	body := []byte(chatRequest(`,"user":"somebody","x":{"y":[1]},"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}},{"type":"web"}],"stop":["a"],"metadata":{"k":"v"}`))
	got, err := openai.DecodeChatRequest(body)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%+v", *got)
	for i := range body {
		body[i] = '#'
	}
	if diff := cmp.Diff(want, fmt.Sprintf("%+v", *got)); diff != "" {
		t.Errorf("it changed with the buffer (-want +got):\n%s", diff)
	}
}
