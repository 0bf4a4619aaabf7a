package openai_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// appended is the request that the call becomes.
func appended(t *testing.T, model string, call *messages.Call) string {
	t.Helper()
	body, err := openai.AppendChatRequest(nil, model, call)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// sameJSON compares two texts as values.
func sameJSON(t *testing.T, want, got string) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal([]byte(want), &a); err != nil {
		t.Fatalf("%v: %s", err, want)
	}
	if err := json.Unmarshal([]byte(got), &b); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAppendChatRequestWritesItems(t *testing.T) {
	t.Parallel()
	text := messages.TextPart
	image := messages.Part{Kind: messages.PartImage, Image: "https://a/b.png", Detail: "high"}
	audio := messages.Part{Kind: messages.PartOther, Format: messages.FormatOpenAIChat, Raw: json.RawMessage(`{"type":"input_audio"}`)}
	refusal := messages.Part{Kind: messages.PartRefusal, Text: "no"}
	named := user("hi")
	named.Name = "Ann"
	cut := call("b", "g", `{"x":`)
	cut.Status = messages.ItemIncomplete
	for name, tt := range map[string]struct {
		items []messages.Item
		want  string
	}{
		"messages": {
			[]messages.Item{message(messages.RoleSystem, text("s")), message(messages.RoleDeveloper, text("d")), named, said("a")},
			`[{"role":"system","content":"s"},{"role":"system","content":"d"},{"role":"user","name":"Ann","content":"hi"},{"role":"assistant","content":"a"}]`,
		},
		"parts": {
			[]messages.Item{message(messages.RoleUser, text("a"), image, audio), message(messages.RoleUser), message(messages.RoleUser, messages.Part{Kind: messages.PartImage, Image: "u"})},
			`[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"https://a/b.png","detail":"high"}},{"type":"input_audio"}]},
			  {"role":"user","content":""},{"role":"user","content":[{"type":"image_url","image_url":{"url":"u"}}]}]`,
		},
		"refusals": {
			[]messages.Item{message(messages.RoleAssistant, refusal), message(messages.RoleAssistant, text("a"), refusal, text("b"), refusal)},
			`[{"role":"assistant","refusal":"no","content":null},{"role":"assistant","refusal":"nono","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]`,
		},
		"tools called and answered": {
			[]messages.Item{user("hi"), said("see"), call("a", "f", "{}"), call("b", "g", "{}"), output("a", text("1")), output("b", text("2"), text("3"))},
			`[{"role":"user","content":"hi"},
			  {"role":"assistant","content":"see","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]},
			  {"role":"tool","tool_call_id":"a","content":"1"},{"role":"tool","tool_call_id":"b","content":[{"type":"text","text":"2"},{"type":"text","text":"3"}]}]`,
		},
		"thoughts are left out": {
			[]messages.Item{reasoning("hm", "x"), said("see"), reasoning("hm", ""), call("a", "f", "{}"), reasoning("", "y"), output("a", text("1")), reasoning("last", "")},
			`[{"role":"assistant","content":"see","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"1"}]`,
		},
		"an output that comes late stands behind its call": {
			[]messages.Item{call("a", "f", "{}"), user("wait"), output("a", text("1")), said("ok")},
			`[{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"1"},
			  {"role":"user","content":"wait"},{"role":"assistant","content":"ok"}]`,
		},
		"a call without an output": {
			[]messages.Item{call("a", "f", "{}"), user("next")},
			`[{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},
			  {"role":"tool","tool_call_id":"a","content":"The tool call was cut off: there is no output."},{"role":"user","content":"next"}]`,
		},
		"an output without a call": {
			[]messages.Item{output("gone", text("1")), user("next")},
			`[{"role":"user","content":[{"type":"text","text":"Output of an earlier tool call:"},{"type":"text","text":"1"}]},{"role":"user","content":"next"}]`,
		},
		"a call that the model did not finish": {
			[]messages.Item{said("see"), call("a", "f", "{}"), cut, output("a", text("1"))},
			`[{"role":"assistant","content":"see","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"1"}]`,
		},
		"nothing but a call that the model did not finish": {
			[]messages.Item{user("hi"), cut}, `[{"role":"user","content":"hi"}]`,
		},
		"a name of a call that is used again": {
			[]messages.Item{call("c", "f", "1"), output("c", text("one")), call("c", "f", "2"), output("c", text("two"))},
			`[{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"1"}}]},{"role":"tool","tool_call_id":"c","content":"one"},
			  {"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"2"}}]},{"role":"tool","tool_call_id":"c","content":"two"}]`,
		},
		"an image that a tool brought": {
			[]messages.Item{call("a", "f", "{}"), output("a", text("see"), image)},
			`[{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"see"},
			  {"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a/b.png","detail":"high"}}]}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := appended(t, "up", &messages.Call{Items: tt.items})
			sameJSON(t, `{"model":"up","stream":false,"messages":`+tt.want+`}`, got)
		})
	}
}

func TestAppendChatRequestWritesOptions(t *testing.T) {
	t.Parallel()
	tool := messages.Tool{Name: "f", Description: "d", Parameters: json.RawMessage(`{"type":"object"}`), Strict: new(false)}
	for name, tt := range map[string]struct {
		model   string
		options messages.Options
		want    string
	}{
		"none": {"m", messages.Options{}, ``},
		"numbers": {
			"m",
			messages.Options{Temperature: new(0.0), TopP: new(0.5), PresencePenalty: new(1e-7), FrequencyPenalty: new(-2.0), Seed: new(int64(7)), N: 2},
			`,"temperature":0,"top_p":0.5,"presence_penalty":1e-07,"frequency_penalty":-2,"seed":7,"n":2`,
		},
		"one choice":                   {"m", messages.Options{N: 1}, ``},
		"a limit":                      {"mistral-large", messages.Options{MaxTokens: new(9)}, `,"max_tokens":9`},
		"a limit, OpenAI":              {"gpt-5-mini", messages.Options{MaxTokens: new(9)}, `,"max_completion_tokens":9`},
		"a limit, OpenAI's reasoners":  {"o3", messages.Options{MaxTokens: new(9)}, `,"max_completion_tokens":9`},
		"a limit, through a router":    {"openai/GPT-4o", messages.Options{MaxTokens: new(9)}, `,"max_completion_tokens":9`},
		"a limit, OpenAI's open model": {"openai/gpt-oss-20b", messages.Options{MaxTokens: new(9)}, `,"max_tokens":9`},
		"a limit, no reasoner":         {"olmo-2", messages.Options{MaxTokens: new(9)}, `,"max_tokens":9`},
		"words":                        {"m", messages.Options{Stop: []string{"a", "\n"}, User: "u", Reasoning: &messages.Reasoning{Effort: "low", Summary: "auto"}}, `,"stop":["a","\n"],"user":"u","reasoning_effort":"low"`},
		"probabilities":                {"m", messages.Options{Logprobs: true, TopLogprobs: new(3)}, `,"logprobs":true,"top_logprobs":3`},
		"no probabilities":             {"m", messages.Options{TopLogprobs: new(0)}, ``},
		"what only the response tells": {"m", messages.Options{Metadata: map[string]string{"a": "b"}}, ``},
		"tools": {
			"m",
			messages.Options{Tools: []messages.Tool{tool, {Name: "g"}}, ToolChoice: &messages.ToolChoice{Mode: messages.ToolRequired}, ParallelToolCalls: new(false)},
			`,"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":false}},{"type":"function","function":{"name":"g"}}],"tool_choice":"required","parallel_tool_calls":false`,
		},
		"one tool": {
			"m",
			messages.Options{Tools: []messages.Tool{{Name: "g"}}, ToolChoice: &messages.ToolChoice{Mode: messages.ToolFunction, Name: "g"}},
			`,"tools":[{"type":"function","function":{"name":"g"}}],"tool_choice":{"type":"function","function":{"name":"g"}}`,
		},
		"a choice among no tools": {"m", messages.Options{ToolChoice: &messages.ToolChoice{Mode: messages.ToolAuto}, ParallelToolCalls: new(true)}, ``},
		"tools of the format's own": {
			"m",
			messages.Options{Tools: []messages.Tool{{Raw: json.RawMessage(`{"type":"custom"}`)}}, ExtraFormat: messages.FormatOpenAIChat},
			`,"tools":[{"type":"custom"}]`,
		},
		"a format":       {"m", messages.Options{ResponseFormat: &messages.ResponseFormat{Kind: messages.ResponseJSON}}, `,"response_format":{"type":"json_object"}`},
		"a schema":       {"m", messages.Options{ResponseFormat: &messages.ResponseFormat{Kind: messages.ResponseJSONSchema, Name: "n", Description: "d", Schema: json.RawMessage(`{}`), Strict: new(true)}}, `,"response_format":{"type":"json_schema","json_schema":{"name":"n","description":"d","schema":{},"strict":true}}`},
		"a bare schema":  {"m", messages.Options{ResponseFormat: &messages.ResponseFormat{Kind: messages.ResponseJSONSchema, Name: "n"}}, `,"response_format":{"type":"json_schema","json_schema":{"name":"n"}}`},
		"unknown":        {"m", own("logit_bias", `{"1":2}`, "b\"é", `[null]`), `,"logit_bias":{"1":2},"b\"é":[null]`},
		"of another API": {"m", responsesOwn("include", `[]`, "service_tier", `"flex"`, "verbosity", `"low"`), `,"service_tier":"flex","verbosity":"low"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := appended(t, tt.model, &messages.Call{Items: []messages.Item{user("hi")}, Options: tt.options})
			sameJSON(t, `{"model":"`+tt.model+`","stream":false,"messages":[{"role":"user","content":"hi"}]`+tt.want+`}`, got)
		})
	}
}

