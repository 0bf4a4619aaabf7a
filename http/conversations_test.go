package http_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
)

// create makes a conversation of two messages and returns its id.
func (w *world) create() string {
	w.tb.Helper()
	got := w.do("POST", "/v1/conversations", `{"metadata":{"topic":"tea"},"items":[{"role":"user","content":"one"},{"role":"user","content":"two"}]}`)
	var made struct{ ID, Object string }
	if err := json.Unmarshal([]byte(got.body), &made); err != nil || got.status != http.StatusOK || made.Object != "conversation" {
		w.tb.Fatalf("status %d: %s", got.status, got.body)
	}
	return made.ID
}

func TestAConversationLivesFromCreationToDeletion(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	path := "/v1/conversations/" + w.create()
	steps := []struct {
		method, path, body string
		want               string
	}{
		{"GET", path, "", `"topic":"tea"`},
		{"GET", "/v1/conversations", "", `"topic":"tea"`},
		{"POST", path, `{"metadata":{"topic":"milk"}}`, `"topic":"milk"`},
		{"GET", path, "", `"topic":"milk"`},
		{"GET", path + "/items?order=asc&limit=1", "", `"has_more":true`},
		{"POST", path + "/items", `{"items":[{"role":"user","content":"three"}]}`, `"three"`},
		{"GET", path + "/items?limit=1", "", `"three"`},
		{"DELETE", path, "", `"deleted":true`},
	}
	for _, step := range steps {
		if got := w.do(step.method, step.path, step.body); got.status != http.StatusOK || !strings.Contains(got.body, step.want) {
			t.Fatalf("%s %s: status %d, want %s in %s", step.method, step.path, got.status, step.want, got.body)
		}
	}
	if got := w.do("GET", path, ""); got.status != http.StatusNotFound {
		t.Errorf("behind its deletion: %d %s", got.status, got.body)
	}
}

func TestAnItemIsReadAndForgotten(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	conversation := w.create()
	path := "/v1/conversations/" + conversation + "/items"
	var list struct {
		Data []struct{ ID string }
	}
	if err := json.Unmarshal([]byte(w.do("GET", path+"?order=asc", "").body), &list); err != nil || len(list.Data) != 2 {
		t.Fatalf("%v: %+v", err, list)
	}
	item := path + "/" + list.Data[0].ID
	if got := w.do("GET", item, ""); got.status != http.StatusOK || !strings.Contains(got.body, `"one"`) {
		t.Errorf("read: %d %s", got.status, got.body)
	}
	if got := w.do("DELETE", item, ""); got.status != http.StatusOK || !strings.Contains(got.body, `"id":"`+conversation+`"`) {
		t.Errorf("deleting it answers %d %s, want the conversation", got.status, got.body)
	}
	for _, method := range []string{"GET", "DELETE"} {
		if got := w.do(method, item, ""); got.status != http.StatusNotFound || got.errorOf(t).Code != "item_not_found" {
			t.Errorf("%s behind it: %d %s", method, got.status, got.body)
		}
	}
}

func TestAForeignConversationIsNotThere(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	path := "/v1/conversations/" + w.create()
	for _, request := range [][3]string{
		{"GET", path, ""},
		{"POST", path, `{"metadata":{}}`},
		{"DELETE", path, ""},
		{"GET", path + "/items", ""},
		{"POST", path + "/items", `{"items":[{"role":"user","content":"x"}]}`},
		{"GET", path + "/items/msg_1", ""},
		{"DELETE", path + "/items/msg_1", ""},
	} {
		got := w.do(request[0], request[1], request[2], "Authorization", "Bearer "+otherKey)
		if got.status != http.StatusNotFound || got.errorOf(t).Code != "conversation_not_found" {
			t.Errorf("%s %s: %d %s", request[0], request[1], got.status, got.body)
		}
	}
	if got := w.do("GET", "/v1/conversations", "", "Authorization", "Bearer "+otherKey); !strings.Contains(got.body, `"data":[]`) {
		t.Errorf("another tenant lists %s", got.body)
	}
}

// A database may fail at the spelling of what it is asked for, so it is not.
func TestWhatCannotBeANameIsNotLookedUp(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	created := w.create()
	w.library.failing = errors.New("invalid byte sequence")
	for path, code := range map[string]string{
		"/v1/conversations/conv_%00":                            "conversation_not_found",
		"/v1/conversations/conv%ff/items":                       "conversation_not_found",
		"/v1/conversations/" + strings.Repeat("a", 129):         "conversation_not_found",
		"/v1/conversations/a.b/items/msg_1":                     "conversation_not_found",
		"/v1/conversations/" + created + "/items/msg_%00":       "item_not_found",
		"/v1/conversations/" + created + "/items/msg%20or%20no": "item_not_found",
	} {
		for _, method := range []string{"GET", "DELETE"} {
			got := w.do(method, path, "")
			if method == "DELETE" && strings.HasSuffix(path, "/items") {
				continue // which there is not
			}
			if got.status != http.StatusNotFound || got.errorOf(t).Code != code {
				t.Errorf("%s %s: %d %s", method, path, got.status, got.body)
			}
		}
	}
}

func TestAConversationRefuses(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	path := "/v1/conversations/" + w.create()
	for name, request := range map[string][2]string{
		"metadata that is no object":     {"/v1/conversations", `{"metadata":1}`},
		"an update of nothing":           {path, `{}`},
		"no items":                       {path + "/items", `{"items":[]}`},
		"more items than a request adds": {path + "/items", `{"items":[` + strings.Repeat(`{"role":"user","content":"x"},`, 20) + `{"role":"user","content":"x"}]}`},
	} {
		if got := w.do("POST", request[0], request[1]); got.status != http.StatusBadRequest || got.errorOf(t).Type != "invalid_request_error" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

func TestModelsAreListed(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	if got := w.do("GET", "/v1/models", ""); got.status != http.StatusOK || !strings.Contains(got.body, `"openai/gpt-5"`) {
		t.Errorf("the list: %d %s", got.status, got.body)
	}
	for path, status := range map[string]int{
		"/v1/models/demo": 200, "/v1/models/openai/gpt-5": 200, "/v1/models/openai%2Fgpt-5": 200, "/v1/models/nothing": 404,
	} {
		if got := w.do("GET", path, ""); got.status != status {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}
