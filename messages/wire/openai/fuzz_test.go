package openai_test

import (
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// checkFailure holds that whoever sent a bad request learns what to do.
func checkFailure(t *testing.T, err error) {
	t.Helper()
	var f *messages.Failure
	if !errors.As(err, &f) {
		t.Fatalf("not a failure: %v", err)
	}
	switch f.Code {
	case messages.CodeInvalidJSON, messages.CodeInvalidRequest, messages.CodeUnsupported, messages.CodeInvalidStream:
	default:
		t.Errorf("the code is %s", f.Code)
	}
	if f.What == "" || f.Do == "" || !utf8.ValidString(f.What+f.Param) || len(f.What) > 1000 {
		t.Errorf("not told well: %+v", f)
	}
}

// checkItems holds that what was decoded can be shown and asked.
func checkItems(t *testing.T, items []messages.Item, options messages.Options) {
	t.Helper()
	for i := range items {
		if shown := openai.AppendItem(nil, &items[i]); !jsontext.Value(shown).IsValid() {
			t.Errorf("not JSON: %s", shown)
		}
	}
	body, err := openai.AppendChatRequest(nil, "up", &messages.Call{Items: items, Options: options, Stream: true})
	if err != nil {
		checkFailure(t, err)
		return
	}
	if !jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true)) { // what is extra may be named like what is not
		t.Errorf("not JSON: %s", body)
	}
}

func FuzzDecodeChatRequest(f *testing.F) {
	f.Add(oneKilobyte)
	for _, body := range []string{
		chatMessages(`{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u","detail":"low"}},{"type":"file","file":{}}]}`),
		chatMessages(`{"role":"assistant","content":null,"refusal":"r","reasoning_content":"h","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"1"}`),
		chatMessages(`{"role":"assistant","function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"1"}`),
		chatRequest(`,"n":2,"seed":1,"stop":["a"],"logprobs":true,"top_logprobs":2,"metadata":{"a":"b"},"store":true,"x":[{"y":null}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{}}}`),
		chatRequest(`,"tools":[{"type":"function","function":{"name":"f","parameters":{}}},{"type":"x"}],"tool_choice":{"type":"function","function":{"name":"f"}},"stream":true,"stream_options":{"include_usage":true,"x":1}`),
		`{"mod\u0065l":"m","messages":[],"temperature":1e400}`, `{"model":"m","model":"m"}`, "{\"a\":\"\xff\"}", `[`, ``,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		request, err := openai.DecodeChatRequest(body)
		if err != nil {
			checkFailure(t, err)
			return
		}
		if !jsontext.Value(body).IsValid() {
			t.Fatalf("it was taken and is not JSON")
		}
		checkItems(t, request.Input, request.Options)
		for _, stream := range []bool{true, false} {
			passed, err := openai.AppendChatRequest(nil, "up", &messages.Call{
				Stream: stream, Passthrough: &messages.Passthrough{Format: messages.FormatOpenAIChat, Body: body},
			})
			if err != nil || !jsontext.Value(passed).IsValid() { // a member that is there twice is not valid
				t.Fatalf("%v: %s", err, passed)
			}
			if again, err := openai.DecodeChatRequest(passed); err != nil || again.Model != "up" || again.Stream != stream {
				t.Fatalf("%v: %s", err, passed)
			}
		}
	})
}

