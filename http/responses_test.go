package http_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
)

func TestAResponseIsAnsweredInOnePieceAndStreamed(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	whole := w.do("POST", "/v1/responses", `{"model":"demo","input":"hi"}`)
	for _, want := range []string{`"resp_` + whole.header.Get("X-Request-Id"), `"status":"completed"`, `"text":"Hello"`, `"total_tokens":5`, `"store":true`, `"conversation":null`} {
		if !strings.Contains(whole.body, want) {
			t.Errorf("%s is not in %s", want, whole.body)
		}
	}
	events := w.do("POST", "/v1/responses", `{"model":"demo","input":"hi","stream":true}`)
	for _, want := range []string{"event: response.created", "event: response.output_text.delta", "event: response.completed", `"sequence_number":0`} {
		if !strings.Contains(events.body, want) {
			t.Errorf("%s is not in %s", want, events.body)
		}
	}
}

func TestAResponseThatReachedItsLimitIsIncomplete(t *testing.T) {
	t.Parallel()
	cut := messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnPartial, Reason: messages.ReasonMaxTokens}}
	w := serve(t, says(opened(), text("Hel"), cut))
	got := w.do("POST", "/v1/responses", `{"model":"demo","input":"hi"}`)
	if got.status != http.StatusOK || !strings.Contains(got.body, `"status":"incomplete"`) || !strings.Contains(got.body, messages.ReasonMaxTokens) {
		t.Errorf("status %d: %s", got.status, got.body)
	}
}

