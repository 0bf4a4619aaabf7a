package anthropic_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/anthropic"
)

const (
	budgeted = "claude-sonnet-4-5"
	adaptive = "claude-opus-4-6"
	newest   = "claude-opus-4-8"
)

func user(text string) messages.Item { return messages.TextMessage(messages.RoleUser, text) }

func assistant(text string) messages.Item { return messages.TextMessage(messages.RoleAssistant, text) }

func call(id, name, args string) messages.Item {
	return messages.Item{Kind: messages.ItemToolCall, CallID: id, Name: name, Args: args}
}

func output(id, text string) messages.Item {
	return messages.Item{Kind: messages.ItemToolOutput, CallID: id, Parts: []messages.Part{messages.TextPart(text)}}
}

func thinking(text, opaque string) messages.Item {
	return messages.Item{Kind: messages.ItemReasoning, Parts: []messages.Part{messages.TextPart(text)}, Opaque: opaque}
}

// member returns the value of a member of a request's body, or "" without one.
func member(t *testing.T, body []byte, name string) string {
	t.Helper()
	d := jsontext.NewDecoder(strings.NewReader(string(body)))
	if _, err := d.ReadToken(); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	found := ""
	for d.PeekKind() == '"' {
		key, err := d.ReadToken()
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		matches := key.String() == name
		value, err := d.ReadValue()
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if matches {
			found = string(value)
		}
	}
	if _, err := d.ReadToken(); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return found
}

