package anthropic_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/anthropic"
)

const wholeRequest = `{
  "model": "claude-sonnet-4-5", "max_tokens": 1024, "stream": true, "temperature": 0.7, "top_p": 0.9, "top_k": 5,
  "stop_sequences": ["END"], "metadata": {"user_id": "u-1"}, "service_tier": "auto",
  "thinking": {"type": "enabled", "budget_tokens": 2000},
  "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
  "tools": [
    {"name": "look", "description": "Looks.", "input_schema": {"type": "object"}, "strict": true},
    {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}
  ],
  "tool_choice": {"type": "tool", "name": "look", "disable_parallel_tool_use": true},
  "messages": [
    {"role": "user", "content": "What is this?"},
    {"role": "assistant", "content": [
      {"type": "thinking", "thinking": "hm!", "signature": "c2ln"},
      {"type": "redacted_thinking", "data": "ZGF0YQ=="},
      {"type": "text", "text": "I "}, {"type": "text", "text": "look."},
      {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "x"}}
    ]},
    {"role": "user", "content": [
      {"type": "text", "text": "Here."},
      {"type": "tool_result", "tool_use_id": "toolu_1", "content": [
        {"type": "text", "text": "A picture"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
      ]},
      {"type": "image", "source": {"type": "url", "url": "https://example.com/cat.jpg"}},
      {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}, "title": "T"}
    ]}
  ]
}`

