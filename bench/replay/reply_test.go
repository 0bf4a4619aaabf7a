package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// responseStream makes the stream of a response that shows texts and ends as
// status says, with the text end.
func responseStream(status, end string, texts ...string) string {
	var b strings.Builder
	number := -1
	event := func(kind string, step int, members string) {
		number += step
		fmt.Fprintf(&b, "event: %s\ndata: {\"type\":%q,\"sequence_number\":%d%s}\n\n", kind, kind, number, members)
	}
	event("response.created", 1, `,"response":{"id":"resp_1","status":"in_progress"}`)
	for _, text := range texts {
		event("response.output_text.delta", len(text), fmt.Sprintf(`,"delta":%q`, text))
	}
	event("response."+status, 1, fmt.Sprintf(`,"response":{"id":"resp_1","status":%q,"output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":%q}]}]}`, status, end))
	return b.String()
}

func TestRepliesAreRead(t *testing.T) {
	t.Parallel()
	good := responseStream("completed", "one two", "one ", "two")
	begun, _, _ := strings.Cut(good, "event: response.completed")
	const chunk = `data: {"id":"chatcmpl-1","choices":[{"delta":{"content":"one"},"finish_reason":null}]}` + "\n\n"
	const finish = `data: {"id":"chatcmpl-1","choices":[{"delta":{},"finish_reason":"stop"}]}` + "\n\n"
	const done = "data: [DONE]\n\n"
	for name, test := range map[string]struct {
		read  func(*reply, io.Reader) error
		body  string
		end   end
		text  string
		shown string
		lost  bool   // the connection broke
		fails string // what else the error says
	}{
		"a response": {
			read: (*reply).readResponse, body: `{"id":"resp_1","status":"completed","output":[{"type":"message","role":"assistant","content":[{"text":"a"},{"text":"b"}]}]}`,
			end: endWhole, text: "ab",
		},
		"a response that is not complete": {
			read: (*reply).readResponse, body: `{"id":"resp_1","status":"incomplete","output":[]}`, end: endCut,
		},
		"a response that failed": {
			read: (*reply).readResponse, body: `{"id":"resp_1","status":"failed","error":{"code":"provider_failed","message":"m"}}`, fails: "provider_failed",
		},
		"a response in a state that is no end": {read: (*reply).readResponse, body: `{"id":"resp_1","status":"queued"}`, fails: "queued"},
		"no JSON":                              {read: (*reply).readResponse, body: `<html>`, fails: "no JSON"},
		"a stream":                             {read: (*reply).readResponseStream, body: good, end: endWhole, text: "one two", shown: "one two"},
		"a stream that says it is cut":         {read: (*reply).readResponseStream, body: responseStream("incomplete", "one", "one"), end: endCut, text: "one", shown: "one"},
		"a stream that showed less than all":   {read: (*reply).readResponseStream, body: responseStream("completed", "one two", "one "), fails: "showed 4 bytes"},
		"a stream that breaks off":             {read: (*reply).readResponseStream, body: begun, lost: true, shown: "one two"},
		"a stream with a gap": {
			read: (*reply).readResponseStream, body: strings.Replace(good, `"sequence_number":4`, `"sequence_number":5`, 1), shown: "", fails: "4 was due",
		},
		"a stream with two names": {
			read: (*reply).readResponseStream, body: strings.Replace(good, `"id":"resp_1","status":"completed"`, `"id":"resp_2","status":"completed"`, 1), shown: "one two", fails: "resp_2",
		},
		"an event with two names": {read: (*reply).readResponseStream, body: strings.Replace(good, "event: response.created", "event: response.begun", 1), fails: "is called"},
		"an error in a stream":    {read: (*reply).readResponseStream, body: "event: error\ndata: {\"type\":\"error\",\"sequence_number\":0,\"code\":\"overloaded\"}\n\n", fails: "overloaded"},

		"a completion":                 {read: (*reply).readCompletion, body: `{"id":"chatcmpl-1","choices":[{"message":{"content":"one"},"finish_reason":"stop"}]}`, end: endWhole, text: "one"},
		"a completion that was cut":    {read: (*reply).readCompletion, body: `{"id":"chatcmpl-1","choices":[{"message":{"content":"one"},"finish_reason":null}]}`, end: endCut, text: "one"},
		"a completion without choices": {read: (*reply).readCompletion, body: `{"id":"chatcmpl-1","choices":[]}`, fails: "0 choices"},
		"chunks":                       {read: (*reply).readCompletionStream, body: chunk + chunk + finish + done, end: endWhole, text: "oneone", shown: "oneone"},
		"chunks without a finish":      {read: (*reply).readCompletionStream, body: chunk + done, end: endCut, text: "one", shown: "one"},
		"chunks and an error":          {read: (*reply).readCompletionStream, body: chunk + `data: {"error":{"code":"provider_failed"}}` + "\n\n", end: endCut, text: "one", shown: "one"},
		"chunks that break off":        {read: (*reply).readCompletionStream, body: chunk + finish, lost: true, shown: "one"},
		"chunks of two completions":    {read: (*reply).readCompletionStream, body: chunk + strings.Replace(chunk, "cmpl-1", "cmpl-2", 1), shown: "oneone", fails: "chatcmpl-2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got reply
			err := test.read(&got, strings.NewReader(test.body))
			switch {
			case test.lost != errors.Is(err, errLost):
				t.Fatalf("error %v", err)
			case test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)):
				t.Fatalf("error %v, want one that says %q", err, test.fails)
			case test.fails == "" && !test.lost && err != nil:
				t.Fatal(err)
			}
			if test.fails == "" && (got.end != test.end || got.text != test.text || got.shown() != test.shown) {
				t.Errorf("end %d, text %q, shown %q", got.end, got.text, got.shown())
			}
		})
	}
}