// responsesOwn is options with members of the Responses format alone.
func responsesOwn(pairs ...string) messages.Options {
	o := own(pairs...)
	o.ExtraFormat = messages.FormatOpenAIResponses
	return o
}

func TestAppendChatRequestRefusesWhatTheFormatHasNot(t *testing.T) {
	t.Parallel()
	file := messages.Part{Kind: messages.PartOther, Format: messages.FormatOpenAIResponses, Raw: json.RawMessage(`{"type":"input_file"}`)}
	raw := messages.Options{Tools: []messages.Tool{{Name: "f"}, {Raw: json.RawMessage(`{}`)}}, ExtraFormat: messages.FormatAnthropic}
	for name, call := range map[string]*messages.Call{
		"content of another format":              {Items: []messages.Item{message(messages.RoleUser, file)}},
		"an assistant's content of another":      {Items: []messages.Item{message(messages.RoleAssistant, file)}},
		"a tool's output of another format":      {Items: []messages.Item{call("a", "f", "{}"), output("a", file)}},
		"a lost tool's output of another format": {Items: []messages.Item{output("a", file)}},
		"a tool of another format":               {Items: []messages.Item{user("hi")}, Options: raw},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dst, err := openai.AppendChatRequest([]byte("before"), "m", call)
			if code := messages.CodeOf(err); code != messages.CodeUnsupported {
				t.Errorf("got %v", err)
			}
			if string(dst) != "before" {
				t.Errorf("something was written: %s", dst)
			}
		})
	}
}