func TestDecodeRequestReadsAll(t *testing.T) {
	t.Parallel()
	got, err := anthropic.DecodeRequest([]byte(wholeRequest))
	if err != nil {
		t.Fatal(err)
	}
	temperature, topP, maxTokens, yes, no := 0.7, 0.9, 1024, true, false
	want := &anthropic.Request{
		Model: "claude-sonnet-4-5", Stream: true, MaxTokens: 1024,
		Input: []messages.Item{
			messages.TextMessage(messages.RoleSystem, "Be brief."),
			user("What is this?"),
			thinking("hm!", "anthropic:t3:c2ln;"),
			{Kind: messages.ItemReasoning, Opaque: "anthropic:r:ZGF0YQ==;"},
			{Kind: messages.ItemMessage, Role: messages.RoleAssistant, Parts: []messages.Part{messages.TextPart("I "), messages.TextPart("look.")}},
			call("toolu_1", "look", `{"at":"x"}`),
			{Kind: messages.ItemToolOutput, CallID: "toolu_1", Parts: []messages.Part{
				messages.TextPart("A picture"), {Kind: messages.PartImage, Image: "data:image/png;base64,iVBORw0KGgo="},
			}},
			{Kind: messages.ItemMessage, Role: messages.RoleUser, Parts: []messages.Part{
				messages.TextPart("Here."),
				{Kind: messages.PartImage, Image: "https://example.com/cat.jpg"},
				{Kind: messages.PartOther, Format: messages.FormatAnthropic, Raw: []byte(`{"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}, "title": "T"}`)},
			}},
		},
		Options: messages.Options{
			MaxTokens: &maxTokens, Temperature: &temperature, TopP: &topP, Stop: []string{"END"}, User: "u-1",
			Tools: []messages.Tool{
				{Name: "look", Description: "Looks.", Parameters: []byte(`{"type": "object"}`), Strict: &yes},
				{Name: "web_search", Raw: []byte(`{"type": "web_search_20250305", "name": "web_search", "max_uses": 5}`)},
			},
			ToolChoice: &messages.ToolChoice{Mode: messages.ToolFunction, Name: "look"}, ParallelToolCalls: &no,
			Reasoning: &messages.Reasoning{Effort: "low"},
			Extra: []messages.Field{
				{Name: "thinking", Value: []byte(`{"type": "enabled", "budget_tokens": 2000}`)},
				{Name: "top_k", Value: []byte("5")},
				{Name: "service_tier", Value: []byte(`"auto"`)},
			},
			ExtraFormat: messages.FormatAnthropic,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestDecodeRequestKeepsNothingOfTheBody(t *testing.T) {
	t.Parallel()
	body := []byte(wholeRequest)
	got, err := anthropic.DecodeRequest(body)
	if err != nil {
		t.Fatal(err)
	}
	for i := range body {
		body[i] = 'x'
	}
	want, err := anthropic.DecodeRequest([]byte(wholeRequest))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the request changed with the buffer that it came in (-want +got):\n%s", diff)
	}
}

func TestDecodeRequestReadsEffort(t *testing.T) {
	t.Parallel()
	for members, want := range map[string]string{
		``:                                "",
		`,"thinking":{"type":"disabled"}`: "none",
		`,"thinking":{"type":"enabled","budget_tokens":1024}`:                                           "minimal",
		`,"thinking":{"type":"enabled","budget_tokens":10000}`:                                          "high",
		`,"thinking":{"type":"enabled","budget_tokens":60000}`:                                          "xhigh",
		`,"thinking":{"type":"adaptive"}`:                                                               "high",
		`,"thinking":{"type":"adaptive"},"output_config":{"effort":"low"}`:                              "low",
		`,"output_config":{"effort":"medium","format":null}`:                                            "medium",
		`,"thinking":null,"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}`: "",
	} {
		got, err := anthropic.DecodeRequest([]byte(`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"}]` + members + `}`))
		if err != nil {
			t.Errorf("%s: %v", members, err)
			continue
		}
		effort := ""
		if got.Options.Reasoning != nil {
			effort = got.Options.Reasoning.Effort
		}
		if effort != want {
			t.Errorf("%s is effort %q, want %q", members, effort, want)
		}
		if schema := got.Options.ResponseFormat != nil; schema != strings.Contains(members, "json_schema") {
			t.Errorf("%s: response format is %+v", members, got.Options.ResponseFormat)
		}
	}
}

func TestDecodeRequestNamesTheFault(t *testing.T) {
	t.Parallel()
	const hello = `"messages":[{"role":"user","content":"a"}]`
	for name, tt := range map[string]struct {
		body  string
		code  messages.Code
		param string
	}{
		"no JSON":                 {`{"model":`, messages.CodeInvalidJSON, "model"},
		"empty":                   {``, messages.CodeInvalidJSON, ""},
		"something behind it":     {`{"model":"m","max_tokens":1,` + hello + `}{}`, messages.CodeInvalidJSON, ""},
		"a name that comes twice": {`{"model":"m","model":"n"}`, messages.CodeInvalidJSON, "model"},
		"no UTF-8":                {"{\"model\":\"\xff\"}", messages.CodeInvalidJSON, "model"},
		"too deep":                {strings.Repeat(`{"a":`, 65), messages.CodeInvalidJSON, ""},
		"a name of the client's":  {`{"metadata":{"My Secret":1,"My Secret":1}}`, messages.CodeInvalidJSON, "metadata"},
		"too many messages":       {`{"model":"m","max_tokens":1,"messages":[` + strings.Repeat(`{},`, 4096) + `{}]}`, messages.CodeInvalidRequest, "messages"},
		"too many blocks":         {`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[` + strings.Repeat(`{},`, 1024) + `{}]}]}`, messages.CodeInvalidRequest, "messages[0].content"},
		"too many blocks within":  {`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result","content":[` + strings.Repeat(`{},`, 1024) + `{}]}]}]}`, messages.CodeInvalidRequest, "messages[0].content[0].content"},
		"too many tools":          {`{"model":"m","max_tokens":1,` + hello + `,"tools":[` + strings.Repeat(`{},`, 1024) + `{}]}`, messages.CodeInvalidRequest, "tools"},
		"an array":                {`[]`, messages.CodeInvalidRequest, ""},
		"no model":                {`{"max_tokens":1,` + hello + `}`, messages.CodeInvalidRequest, "model"},
		"no max_tokens":           {`{"model":"m",` + hello + `}`, messages.CodeInvalidRequest, "max_tokens"},
		"max_tokens of 0":         {`{"model":"m","max_tokens":0,` + hello + `}`, messages.CodeInvalidRequest, "max_tokens"},
		"max_tokens as text":      {`{"model":"m","max_tokens":"1",` + hello + `}`, messages.CodeInvalidRequest, "max_tokens"},
		"no messages":             {`{"model":"m","max_tokens":1}`, messages.CodeInvalidRequest, "messages"},
		"a role of its own":       {`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"a"},{"role":"system","content":"a"}]}`, messages.CodeInvalidRequest, "messages[1].role"},
		"content of a number":     {`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":7}]}`, messages.CodeInvalidRequest, "messages[0].content"},
		"a text of a number":      {`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":7}]}]}`, messages.CodeInvalidRequest, "messages[0].content[0].text"},
		"a tool of a number":      {`{"model":"m","max_tokens":1,` + hello + `,"tools":[7]}`, messages.CodeInvalidRequest, "tools[0]"},
		"a choice of its own":     {`{"model":"m","max_tokens":1,` + hello + `,"tool_choice":{"type":"maybe"}}`, messages.CodeInvalidRequest, "tool_choice.type"},
		"thinking of a number":    {`{"model":"m","max_tokens":1,` + hello + `,"thinking":7}`, messages.CodeInvalidRequest, "thinking"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := anthropic.DecodeRequest([]byte(tt.body))
			failure := messages.AsFailure(err)
			if failure.Code != tt.code || failure.Param != tt.param || failure.What == "" || failure.Do == "" {
				t.Errorf("failed with %+v, want %s of %q", failure, tt.code, tt.param)
			}
		})
	}
}

// A request that was read and written again is read alike: but for what only the
// original has, the two roles agree about the format.
func TestRequestSurvivesBothRoles(t *testing.T) {
	t.Parallel()
	first, err := anthropic.DecodeRequest([]byte(wholeRequest))
	if err != nil {
		t.Fatal(err)
	}
	written, err := bothRoles(first)
	if err != nil {
		t.Fatal(err)
	}
	second, err := anthropic.DecodeRequest(written)
	if err != nil {
		t.Fatalf("read %s: %v", written, err)
	}
	first.Options.TopP = nil // one of the two is enough
	if diff := cmp.Diff(first.Input, second.Input); diff != "" {
		t.Errorf("input (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(first.Options, second.Options); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(wholeRequest))
	f.Add([]byte(`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"x","content":[{"type":"tool_result"}]}]}]}`))
	f.Add([]byte(`{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"a","signature":";"}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		request, err := anthropic.DecodeRequest(body)
		if err != nil {
			if messages.CodeOf(err) == messages.CodeInternal {
				t.Fatalf("%v is no failure that a client may see", err)
			}
			return
		}
		// The first turn mends a history and orders the members; from then on
		// nothing may change any more.
		written, err := bothRoles(request)
		if messages.CodeOf(err) == messages.CodeUnsupported || messages.CodeOf(err) == messages.CodeInvalidRequest {
			return
		}
		var last []byte
		for range 2 {
			if err != nil {
				t.Fatal(err)
			}
			last = written
			if request, err = anthropic.DecodeRequest(last); err != nil {
				t.Fatalf("wrote what cannot be read: %v\n%s", err, last)
			}
			written, err = bothRoles(request)
		}
		if diff := cmp.Diff(string(last), string(written)); diff != "" {
			t.Fatalf("a further turn through both roles changed the request (-before +after):\n%s", diff)
		}
	})
}

// bothRoles writes what a server read.
func bothRoles(r *anthropic.Request) ([]byte, error) {
	return anthropic.AppendRequest(nil, r.Model, &messages.Call{Items: r.Input, Options: r.Options, Stream: r.Stream})
}
