package http_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

// recording hands the spec of each turn over, and answers.
func recording(chunks ...messages.Chunk) (conversations, <-chan messages.TurnSpec) {
	specs := make(chan messages.TurnSpec, 16)
	return func(m *messages.StartTurn) error {
		specs <- *m.Spec
		go speak(m, chunks)
		return nil
	}, specs
}

func TestChatAnswersInOnePiece(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	got := w.do("POST", "/v1/chat/completions", question)
	if got.status != http.StatusOK {
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
	if got.status != http.StatusOK {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	var deltas []string
	for line := range strings.Lines(got.body) {
		switch data, isData := strings.CutPrefix(strings.TrimSpace(line), "data: "); {
		case isData:
			deltas = append(deltas, data)
		case strings.HasPrefix(line, "id:"):
			t.Errorf("an id: field, which SDKs trip over: %q", line)
		}
	}
	if len(deltas) != 4 || deltas[3] != "[DONE]" {
		t.Errorf("the stream has the events %q", deltas)
	}
	want := map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no",
		"X-Parley-Provider": "demo", "X-Parley-Model": "demo-1", "X-Parley-Simulated": "true", "Server": "",
	}
	for name, value := range want {
		if got.header.Get(name) != value {
			t.Errorf("%s is %q, want %q", name, got.header.Get(name), value)
		}
	}
}

func TestChatTellsUsageInAStreamOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	plain := w.do("POST", "/v1/chat/completions", streamed(question))
	asked := w.do("POST", "/v1/chat/completions", strings.Replace(question, "{", `{"stream":true,"stream_options":{"include_usage":true},`, 1))
	if strings.Contains(plain.body, "usage") || !strings.Contains(asked.body, `"total_tokens":5`) {
		t.Errorf("not asked: %s\nasked: %s", plain.body, asked.body)
	}
}

func TestChatTurnsARequestIntoATurn(t *testing.T) {
	t.Parallel()
	turns, specs := recording(hello()...)
	w := serve(t, turns)
	w.library.put(messages.TurnRecord{ID: messages.TurnID{1}, Ref: messages.ConversationRef{Tenant: "acme", Conversation: "conv_a"}})
	passthrough := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Passthrough" }, cmp.Ignore())
	always := messages.TurnSpec{
		Tenant: "acme", Key: "member", Endpoint: "/v1/chat/completions", Address: "127.0.0.1", Model: "demo", Priority: messages.PriorityStandard,
		Input: []messages.Item{messages.TextMessage(messages.RoleUser, "canary-prompt")},
	}
	for name, test := range map[string]struct {
		body    string
		headers []string
		change  func(*messages.TurnSpec)
		passes  bool // the body is passed on as it was sent
	}{
		"one that is not kept": {body: question, passes: true, change: func(*messages.TurnSpec) {}},
		"a stream":             {body: streamed(question), passes: true, change: func(s *messages.TurnSpec) { s.Stream = true }},
		"one of a class": {
			body: question, passes: true, headers: []string{"x-parley-priority", "batch"},
			change: func(s *messages.TurnSpec) { s.Priority = messages.PriorityBatch },
		},
		"one that is stored": {
			body: strings.Replace(question, "{", `{"store":true,`, 1),
			change: func(s *messages.TurnSpec) {
				s.Conversation, s.Keep, s.Create, s.Private = messages.NewConversationID(s.ID), true, true, true
			},
		},
		"one in a conversation": {
			body: question, headers: []string{"x-parley-conversation", "conv_a"},
			change: func(s *messages.TurnSpec) { s.Conversation, s.Keep = "conv_a", true },
		},
	} {
		got := w.do("POST", "/v1/chat/completions", test.body, test.headers...)
		if got.status != http.StatusOK {
			t.Fatalf("%s: status %d: %s", name, got.status, got.body)
		}
		spec := <-specs
		want := always
		want.ID, want.Deadline = spec.ID, spec.Deadline
		test.change(&want)
		if diff := cmp.Diff(want, spec, passthrough); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if got.header.Get("X-Request-Id") != spec.ID.String() {
			t.Errorf("%s: the turn %s is not named after the request %s", name, spec.ID, got.header.Get("X-Request-Id"))
		}
		if got.header.Get("X-Parley-Conversation") != string(want.Conversation) {
			t.Errorf("%s: the client is told of the conversation %q", name, got.header.Get("X-Parley-Conversation"))
		}
		if (spec.Passthrough != nil) != test.passes || test.passes && string(spec.Passthrough.Body) != test.body {
			t.Errorf("%s: passed through: %v", name, spec.Passthrough)
		}
		if left := time.Until(spec.Deadline); left > 10*time.Minute || left < 9*time.Minute {
			t.Errorf("%s: the turn has %s", name, left)
		}
	}
}

