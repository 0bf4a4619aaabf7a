package provider_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"example.com/parley/actors/provider"
	"example.com/parley/messages"
)

// simulate asks the simulated provider at full speed.
func simulate(tb testing.TB, model string, c *messages.Call) reply {
	tb.Helper()
	p := newProviders(tb, provider.Settings{Kind: provider.KindSimulated, FirstToken: 1, TokenPause: 1})
	return read(p.Open(context.Background(), messages.Target{Provider: "p", Model: model}, c))
}

func question(text string, options messages.Options) *messages.Call {
	return &messages.Call{Items: []messages.Item{messages.TextMessage(messages.RoleUser, text)}, Options: options}
}

func pointer[T any](v T) *T { return &v }

func TestSimulatedModelSaysThatItIsOne(t *testing.T) {
	t.Parallel()
	r := simulate(t, "gpt-5", question("What is the capital of France?", messages.Options{}))
	if r.err != nil || !r.served.Simulated || r.served.Model != "gpt-5" || r.served.Provider != "p" {
		t.Fatalf("got %+v", r)
	}
	for _, want := range []string{"simulated", "gpt-5", "capital of France"} {
		if !strings.Contains(r.text, want) {
			t.Errorf("%q does not say %q", r.text, want)
		}
	}
	if r.finish != messages.FinishStop || r.usage == nil || r.usage.Output < 20 || r.usage.Input == 0 || !r.usage.Estimated {
		t.Errorf("it ended with %s and %+v", r.finish, r.usage)
	}
	again := simulate(t, "gpt-5", question("What is the capital of France?", messages.Options{}))
	if diff := cmp.Diff(r.chunks, again.chunks); diff != "" {
		t.Errorf("the same question got another answer:\n%s", diff)
	}
}

func TestSimulatedModelTakesItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProviders(t, provider.Settings{Kind: provider.KindSimulated})
		before := time.Now()
		answer, err := p.Open(t.Context(), messages.Target{Provider: "simulated", Model: "echo"}, question("one two three", messages.Options{}))
		if err != nil {
			t.Fatal(err)
		}
		var at []time.Duration
		for {
			c, err := answer.Next()
			if err != nil {
				break
			}
			if c.Kind == messages.ChunkText {
				at = append(at, time.Since(before))
			}
		}
		const ms = time.Millisecond
		if diff := cmp.Diff([]time.Duration{50 * ms, 70 * ms, 90 * ms}, at); diff != "" {
			t.Errorf("tokens came at (-want +got):\n%s", diff)
		}
		_ = answer.Close()
	})
}

func TestSimulatedModelStopsWhenItsCallEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProviders(t, provider.Settings{Kind: provider.KindSimulated})
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		target := messages.Target{Provider: "p", Model: "lorem"}
		r := read(p.Open(ctx, target, question("", messages.Options{})))
		checkFailure(t, r.err, messages.CodeDeadline)
		if len(r.text) == 0 {
			t.Error("it said nothing before")
		}
		_, err := p.Open(ctx, target, question("", messages.Options{}))
		checkFailure(t, err, messages.CodeDeadline)
	})
}

func TestSimulatedModelObeys(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		options messages.Options
		text    string
		finish  messages.FinishReason
		output  int
	}{
		"nothing":          {messages.Options{}, "one two three four", messages.FinishStop, 4},
		"max_tokens":       {messages.Options{MaxTokens: pointer(2)}, "one two", messages.FinishLength, 2},
		"max_tokens of 0":  {messages.Options{MaxTokens: pointer(0)}, "", messages.FinishLength, 0},
		"enough of them":   {messages.Options{MaxTokens: pointer(4)}, "one two three four", messages.FinishStop, 4},
		"stop":             {messages.Options{Stop: []string{"five", " three"}}, "one two", messages.FinishStop, 2},
		"stop at once":     {messages.Options{Stop: []string{"o"}}, "", messages.FinishStop, 0},
		"an empty stop":    {messages.Options{Stop: []string{""}}, "one two three four", messages.FinishStop, 4},
		"several choices":  {messages.Options{N: 2}, "one two three fourone two three four", messages.FinishStop, 8},
		"tools it ignores": {messages.Options{Tools: []messages.Tool{{Name: "look_up"}}}, "one two three four", messages.FinishStop, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := simulate(t, "echo", question("one two three four", tt.options))
			if r.err != nil || r.text != tt.text || r.finish != tt.finish || r.usage.Output != tt.output {
				t.Errorf("got %q, %s, %d tokens (%v)", r.text, r.finish, r.usage.Output, r.err)
			}
		})
	}
}

const weather = `{"type":"object","required":["city"],"properties":{
	"city":{"type":"string"},"days":{"type":"integer","minimum":3},"unit":{"enum":["C","F"]},
	"when":{"type":"string","format":"date"},"tags":{"type":"array","items":{"$ref":"#/$defs/tag"},"minItems":2}},
	"$defs":{"tag":{"anyOf":[{"type":"boolean"},{"type":"null"}]}}}`

