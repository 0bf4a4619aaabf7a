package http_test

import (
	"strings"
	"testing"
)

func TestChatAnswersInOnePiece(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	got := w.do("POST", "/v1/chat/completions", question)
	if got.status != 200 {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	for _, want := range []string{`"content":"Hello"`, `"finish_reason":"stop"`, `"total_tokens":5`, `"id":"chatcmpl-` + got.header.Get("X-Request-Id")} {
		if !strings.Contains(got.body, want) {
			t.Errorf("%s is not in %s", want, got.body)
		}
	}
}

func TestChatStreamsWhatTheConversationSays(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	got := w.do("POST", "/v1/chat/completions", streamed(question))
	if got.status != 200 || got.header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("status %d, %s: %s", got.status, got.header.Get("Content-Type"), got.body)
	}
	if !strings.Contains(got.body, `"content":"Hel"`) || !strings.HasSuffix(got.body, "data: [DONE]\n\n") {
		t.Errorf("the stream is %q", got.body)
	}
}