func FuzzDecodeResponsesRequest(f *testing.F) {
	for _, body := range []string{
		`{"model":"m","input":"hi"}`,
		responsesInput(`{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"u"},{"type":"input_file","file_id":"f"}]},{"type":"function_call","call_id":"a","name":"f","arguments":"{}"}`),
		responsesInput(`{"type":"function_call_output","call_id":"a","output":[{"type":"input_text","text":"1"}]},{"type":"reasoning","summary":[{"type":"summary_text","text":"h"}],"encrypted_content":"e"},{"type":"item_reference","id":"x"}`),
		responsesRequest(`,"conversation":{"id":"c"},"store":false,"stream":true,"include":["x"],"truncation":"auto","text":{"format":{"type":"json_schema","name":"n","schema":{}},"verbosity":"low"},"reasoning":{"effort":"low"}`),
		responsesRequest(`,"tools":[{"type":"function","name":"f","parameters":{}},{"type":"web_search"}],"tool_choice":{"type":"function","name":"f"},"metadata":{"k":"v"},"max_output_tokens":5,"top_logprobs":2`),
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		request, err := openai.DecodeResponsesRequest(body)
		if err != nil {
			checkFailure(t, err)
			return
		}
		checkItems(t, request.Input, request.Options)
		r := record()
		r.Options, r.Instructions = request.Options, request.Instructions
		if shown := openai.AppendResponse(nil, r, nil); !jsontext.Value(shown).IsValid() {
			t.Errorf("not JSON: %s", shown)
		}
	})
}

func FuzzDecodeConversation(f *testing.F) {
	f.Add([]byte(`{"metadata":{"k":"v"},"items":[{"role":"user","content":"hi"}]}`))
	f.Add([]byte(`{"items":[{"type":"reasoning","summary":[]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if create, err := openai.DecodeConversationCreate(body); err != nil {
			checkFailure(t, err)
		} else {
			checkItems(t, create.Items, messages.Options{})
		}
		if _, err := openai.DecodeConversationUpdate(body); err != nil {
			checkFailure(t, err)
		}
		if _, err := openai.DecodeItemsAdd(body); err != nil {
			checkFailure(t, err)
		}
	})
}

func FuzzDecodeError(f *testing.F) {
	f.Add(400, []byte(`{"error":{"message":"sk-abc","type":"t","code":4}}`))
	f.Add(429, []byte(`[{"error":"x"}]`))
	f.Add(500, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		failure := openai.DecodeError(status, 0, body)
		if failure.What == "" || failure.Do == "" || !utf8.ValidString(failure.What) || len(failure.What) > 600 {
			t.Errorf("not told well: %+v", failure)
		}
	})
}

func FuzzDecodeClientEvent(f *testing.F) {
	for _, body := range []string{
		`{"type":"response.create","model":"m","input":"i","stream_id":"a.1","store":false,"previous_response_id":"resp_1"}`,
		`{"type":"response.create","model":"m","generate":false}`, `{"type":"response.create","model":"m","input":"i","background":true}`,
		`{"type":"response.steer","previous_response_id":"resp_1","input":[{"role":"user","content":[{"type":"input_text","text":"t"}]}]}`,
		`{"type":"response.resume","response_id":"resp_1","starting_after":9223372036854775807}`, `{"type":"response.resume","response_id":"resp_1","starting_after":-2}`,
		`{"type":"response.cancel","stream_id":"b"}`, `{"type":"response.cancel","stream_id":""}`, `{"stream_id":3,"type":null}`, `{"type":"\u0000"}`, `[`, ``,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		sent := string(body)
		e, err := openai.DecodeClientEvent(body)
		if string(body) != sent {
			t.Error("the message was changed")
		}
		if len(e.StreamID) > 256 || !utf8.ValidString(e.StreamID) {
			t.Errorf("a lane is named %q", e.StreamID)
		}
		if err != nil {
			checkFailure(t, err)
			return
		}
		switch e.Type {
		case openai.EventCreate:
			checkItems(t, e.Create.Input, e.Create.Options)
		case openai.EventSteer:
			if !jsontext.Value(e.Steer.Raw).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) || len(e.Steer.Input) == 0 {
				t.Errorf("steered with %q", e.Steer.Raw)
			}
		case openai.EventResume:
			if e.Response == "" || e.After < -1 {
				t.Errorf("resumed with %+v", e)
			}
		case openai.EventCancel:
		default:
			t.Errorf("there is no %q", e.Type)
		}
	})
}