func TestAppendChatRequestAsksForUsage(t *testing.T) {
	t.Parallel()
	got := appended(t, "m", &messages.Call{Stream: true, Items: []messages.Item{user("hi")}})
	sameJSON(t, `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}`, got)
}

func TestAppendChatRequestPassesAForeignBodyThrough(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body   string
		stream bool
		want   string
	}{
		"nothing but the model": {`{"model":"public","messages":[]}`, false, `{"model":"up","stream":false,"messages":[]}`},
		"every byte":            {"\n{ \"messages\" : [ {\"role\":\"user\", \"x\":1.50} ] ,\"model\":\"public\",\"y\":null } ", false, `{"model":"up","stream":false,"messages" : [ {"role":"user", "x":1.50} ],"y":null}`},
		"a stream":              {`{"model":"public","stream":true,"messages":[]}`, true, `{"model":"up","stream":true,"messages":[],"stream_options":{"include_usage":true}}`},
		"a stream for one that wanted none": {
			`{"messages":[],"stream":false,"model":"public"}`, true, `{"model":"up","stream":true,"messages":[],"stream_options":{"include_usage":true}}`,
		},
		"options of a stream": {
			`{"stream_options":{"include_obfuscation":false, "include_usage" : false},"messages":[],"model":"public","stream":true}`, true,
			`{"model":"up","stream":true,"messages":[],"stream_options":{"include_usage":true,"include_obfuscation":false}}`,
		},
		"no stream for one that wanted a stream": {`{"stream_options":{"include_usage":true},"stream":true,"messages":[]}`, false, `{"model":"up","stream":false,"messages":[]}`},
		"no options":                             {`{"stream_options":null,"stream":true,"messages":[]}`, true, `{"model":"up","stream":true,"messages":[],"stream_options":{"include_usage":true}}`},
		"escapes": {
			`{"mod\u0065l":"public","str\u0065am":false,"m\u0065ssages":[],"s":"}\"{","stream_options":{"include\u005fusage":false}}`, true,
			`{"model":"up","stream":true,"m\u0065ssages":[],"s":"}\"{","stream_options":{"include_usage":true}}`,
		},
		"nothing": {`{}`, false, `{"model":"up","stream":false}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := appended(t, "up", &messages.Call{
				Stream: tt.stream, Items: []messages.Item{user("not this")},
				Passthrough: &messages.Passthrough{Format: messages.FormatOpenAIChat, Body: []byte(tt.body)},
			})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAppendChatRequestBuildsWhatCameInAnotherFormat(t *testing.T) {
	t.Parallel()
	got := appended(t, "m", &messages.Call{
		Items:       []messages.Item{user("hi")},
		Passthrough: &messages.Passthrough{Format: messages.FormatAnthropic, Body: []byte(`{"max_tokens":1}`)},
	})
	sameJSON(t, `{"model":"m","stream":false,"messages":[{"role":"user","content":"hi"}]}`, got)
}

func TestAppendChatRequestFailsForABodyThatNobodyRead(t *testing.T) {
	t.Parallel()
	for _, body := range []string{``, `[]`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{a:1}`, `{"a":1,`, `{"a":"`, `{"stream_options":{"x"}}`} {
		dst, err := openai.AppendChatRequest([]byte("before"), "m", &messages.Call{
			Stream: true, Passthrough: &messages.Passthrough{Format: messages.FormatOpenAIChat, Body: []byte(body)},
		})
		if err == nil || string(dst) != "before" {
			t.Errorf("%s: %v, %s", body, err, dst)
		}
	}
}

// A request that was read, built again, and read once more says the same.
func TestBuiltRequestsReadTheSame(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		string(oneKilobyte),
		chatMessages(`{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u","detail":"low"}},{"type":"file","file":{"file_id":"f"}}]},` +
			`{"role":"assistant","content":"see","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"1"},` +
			`{"role":"assistant","content":null,"refusal":"no"},{"role":"user","name":"Ann","content":"é\n\"😀"}`),
		chatRequest(`,"temperature":0.1,"top_p":0.9,"presence_penalty":1,"frequency_penalty":-1,"seed":3,"n":4,"stop":["a"],"max_tokens":7,"logprobs":true,"top_logprobs":2,"user":"u",` +
			`"reasoning_effort":"high","response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"},"strict":true}},` +
			`"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{},"strict":true}},{"type":"custom","custom":{"name":"c"}}],"tool_choice":"none","parallel_tool_calls":true,"x":{"y":[1]}`),
	} {
		want, err := openai.DecodeChatRequest([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		again := appended(t, want.Model, &messages.Call{Items: want.Input, Options: want.Options, Stream: want.Stream})
		got, err := openai.DecodeChatRequest([]byte(again))
		if err != nil {
			t.Fatalf("%v: %s", err, again)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
	}
}
