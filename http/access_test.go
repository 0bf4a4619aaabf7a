package http_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
)

func TestReadersMayOnlyRead(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	for _, e := range endpoints(t) {
		method, path := e[0], e[1]
		if !strings.HasPrefix(path, "/v1/") {
			continue
		}
		got := w.do(method, path, "", "Authorization", "Bearer "+readerKey)
		turns := method != http.MethodGet || path == "/v1/responses" // which opens a WebSocket, for turns
		if refused := got.status == http.StatusForbidden; refused != turns {
			t.Errorf("%s %s: status %d: %s", method, path, got.status, got.body)
		}
	}
}

func TestScopesOpenWhatTheyName(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	opened := 0
	for _, e := range endpoints(t) {
		method, path := e[0], e[1]
		if !strings.HasPrefix(path, "/v1/") {
			continue
		}
		opens := strings.HasPrefix(path, "/v1/chat/") || strings.HasPrefix(path, "/v1/models")
		got := w.do(method, path, "", "Authorization", "Bearer "+chatKey)
		refused := got.status == http.StatusForbidden && strings.Contains(got.body, "lacks a scope")
		if refused == opens {
			t.Errorf("%s %s: status %d: %s", method, path, got.status, got.body)
		}
		if opens {
			opened++
		}
	}
	if opened < 3 {
		t.Errorf("%d routes were opened", opened)
	}
}

// What a turn is to be kept in is a conversation, too.
func TestConversationsScopeIsAskedForWhereATurnNamesOne(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	id := messages.NewConversationID(messages.TurnID{1})
	w.library.put(messages.TurnRecord{ID: messages.TurnID{1}, Ref: messages.ConversationRef{Tenant: "acme", Conversation: id}})
	for key, want := range map[string]int{memberKey: http.StatusOK, chatKey: http.StatusForbidden, otherKey: http.StatusNotFound} {
		got := w.do("POST", "/v1/chat/completions", question, "Authorization", "Bearer "+key, "x-parley-conversation", string(id))
		if got.status != want {
			t.Errorf("%s: %d %s", key, got.status, got.body)
		}
		if want == http.StatusForbidden && got.errorOf(t).Param != "x-parley-conversation" {
			t.Errorf("%s", got.body)
		}
	}
}

func TestTurnsAreToldWhatTheirKeyMayUse(t *testing.T) {
	t.Parallel()
	turns, specs := recording(hello()...)
	w := serve(t, turns)
	want := messages.Narrow(messages.Allowance{}, messages.Allowance{Models: []string{"de*"}})
	for key, want := range map[string]*messages.Allowed{chatKey: want, memberKey: nil} {
		if got := w.do("POST", "/v1/chat/completions", question, "Authorization", "Bearer "+key); got.status != http.StatusOK {
			t.Fatalf("status %d: %s", got.status, got.body)
		}
		if diff := cmp.Diff(want, (<-specs).Allowed); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestModelsAreListedThatMayBeAskedFor(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	got := w.do("GET", "/v1/models", "", "Authorization", "Bearer "+chatKey)
	if !strings.Contains(got.body, `"demo"`) || strings.Contains(got.body, "gpt-5") {
		t.Errorf("got %s", got.body)
	}
	for path, want := range map[string]int{"demo": http.StatusOK, "openai/gpt-5": http.StatusForbidden} {
		if got := w.do("GET", "/v1/models/"+path, "", "Authorization", "Bearer "+chatKey); got.status != want {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

// A reply that is kept for an Idempotency-Key goes to nobody who might not have
// asked for it.
func TestKeptReplyIsForThoseWhoMayAskAlike(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	for i, tt := range []struct {
		key    string
		status int
	}{{memberKey, http.StatusOK}, {memberKey, http.StatusOK}, {routerKey, http.StatusOK}, {chatKey, http.StatusUnprocessableEntity}} {
		got := w.do("POST", "/v1/chat/completions", question, "Authorization", "Bearer "+tt.key, "Idempotency-Key", "once")
		if got.status != tt.status {
			t.Errorf("try %d: %d %s", i+1, got.status, got.body)
		}
		if replayed := got.header.Get("Idempotent-Replayed") == "true"; replayed != (i == 1 || i == 2) {
			t.Errorf("try %d: replayed %t", i+1, replayed)
		}
	}
}

func TestEmbeddersAreModelsToo(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	for key, want := range map[string]int{memberKey: http.StatusOK, embedKey: http.StatusForbidden} {
		got := w.do("POST", "/v1/embeddings", `{"model":"parley-embedding","input":"hello"}`, "Authorization", "Bearer "+key)
		if got.status != want {
			t.Errorf("%s: %d %s", key, got.status, got.body)
		}
	}
}
