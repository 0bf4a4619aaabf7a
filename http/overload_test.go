package http_test

import (
	"net/http"
	"testing"
)

// What would be refused is refused before it is decoded, in the class that it asks
// for; health and what is no turn is answered all the same.
func TestRefusalComesBeforeTheBodyIsDecoded(t *testing.T) {
	t.Parallel()
	w := serve(t, nil)
	for _, path := range []string{"/v1/chat/completions", "/v1/responses"} {
		r := w.do(http.MethodPost, path, "{no JSON", "x-parley-priority", "batch", "Idempotency-Key", "k")
		if r.status != http.StatusTooManyRequests || r.errorOf(t).Code != "tenant_queue_full" || r.header.Get("Retry-After") != "2" || r.header.Get("x-should-retry") != "true" {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
		if r := w.do(http.MethodPost, path, "{no JSON", "Idempotency-Key", "k"); r.errorOf(t).Code != "invalid_json" {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
		if r := w.do(http.MethodPost, path, "{no JSON", "x-parley-priority", "soon"); r.errorOf(t).Param != "x-parley-priority" {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if r := w.do(http.MethodPost, "/v1/chat/completions", "{no JSON", "Authorization", "Bearer "+batchKey); r.status != http.StatusTooManyRequests {
		t.Errorf("the key's own class: %d %s", r.status, r.body)
	}
	if r := w.do(http.MethodPost, "/v1/chat/completions", "{no JSON", "Authorization", "Bearer "+batchKey, "x-parley-priority", "interactive"); r.errorOf(t).Code != "invalid_json" {
		t.Errorf("another class: %d %s", r.status, r.body)
	}
	for _, path := range []string{"/healthz", "/readyz", "/v1/models"} {
		if r := w.do(http.MethodGet, path, "", "x-parley-priority", "batch"); r.status != http.StatusOK {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if r := w.do(http.MethodPost, batchPath, `{"requests":[`+question+`]}`, "x-parley-priority", "batch"); r.status != http.StatusOK {
		t.Errorf("a batch: %d %s", r.status, r.body)
	}
}