func TestAResponseSaysWhereItsTurnBelongs(t *testing.T) {
	t.Parallel()
	turns, specs := recording(hello()...)
	w := serve(t, turns)
	w.library.put(keptTurn(messages.TurnComplete), keptItems()...)
	const previous = "resp_01020300000000000000000000000000"
	type place struct {
		Conversation          messages.ConversationID
		Keep, Create, Private bool
		After                 messages.TurnID
		AfterSeq              messages.Seq
	}
	after := keptTurn("").ID
	for name, test := range map[string]struct {
		body string
		want place
	}{
		"alone":                      {`{}`, place{Keep: true, Create: true, Private: true}},
		"alone and kept nowhere":     {`{"store":false}`, place{}},
		"in a conversation":          {`{"conversation":"conv_kept"}`, place{Conversation: "conv_kept", Keep: true}},
		"reading a conversation":     {`{"conversation":{"id":"conv_kept"},"store":false}`, place{Conversation: "conv_kept"}},
		"behind another response":    {`{"previous_response_id":"` + previous + `"}`, place{Conversation: "conv_kept", Keep: true, After: after, AfterSeq: 4}},
		"reading behind another one": {`{"previous_response_id":"` + previous + `","store":false}`, place{Conversation: "conv_kept", After: after, AfterSeq: 4}},
	} {
		body := strings.Replace(test.body, "{", `{"model":"demo","input":"hi","instructions":"be brief",`, 1)
		got := w.do("POST", "/v1/responses", strings.Replace(body, ",}", "}", 1))
		if got.status != http.StatusOK {
			t.Fatalf("%s: status %d: %s", name, got.status, got.body)
		}
		spec := <-specs
		if test.want.Create {
			test.want.Conversation = messages.NewConversationID(spec.ID)
		}
		if diff := cmp.Diff(test.want, place{spec.Conversation, spec.Keep, spec.Create, spec.Create && spec.Private, spec.After, spec.AfterSeq}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if spec.Instructions != "be brief" || spec.Passthrough != nil || spec.Endpoint != "/v1/responses" {
			t.Errorf("%s: %+v", name, spec)
		}
	}
}

func TestAResponseIsRefused(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	running := keptTurn(messages.TurnRunning)
	w.library.put(running, keptItems()...)
	foreign := keptTurn(messages.TurnComplete)
	foreign.ID[0], foreign.Ref.Tenant = 9, "other"
	w.library.put(foreign)
	for name, test := range map[string]struct {
		body        string
		status      int
		code, param string
	}{
		"in the background, nowhere":   {`{"model":"demo","input":"hi","background":true,"store":false}`, 400, "invalid_request", "background"},
		"in a conversation of nobody":  {`{"model":"demo","input":"hi","conversation":"conv_x"}`, 404, "conversation_not_found", "conversation"},
		"behind no response":           {`{"model":"demo","input":"hi","previous_response_id":"x"}`, 404, "previous_response_not_found", "previous_response_id"},
		"behind a foreign response":    {`{"model":"demo","input":"hi","previous_response_id":"resp_09020300000000000000000000000000"}`, 404, "previous_response_not_found", "previous_response_id"},
		"behind one that still runs":   {`{"model":"demo","input":"hi","previous_response_id":"resp_01020300000000000000000000000000"}`, 400, "invalid_request", "previous_response_id"},
		"in two places at once":        {`{"model":"demo","input":"hi","previous_response_id":"resp_1","conversation":"conv_x"}`, 400, "invalid_request", ""},
		"in what cannot be a name":     {`{"model":"demo","input":"hi","conversation":"conv_\u0000"}`, 404, "conversation_not_found", "conversation"},
		"with instructions with a NUL": {`{"model":"demo","input":"hi","instructions":"a\u0000b"}`, 400, "invalid_request", "instructions"},
		"without a model":              {`{"input":"hi"}`, 400, "invalid_request", "model"},
		"by a class that there is not": {`{"input":"hi","model":"demo"}`, 400, "invalid_request", "x-parley-priority"},
	} {
		var headers []string
		if test.param == "x-parley-priority" {
			headers = []string{"x-parley-priority", "first"}
		}
		got := w.do("POST", "/v1/responses", test.body, headers...)
		shown := got.errorOf(t)
		if got.status != test.status || shown.Code != test.code || test.param != "" && shown.Param != test.param {
			t.Errorf("%s: status %d: %s", name, got.status, got.body)
		}
	}
}

func TestAForkIsNamedByItsResponsesAlone(t *testing.T) {
	t.Parallel()
	w := serve(t, func(m *messages.StartTurn) error {
		go func() {
			m.Spec.Conversation, m.Spec.Private = "conv_fork", true // as the conversation's actor does for a reply to an older turn
			speak(m, hello())
		}()
		return nil
	})
	open := keptTurn(messages.TurnComplete)
	open.Private = false
	w.library.put(open, keptItems()...)
	got := w.do("POST", "/v1/responses", `{"model":"demo","input":"hi","previous_response_id":"resp_01020300000000000000000000000000"}`)
	if got.header.Get("X-Parley-Conversation") != "conv_fork" || !strings.Contains(got.body, `"conversation":null`) {
		t.Errorf("kept in %q: %s", got.header.Get("X-Parley-Conversation"), got.body)
	}
}

func TestAStoredResponseIsReadAndForgotten(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	w.library.put(keptTurn(messages.TurnComplete), keptItems()...)
	const path = "/v1/responses/resp_01020300000000000000000000000000"
	if got := w.do("GET", path, ""); got.status != http.StatusOK || !strings.Contains(got.body, "kept answer") || strings.Contains(got.body, "canary-prompt") {
		t.Errorf("read: %d %s", got.status, got.body)
	}
	if got := w.do("GET", path+"/input_items", ""); got.status != http.StatusOK || strings.Contains(got.body, "kept answer") || !strings.Contains(got.body, "canary-prompt") {
		t.Errorf("input: %d %s", got.status, got.body)
	}
	for _, method := range []string{"GET", "DELETE"} {
		if got := w.do(method, path, "", "Authorization", "Bearer "+otherKey); got.status != http.StatusNotFound {
			t.Errorf("%s by another tenant: %d %s", method, got.status, got.body)
		}
	}
	if got := w.do("DELETE", path, ""); got.status != http.StatusOK || !strings.Contains(got.body, `"deleted":true`) {
		t.Errorf("delete: %d %s", got.status, got.body)
	}
	if got := w.do("GET", path, ""); got.status != http.StatusNotFound || got.errorOf(t).Type != "not_found_error" {
		t.Errorf("read behind it: %d %s", got.status, got.body)
	}
}

func TestTheInputOfAResponseComesInPages(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	record := keptTurn(messages.TurnComplete)
	record.Inputs = 3
	w.library.put(record, messages.TextMessage(messages.RoleUser, "one"), messages.TextMessage(messages.RoleUser, "two"),
		messages.TextMessage(messages.RoleUser, "three"), messages.TextMessage(messages.RoleAssistant, "answer"))
	const path = "/v1/responses/resp_01020300000000000000000000000000/input_items"
	id := func(i int) string { return string(messages.NewItemID(messages.ItemMessage, record.ID, i)) }
	for query, want := range map[string]struct {
		texts []string
		more  string
	}{
		"":                                      {[]string{"three", "two", "one"}, `"has_more":false`},
		"?order=asc&limit=2":                    {[]string{"one", "two"}, `"has_more":true`},
		"?order=asc&limit=2&after=" + id(1):     {[]string{"three"}, `"has_more":false`},
		"?limit=1&after=" + id(2):               {[]string{"two"}, `"has_more":true`},
		"?after=" + id(0):                       {nil, `"has_more":false`},
		"?order=asc&after=msg_of_somebody_else": {nil, `"has_more":false`},
	} {
		got := w.do("GET", path+query, "")
		at := 0
		for _, text := range want.texts {
			i := strings.Index(got.body[at:], `"`+text+`"`)
			if i < 0 {
				t.Fatalf("%q: %s is not in its place in %s", query, text, got.body)
			}
			at += i
		}
		if strings.Count(got.body, `"role"`) != len(want.texts) || !strings.Contains(got.body, want.more) {
			t.Errorf("%q: %s", query, got.body)
		}
	}
}

func TestListingsRefuseWhatIsNoPage(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	for query, param := range map[string]string{
		"limit=0": "limit", "limit=101": "limit", "limit=x": "limit", "order=up": "order", "after=" + strings.Repeat("a", 129): "after",
		"after=%00": "after", "after=%ff": "after", "after=a%20b": "after",
	} {
		if got := w.do("GET", "/v1/conversations?"+query, ""); got.status != http.StatusBadRequest || got.errorOf(t).Param != param {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
	w.do("GET", "/v1/conversations?limit=7&order=asc&after=conv_1", "")
	if diff := cmp.Diff([]messages.Page{{After: "conv_1", Limit: 7, Asc: true}}, w.library.asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

func TestATurnIsGivenUpBehindItsDeadline(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for the last word of a turn")
	}
	w := serve(t, func(*messages.StartTurn) error { return nil }, short)
	begun := time.Now()
	got := w.do("POST", "/v1/responses", `{"model":"demo","input":"hi"}`)
	if got.status != http.StatusGatewayTimeout || got.errorOf(t).Code != "deadline_exceeded" {
		t.Errorf("status %d behind %s: %s", got.status, time.Since(begun), got.body)
	}
}
