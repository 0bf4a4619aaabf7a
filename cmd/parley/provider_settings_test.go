package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"

	"example.com/parley/bench/upstream/fake"
)

// configured starts a server with a configuration file.
func configured(t *testing.T, text string) *process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "parley.yaml")
	writeFile(t, file, text)
	return start(t, launch{arguments: []string{"--config", file}})
}

// serves is who answers to the model m.
func (p *process) serves(stream bool) string {
	p.t.Helper()
	response := p.open(p.key, fmt.Sprintf(`{"model":"m","stream":%t,"messages":[{"role":"user","content":"Hello!"}]}`, stream))
	defer response.Body.Close() //nolint:errcheck // its head is enough
	return response.Header.Get("x-parley-provider")
}

// A first provider that is a minute late is what both of these are for.
func TestLateProvidersAreLeftEarly(t *testing.T) {
	t.Parallel()
	upstream := fake.ForTest(t, fake.Config{})
	const late = "fake-delay-60s"
	for name, settings := range map[string]struct{ late, conversation string }{
		"a second is asked beside it":     {"", "conversation: {hedge_after: 20ms}\n"},
		"its model's time-out has passed": {", model_timeouts: {" + late + ": {first_byte_timeout: 50ms, reply_timeout: 50ms}}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := configured(t, settings.conversation+fmt.Sprintf(
				"providers:\n  late: {base_url: %q, api_key: k%s}\n  prompt: {base_url: %q, api_key: k}\nmodels:\n  m: [late/%s, prompt/fake]\n  usual: [prompt/fake, prompt/other]\n",
				upstream.URL(), settings.late, upstream.URL(), late))
			for range 50 { // of twenty calls one may be made twice
				p.wants(p.ask(p.key, `{"model":"usual","messages":[{"role":"user","content":"Hello!"}]}`), 200, "")
			}
			for _, stream := range []bool{true, false} {
				if got := p.serves(stream); got != "prompt" {
					t.Errorf("stream %t: served by %q", stream, got)
				}
				eventually(t, "the late call to be given up", func() bool {
					return p.operate("GET", "/admin/providers/late", "").has(`"in_flight":0`)
				})
				p.wants(p.operate("POST", "/admin/providers/late/reset", ""), 200, `"state":"closed"`)
			}
		})
	}
}

func TestLimitedKeyIsLeftForAnother(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	calls := make(map[string]int)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Authorization")
		mu.Lock()
		calls[key]++
		mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		if key == "Bearer first" {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = fmt.Fprint(w, `{"error":{"message":"slow down","type":"rate_limit_error","code":"rate_limit_exceeded"}}`)
			return
		}
		_, _ = fmt.Fprint(w, `{"id":"c","object":"chat.completion","model":"x","choices":[{"index":0,"message":{"role":"assistant","content":"Hi."},"finish_reason":"stop"}]}`)
	}))
	t.Cleanup(upstream.Close)
	p := configured(t, fmt.Sprintf("providers:\n  own: {base_url: %q, api_keys: [first, second]}\nmodels:\n  m: [own/x]\n", upstream.URL+"/v1"))
	const requests = 6
	for range requests {
		p.wants(p.ask(p.key, `{"model":"m","messages":[{"role":"user","content":"Hello!"}]}`), 200, "Hi.")
	}
	p.wants(p.operate("GET", "/admin/providers/own", ""), 200, `"parked":[{"model":"x","key":1,"until":`)
	mu.Lock()
	defer mu.Unlock()
	if calls["Bearer first"] != 1 || calls["Bearer second"] != requests {
		t.Errorf("calls by key: %v", calls)
	}
}