func TestAppendRequestWritesAWholeCall(t *testing.T) {
	t.Parallel()
	half, parallel := 0.5, false
	got, err := anthropic.AppendRequest([]byte("before"), budgeted, &messages.Call{
		Stream: true,
		Items: []messages.Item{
			messages.TextMessage(messages.RoleSystem, "Be brief."),
			messages.TextMessage(messages.RoleDeveloper, "Use tools."),
			{Kind: messages.ItemMessage, Role: messages.RoleUser, Parts: []messages.Part{
				messages.TextPart("What is this?"),
				{Kind: messages.PartImage, Image: "data:image/png;base64,iVBORw0KGgo=", Detail: "low"},
				{Kind: messages.PartImage, Image: "https://example.com/cat.jpg"},
			}},
		},
		Options: messages.Options{
			Temperature: &half, Stop: []string{"END"}, User: "u-1",
			Tools: []messages.Tool{
				{Name: "look", Description: "Looks.", Parameters: []byte(`{"type":"object","properties":{"at":{"type":"string"}}}`)},
				{Name: "wait"},
			},
			ToolChoice: &messages.ToolChoice{Mode: messages.ToolRequired}, ParallelToolCalls: &parallel,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `before{"model":"claude-sonnet-4-5","max_tokens":4096,"stream":true,"system":"Be brief.\n\nUse tools.",` +
		`"messages":[{"role":"user","content":[{"type":"text","text":"What is this?"},` +
		`{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}},` +
		`{"type":"image","source":{"type":"url","url":"https://example.com/cat.jpg"}}]}],` +
		`"tools":[{"name":"look","description":"Looks.","input_schema":{"type":"object","properties":{"at":{"type":"string"}}}},` +
		`{"name":"wait","input_schema":{"type":"object","properties":{}}}],` +
		`"tool_choice":{"type":"any","disable_parallel_tool_use":true},"temperature":0.5,` +
		`"stop_sequences":["END"],"metadata":{"user_id":"u-1"}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestAppendRequestMessages(t *testing.T) {
	t.Parallel()
	const signed = "anthropic:t3:c2ln;"
	cut := call("c1", "look", `{"at":`)
	cut.Status = messages.ItemIncomplete

	for name, tt := range map[string]struct {
		items []messages.Item
		want  string
	}{
		"merge neighbours of one role": {
			items: []messages.Item{user("a"), user("b"), assistant("c"), assistant("d"), user("e")},
			want: `[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},` +
				`{"role":"assistant","content":[{"type":"text","text":"c"},{"type":"text","text":"d"}]},` +
				`{"role":"user","content":[{"type":"text","text":"e"}]}]`,
		},
		"answer calls at the head of the next message": {
			items: []messages.Item{
				user("a"), assistant("I look."), call("c1", "look", `{"at":"x"}`), call("c2", "look", ""),
				user("hurry"), output("c2", "two"), output("c1", "one"), assistant("done"),
			},
			want: `[{"role":"user","content":[{"type":"text","text":"a"}]},` +
				`{"role":"assistant","content":[{"type":"text","text":"I look."},` +
				`{"type":"tool_use","id":"c1","name":"look","input":{"at":"x"}},{"type":"tool_use","id":"c2","name":"look","input":{}}]},` +
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"c2","content":[{"type":"text","text":"two"}]},` +
				`{"type":"tool_result","tool_use_id":"c1","content":[{"type":"text","text":"one"}]},{"type":"text","text":"hurry"}]},` +
				`{"role":"assistant","content":[{"type":"text","text":"done"}]}]`,
		},
		"say that a call was never answered": {
			items: []messages.Item{user("a"), call("c1", "look", "{}"), user("never mind")},
			want: `[{"role":"user","content":[{"type":"text","text":"a"}]},` +
				`{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"look","input":{}}]},` +
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":[{"type":"text","text":"The tool call was cut off: there is no output."}],"is_error":true},` +
				`{"type":"text","text":"never mind"}]}]`,
		},
		"tell an output without a call as text": {
			items: []messages.Item{output("gone", "42"), user("so?")},
			want: `[{"role":"user","content":[{"type":"text","text":"Output of an earlier tool call:"},{"type":"text","text":"42"},` +
				`{"type":"text","text":"so?"}]}]`,
		},
		"leave out a call that was not finished": {
			items: []messages.Item{user("a"), cut, user("b")},
			want:  `[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]`,
		},
		"wrap arguments that are no object": {
			items: []messages.Item{user("a"), call("call.1:x", "look", `{"at":`), output("call.1:x", "")},
			want: `[{"role":"user","content":[{"type":"text","text":"a"}]},` +
				`{"role":"assistant","content":[{"type":"tool_use","id":"call_1_x","name":"look","input":{"arguments":"{\"at\":"}}]},` +
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1_x"}]}]`,
		},
		"tell calls of one id apart": {
			items: []messages.Item{user("a"), call("c", "look", ""), output("c", "1"), call("c", "look", ""), output("c", "2"), call("c_2", "look", "")},
			want: `[{"role":"user","content":[{"type":"text","text":"a"}]},` +
				`{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"look","input":{}}]},` +
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":[{"type":"text","text":"1"}]}]},` +
				`{"role":"assistant","content":[{"type":"tool_use","id":"c_2","name":"look","input":{}}]},` +
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"c_2","content":[{"type":"text","text":"2"}]}]},` +
				`{"role":"assistant","content":[{"type":"tool_use","id":"c_2_2","name":"look","input":{}}]},` +
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"c_2_2","content":[{"type":"text","text":"The tool call was cut off: there is no output."}],"is_error":true}]}]`,
		},
		"begin with the user": {
			items: []messages.Item{assistant("Welcome!"), user("hi")},
			want: `[{"role":"user","content":[{"type":"text","text":"(The conversation starts here.)"}]},` +
				`{"role":"assistant","content":[{"type":"text","text":"Welcome!"}]},{"role":"user","content":[{"type":"text","text":"hi"}]}]`,
		},
		"have no empty text": {
			items: []messages.Item{user("a"), assistant(" \n"), user("b")},
			want:  `[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]`,
		},
		"give thinking back before the call that it led to": {
			items: []messages.Item{user("a"), thinking("hm!", signed), call("c1", "look", "{}"), output("c1", "x")},
			want: `[{"role":"user","content":[{"type":"text","text":"a"}]},` +
				`{"role":"assistant","content":[{"type":"thinking","thinking":"hm!","signature":"c2ln"},{"type":"tool_use","id":"c1","name":"look","input":{}}]},` +
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":[{"type":"text","text":"x"}]}]}]`,
		},
		"take joined thinking apart": {
			items: []messages.Item{user("a"), thinking("hm!über", signed+"anthropic:r:ZGF0YQ==;anthropic:t5:dHdv;"), assistant("b"), user("c")},
			want: `[{"role":"user","content":[{"type":"text","text":"a"}]},` +
				`{"role":"assistant","content":[{"type":"thinking","thinking":"hm!","signature":"c2ln"},{"type":"redacted_thinking","data":"ZGF0YQ=="},` +
				`{"type":"thinking","thinking":"über","signature":"dHdv"},{"type":"text","text":"b"}]},` +
				`{"role":"user","content":[{"type":"text","text":"c"}]}]`,
		},
		"leave out thinking that is not as it was signed": {
			items: []messages.Item{
				user("a"), thinking("hm! and more", signed), assistant("b"), thinking("x", "gAAAAABencrypted"), assistant("c"),
				thinking("unsigned", ""), assistant("d"), thinking("hm!", signed), user("e"), thinking("hm!", signed),
			},
			want: `[{"role":"user","content":[{"type":"text","text":"a"}]},` +
				`{"role":"assistant","content":[{"type":"text","text":"b"},{"type":"text","text":"c"},{"type":"text","text":"d"}]},` +
				`{"role":"user","content":[{"type":"text","text":"e"}]}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := anthropic.AppendRequest(nil, budgeted, &messages.Call{Items: tt.items})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, member(t, got, "messages")); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAppendRequestDefinesTheToolsOfAHistory(t *testing.T) {
	t.Parallel()
	got, err := anthropic.AppendRequest(nil, budgeted, &messages.Call{Items: []messages.Item{
		user("a"), call("c1", "wait", "{}"), call("c2", "look", "{}"), call("c3", "wait", "{}"), output("c1", "x"), output("c2", "x"), output("c3", "x"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"name":"look","input_schema":{"type":"object","properties":{}}},{"name":"wait","input_schema":{"type":"object","properties":{}}}]`
	if diff := cmp.Diff(want, member(t, got, "tools")); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
	if choice := member(t, got, "tool_choice"); choice != `{"type":"none"}` {
		t.Errorf("tool_choice is %s: the caller offers no tools any more", choice)
	}
}

func TestAppendRequestToolChoice(t *testing.T) {
	t.Parallel()
	no, yes := false, true
	for name, tt := range map[string]struct {
		choice   *messages.ToolChoice
		parallel *bool
		want     string
	}{
		"unset is the provider's own":     {want: ""},
		"auto is the provider's own":      {choice: &messages.ToolChoice{Mode: messages.ToolAuto}, parallel: &yes, want: ""},
		"auto, one at a time":             {parallel: &no, want: `{"type":"auto","disable_parallel_tool_use":true}`},
		"none":                            {choice: &messages.ToolChoice{Mode: messages.ToolNone}, parallel: &no, want: `{"type":"none"}`},
		"required is any":                 {choice: &messages.ToolChoice{Mode: messages.ToolRequired}, want: `{"type":"any"}`},
		"a function is a tool":            {choice: &messages.ToolChoice{Mode: messages.ToolFunction, Name: "look"}, want: `{"type":"tool","name":"look"}`},
		"a function, once, is a tool too": {choice: &messages.ToolChoice{Mode: messages.ToolFunction, Name: "look"}, parallel: &no, want: `{"type":"tool","name":"look","disable_parallel_tool_use":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := anthropic.AppendRequest(nil, budgeted, &messages.Call{
				Items: []messages.Item{user("a")},
				Options: messages.Options{
					Tools: []messages.Tool{{Name: "look", Strict: &yes}}, ToolChoice: tt.choice, ParallelToolCalls: tt.parallel,
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, member(t, got, "tool_choice")); diff != "" {
				t.Errorf("tool_choice (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAppendRequestThinking(t *testing.T) {
	t.Parallel()
	number := func(n int) *int { return &n }
	forced := &messages.ToolChoice{Mode: messages.ToolRequired}
	midTools := []messages.Item{user("a"), call("c1", "look", "{}"), output("c1", "x")}
	signedTools := []messages.Item{user("a"), thinking("hm!", "anthropic:t3:c2ln;"), call("c1", "look", "{}"), output("c1", "x")}

	for name, tt := range map[string]struct {
		model     string
		effort    string
		max       *int
		choice    *messages.ToolChoice
		items     []messages.Item
		thinking  string
		output    string
		maxTokens string
	}{
		"no effort":                           {model: budgeted, maxTokens: "4096"},
		"none":                                {model: budgeted, effort: "none", maxTokens: "4096"},
		"low has a budget and room beside it": {model: budgeted, effort: "low", thinking: `{"type":"enabled","budget_tokens":2048}`, maxTokens: "6144"},
		"minimal is the least budget":         {model: budgeted, effort: "minimal", thinking: `{"type":"enabled","budget_tokens":1024}`, maxTokens: "5120"},
		"xhigh stays within 32,000":           {model: budgeted, effort: "xhigh", thinking: `{"type":"enabled","budget_tokens":24576}`, maxTokens: "28672"},
		"a given limit keeps a quarter":       {model: budgeted, effort: "high", max: number(8000), thinking: `{"type":"enabled","budget_tokens":6000}`, maxTokens: "8000"},
		"a small limit leaves no room":        {model: budgeted, effort: "high", max: number(1000), maxTokens: "1000"},
		"a forced tool excludes it":           {model: budgeted, effort: "high", choice: forced, maxTokens: "4096"},
		"continued words exclude it":          {model: budgeted, effort: "high", items: []messages.Item{user("a"), assistant("b")}, maxTokens: "4096"},
		"not in the middle of tool calls":     {model: budgeted, effort: "low", items: midTools, maxTokens: "4096"},
		"unless they began with thinking":     {model: budgeted, effort: "low", items: signedTools, thinking: `{"type":"enabled","budget_tokens":2048}`, maxTokens: "6144"},
		"another's model takes a budget":      {model: "some-model", effort: "low", thinking: `{"type":"enabled","budget_tokens":2048}`, maxTokens: "6144"},

		"4.6 adapts":                          {model: adaptive, effort: "medium", thinking: `{"type":"adaptive"}`, output: `{"effort":"medium"}`, maxTokens: "12288"},
		"4.6 has no xhigh":                    {model: adaptive, effort: "xhigh", thinking: `{"type":"adaptive"}`, output: `{"effort":"high"}`, maxTokens: "28672"},
		"4.6 has no minimal":                  {model: adaptive, effort: "minimal", thinking: `{"type":"adaptive"}`, output: `{"effort":"low"}`, maxTokens: "5120"},
		"4.6 begins to think between tools":   {model: adaptive, effort: "low", items: midTools, thinking: `{"type":"adaptive"}`, output: `{"effort":"low"}`, maxTokens: "6144"},
		"4.8 is asked to show it":             {model: newest, effort: "xhigh", max: number(9), thinking: `{"type":"adaptive","display":"summarized"}`, output: `{"effort":"xhigh"}`, maxTokens: "9"},
		"4.8 with a forced tool has effort":   {model: newest, effort: "high", choice: forced, output: `{"effort":"high"}`, maxTokens: "20480"},
		"4.8 does without":                    {model: newest, effort: "none", maxTokens: "4096"},
		"5 cannot do without, but with least": {model: "claude-fable-5", effort: "none", output: `{"effort":"low"}`, maxTokens: "4096"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			items := tt.items
			if items == nil {
				items = []messages.Item{user("a")}
			}
			got, err := anthropic.AppendRequest(nil, tt.model, &messages.Call{Items: items, Options: messages.Options{
				Reasoning: &messages.Reasoning{Effort: tt.effort}, MaxTokens: tt.max, ToolChoice: tt.choice,
			}})
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{"thinking": tt.thinking, "output_config": tt.output, "max_tokens": tt.maxTokens} {
				if got := member(t, got, name); got != want {
					t.Errorf("%s is %s, want %s", name, got, want)
				}
			}
		})
	}
}

func TestAppendRequestSampling(t *testing.T) {
	t.Parallel()
	hot, warm, top := 1.7, 0.3, 0.9
	for name, tt := range map[string]struct {
		model                   string
		options                 messages.Options
		wantTemperature, wantTP string
	}{
		"is clamped":                          {model: budgeted, options: messages.Options{Temperature: &hot}, wantTemperature: "1"},
		"has one of the two":                  {model: budgeted, options: messages.Options{Temperature: &warm, TopP: &top}, wantTemperature: "0.3"},
		"has top_p alone":                     {model: budgeted, options: messages.Options{TopP: &top}, wantTP: "0.9"},
		"is unset with thinking":              {model: budgeted, options: messages.Options{Temperature: &warm, TopP: &top, Reasoning: &messages.Reasoning{Effort: "low"}}},
		"is unset for models that have none":  {model: newest, options: messages.Options{Temperature: &warm}},
		"is there for models that still have": {model: adaptive, options: messages.Options{Temperature: &warm}, wantTemperature: "0.3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := anthropic.AppendRequest(nil, tt.model, &messages.Call{Items: []messages.Item{user("a")}, Options: tt.options})
			if err != nil {
				t.Fatal(err)
			}
			if temperature, topP := member(t, got, "temperature"), member(t, got, "top_p"); temperature != tt.wantTemperature || topP != tt.wantTP {
				t.Errorf("temperature %q and top_p %q, want %q and %q", temperature, topP, tt.wantTemperature, tt.wantTP)
			}
		})
	}
}

func TestAppendRequestResponseFormat(t *testing.T) {
	t.Parallel()
	got, err := anthropic.AppendRequest(nil, newest, &messages.Call{Items: []messages.Item{user("a")}, Options: messages.Options{
		Reasoning:      &messages.Reasoning{Effort: "low"},
		ResponseFormat: &messages.ResponseFormat{Kind: messages.ResponseJSONSchema, Name: "person", Schema: []byte(`{"type":"object"}`)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"effort":"low","format":{"type":"json_schema","schema":{"type":"object"}}}`
	if got := member(t, got, "output_config"); got != want {
		t.Errorf("output_config is %s, want %s", got, want)
	}
}

func TestAppendRequestRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	top := 3
	hello := []messages.Item{user("a")}
	with := func(part messages.Part) []messages.Item {
		return []messages.Item{{Kind: messages.ItemMessage, Role: messages.RoleUser, Parts: []messages.Part{part}}}
	}
	for name, tt := range map[string]struct {
		items   []messages.Item
		options messages.Options
		code    messages.Code
		param   string
	}{
		"several choices":     {items: hello, options: messages.Options{N: 2}, code: messages.CodeUnsupported, param: "n"},
		"log probabilities":   {items: hello, options: messages.Options{TopLogprobs: &top}, code: messages.CodeUnsupported, param: "logprobs"},
		"any JSON":            {items: hello, options: messages.Options{ResponseFormat: &messages.ResponseFormat{Kind: messages.ResponseJSON}}, code: messages.CodeUnsupported, param: "response_format"},
		"a stop of space":     {items: hello, options: messages.Options{Stop: []string{"\n\n"}}, code: messages.CodeUnsupported, param: "stop"},
		"another's tool":      {items: hello, options: messages.Options{Tools: []messages.Tool{{Raw: []byte(`{"type":"web_search"}`)}}, ExtraFormat: messages.FormatOpenAIResponses}, code: messages.CodeUnsupported, param: "tools"},
		"audio":               {items: with(messages.Part{Kind: messages.PartOther, Raw: []byte(`{}`), Format: messages.FormatOpenAIChat}), code: messages.CodeUnsupported, param: "messages"},
		"audio from a tool":   {items: []messages.Item{{Kind: messages.ItemToolOutput, Parts: []messages.Part{{Kind: messages.PartOther}}}}, code: messages.CodeUnsupported, param: "messages"},
		"an image of a file":  {items: with(messages.Part{Kind: messages.PartImage, Image: "file:///etc/passwd"}), code: messages.CodeInvalidRequest, param: "messages"},
		"an image in percent": {items: with(messages.Part{Kind: messages.PartImage, Image: "data:image/svg+xml,%3Csvg"}), code: messages.CodeInvalidRequest, param: "messages"},
		"nothing to answer":   {items: []messages.Item{messages.TextMessage(messages.RoleSystem, "x")}, code: messages.CodeInvalidRequest, param: "messages"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := anthropic.AppendRequest([]byte("kept"), budgeted, &messages.Call{Items: tt.items, Options: tt.options})
			failure := messages.AsFailure(err)
			if failure.Code != tt.code || failure.Param != tt.param || failure.What == "" || failure.Do == "" {
				t.Errorf("failed with %+v, want %s of %s", failure, tt.code, tt.param)
			}
			if string(got) != "kept" {
				t.Errorf("dst became %q", got)
			}
		})
	}
}

func TestAppendRequestPassesTheOriginalOn(t *testing.T) {
	t.Parallel()
	body := []byte(`{ "mod\u0065l":"alias", "stream":true, "max_tokens":7, "system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}], "messages":[ {"role":"user","content":"hi"} ], "top_k":1e2 }`)
	got, err := anthropic.AppendRequest(nil, "claude-opus-4-8", &messages.Call{
		Passthrough: &messages.Passthrough{Format: messages.FormatAnthropic, Body: body},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"model":"claude-opus-4-8","stream":false,"max_tokens":7,"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],"messages":[ {"role":"user","content":"hi"} ],"top_k":1e2}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestAppendRequestIgnoresAnothersOriginalAndExtras(t *testing.T) {
	t.Parallel()
	got, err := anthropic.AppendRequest(nil, budgeted, &messages.Call{
		Items:       []messages.Item{user("a")},
		Passthrough: &messages.Passthrough{Format: messages.FormatOpenAIChat, Body: []byte(`{"model":"gpt"}`)},
		Options:     messages.Options{Extra: []messages.Field{{Name: "logit_bias", Value: []byte("{}")}}, ExtraFormat: messages.FormatOpenAIChat},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"model":"claude-sonnet-4-5","max_tokens":4096,"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestEncoderHasAnotherDefaultForMaxTokens(t *testing.T) {
	t.Parallel()
	got, err := anthropic.Encoder{MaxTokens: 32000}.AppendRequest(nil, budgeted, &messages.Call{Items: []messages.Item{user("a")}})
	if err != nil {
		t.Fatal(err)
	}
	if got := member(t, got, "max_tokens"); got != "32000" {
		t.Errorf("max_tokens is %s", got)
	}
}