func TestSimulatedModelCallsTools(t *testing.T) {
	t.Parallel()
	tools := []messages.Tool{{Name: "get_weather", Parameters: json.RawMessage(weather)}, {Name: "look_up"}}
	choose := func(mode messages.ToolMode, name string) messages.Options {
		return messages.Options{Tools: tools, ToolChoice: &messages.ToolChoice{Mode: mode, Name: name}}
	}
	const arguments = `{"city":"example city","days":3,"tags":[true,true],"unit":"C","when":"2025-01-01"}`
	for name, tt := range map[string]struct {
		question string
		options  messages.Options
		tool     string
		text     string
	}{
		"because it must":             {"hello", choose(messages.ToolRequired, ""), "get_weather", arguments},
		"the one that it must":        {"hello", choose(messages.ToolFunction, "look_up"), "look_up", "{}"},
		"because it is asked for one": {"Please use a tool", messages.Options{Tools: tools}, "get_weather", arguments},
		"that is spoken of":           {"look up my name", messages.Options{Tools: tools}, "look_up", "{}"},
		"none when it must not":       {"use a tool", choose(messages.ToolNone, ""), "", "use a tool"},
		"none without need":           {"hello", messages.Options{Tools: tools}, "", "hello"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := simulate(t, "echo", question(tt.question, tt.options))
			if r.err != nil {
				t.Fatal(r.err)
			}
			called, finish := "", messages.FinishStop
			if c := r.chunks[1]; c.Kind == messages.ChunkToolCall {
				called = c.Details().Name
				if c.Details().CallID == "" {
					t.Error("the call has no id")
				}
			}
			if tt.tool != "" {
				finish = messages.FinishToolCalls
			}
			if called != tt.tool || r.text != tt.text || r.finish != finish {
				t.Errorf("it called %q with %s and ended with %s", called, r.text, r.finish)
			}
		})
	}
}

func TestSimulatedModelAnswersAfterATool(t *testing.T) {
	t.Parallel()
	c := question("use a tool", messages.Options{
		Tools: []messages.Tool{{Name: "look_up"}}, ToolChoice: &messages.ToolChoice{Mode: messages.ToolRequired},
	})
	c.Items = append(c.Items,
		messages.Item{Kind: messages.ItemToolCall, CallID: "c1", Name: "look_up", Args: "{}"},
		messages.Item{Kind: messages.ItemToolOutput, CallID: "c1", Parts: []messages.Part{messages.TextPart("forty-two")}})
	if r := simulate(t, "chat", c); !strings.Contains(r.text, "forty-two") || r.finish != messages.FinishStop {
		t.Errorf("got %q, %s", r.text, r.finish)
	}
}

func TestSimulatedModelAnswersInTheFormatAskedFor(t *testing.T) {
	t.Parallel()
	for kind, want := range map[messages.ResponseFormatKind]string{
		messages.ResponseJSON:       `{"answer":"simulated"}`,
		messages.ResponseJSONSchema: `{"city":"example city","days":3,"tags":[true,true],"unit":"C","when":"2025-01-01"}`,
		messages.ResponseText:       "hello",
	} {
		r := simulate(t, "echo", question("hello", messages.Options{ResponseFormat: &messages.ResponseFormat{Kind: kind, Schema: json.RawMessage(weather)}}))
		if r.text != want {
			t.Errorf("%s: got %s", kind, r.text)
		}
	}
}

// A schema comes from a tenant: however it refers to itself, making up a value
// must end soon.
func TestSimulatedModelIsNotToBeDrawnOut(t *testing.T) {
	t.Parallel()
	var wide strings.Builder
	wide.WriteString(`{"type":"object","properties":{`)
	for i := range 50 {
		if i > 0 {
			wide.WriteByte(',')
		}
		wide.WriteString(`"` + strings.Repeat("p", i+1) + `":{"$ref":"#"}`)
	}
	wide.WriteString(`}}`)
	for _, schema := range []string{
		wide.String(), `{"$ref":"#"}`, `{"type":"array","minItems":1000000000,"items":{"type":"array","minItems":1000000000}}`,
		`{"type":"string","minLength":1000000000}`, `{"anyOf":[{"$ref":"#"}]}`, `{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}`,
		`[]`, `{"properties":3}`, `nonsense`, ``, `{"type":["string","null"]}`, `{"const":null}`, `{"type":7}`,
	} {
		within(t, promptly, schema[:min(len(schema), 40)], func() {
			r := simulate(t, "echo", question("", messages.Options{ResponseFormat: &messages.ResponseFormat{
				Kind: messages.ResponseJSONSchema, Schema: json.RawMessage(schema),
			}}))
			if r.err != nil || !json.Valid([]byte(r.text)) || len(r.text) > 1<<20 {
				t.Errorf("%s: %d bytes, %v", schema[:min(len(schema), 40)], len(r.text), r.err)
			}
		})
	}
}

func TestSimulatedTokensMakeUpTheText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringN(0, 60, -1).Draw(rt, "text")
		r := simulate(t, "echo", question(text, messages.Options{}))
		if r.text != text {
			rt.Fatalf("%q became %q", text, r.text)
		}
		for _, c := range r.chunks {
			if c.Kind == messages.ChunkText && (c.Text == "" || !strings.Contains(text, c.Text)) {
				rt.Fatalf("%q is a token of %q", c.Text, text)
			}
		}
	})
}