func TestChatFailsBeforeTheFirstByteWithAStatus(t *testing.T) {
	t.Parallel()
	limited := &messages.Failure{
		Code: messages.CodeProviderLimited, What: "all keys are limited", Do: "wait", RetryAfter: 1500 * time.Millisecond,
	}
	for name, turns := range map[string]conversations{
		"refused when sent":       func(*messages.StartTurn) error { return limited },
		"refused by the actor":    func(m *messages.StartTurn) error { m.Refuse(limited); return nil },
		"failed before its reply": says(brokenBy(limited)),
		"failed behind its start": says(opened(), brokenBy(limited)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := serve(t, turns)
			got := w.do("POST", "/v1/chat/completions", question)
			if got.status != http.StatusTooManyRequests || got.errorOf(t).Code != "provider_rate_limited" {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			if got.header.Get("Retry-After") != "2" || got.header.Get("Retry-After-Ms") != "1500" {
				t.Errorf("retry after %q, in ms %q", got.header.Get("Retry-After"), got.header.Get("Retry-After-Ms"))
			}
		})
	}
}

func TestChatShowsAFailureInTheStreamWithoutDone(t *testing.T) {
	t.Parallel()
	w := serve(t, says(opened(), text("Hel"), brokenBy(&messages.Failure{Code: messages.CodeProviderFailed, What: "it broke off", Do: "again"})))
	got := w.do("POST", "/v1/chat/completions", streamed(question))
	if got.status != http.StatusOK || !strings.Contains(got.body, `"code":"provider_failed"`) || strings.Contains(got.body, "[DONE]") {
		t.Errorf("status %d: %s", got.status, got.body)
	}
}

func TestChatShowsNothingOfAnUnexpectedError(t *testing.T) {
	t.Parallel()
	w := serve(t, func(*messages.StartTurn) error { return errors.New("canary-detail") })
	got := w.do("POST", "/v1/chat/completions", question)
	if got.status != http.StatusInternalServerError || strings.Contains(got.body, "canary-detail") {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	if !strings.Contains(w.logged.String(), got.header.Get("X-Request-Id")) || !strings.Contains(w.logged.String(), "canary-detail") {
		t.Errorf("the log does not explain it: %s", w.logged)
	}
}

func TestChatContainsAPanic(t *testing.T) {
	t.Parallel()
	w := serve(t, func(*messages.StartTurn) error { panic("boom") })
	if got := w.do("POST", "/v1/chat/completions", question); got.status != http.StatusInternalServerError || strings.Contains(got.body, "boom") {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	if got := w.do("GET", "/healthz", ""); got.status != http.StatusOK {
		t.Errorf("the server is not well behind it: %d", got.status)
	}
}

func TestChatRefuses(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...), configured(func(c *parleyhttp.Config) { c.MaxBody = 2048 }))
	for name, test := range map[string]struct {
		body    string
		headers []string
		status  int
		code    string
		param   string
	}{
		"no JSON":                   {body: `{"model":`, status: 400, code: "invalid_json", param: "model"},
		"no messages":               {body: `{"model":"demo"}`, status: 400, code: "invalid_request", param: "messages"},
		"a class that there is not": {body: question, headers: []string{"x-parley-priority", "vip"}, status: 400, code: "invalid_request", param: "x-parley-priority"},
		"a conversation of nobody":  {body: question, headers: []string{"x-parley-conversation", "conv_x"}, status: 404, code: "conversation_not_found", param: "x-parley-conversation"},
		"a conversation's name that there cannot be": {body: question, headers: []string{"x-parley-conversation", "caf\xe9"}, status: 404, code: "conversation_not_found", param: "x-parley-conversation"},
		"a model's name with a NUL":                  {body: strings.Replace(question, "demo", "demo\\u0000", 1), status: 400, code: "invalid_request", param: "model"},
		"several kept choices":                       {body: strings.Replace(question, "{", `{"n":2,"store":true,`, 1), status: 400, code: "invalid_request", param: "n"},
		"a compressed body":                          {body: question, headers: []string{"Content-Encoding", "gzip"}, status: 400, code: "unsupported"},
		"a body that is too large":                   {body: question + strings.Repeat(" ", 4<<20), status: 413, code: "request_too_large"},
		"headers that are too large": {
			body: question, headers: []string{"x-long", strings.Repeat("a", 16<<10)}, status: 431, code: "headers_too_large",
		},
	} {
		got := w.do("POST", "/v1/chat/completions", test.body, test.headers...)
		shown := got.errorOf(t)
		if got.status != test.status || shown.Code != test.code || shown.Param != test.param {
			t.Errorf("%s: status %d, %s", name, got.status, got.body)
		}
		if got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: content type %q", name, got.header.Get("Content-Type"))
		}
	}
}
