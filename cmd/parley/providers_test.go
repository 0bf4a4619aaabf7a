package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// upstream is a provider's server on this machine.
type upstream struct {
	*httptest.Server
	calls atomic.Int64
	keys  atomic.Value // the key of the last call
}

func newUpstream(t *testing.T, says string) *upstream {
	t.Helper()
	u := &upstream{}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.calls.Add(1)
		u.keys.Store(r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}]}`, says)
	}))
	t.Cleanup(u.Close)
	return u
}

// operate sends a request to the admin listener.
func (p *process) operate(method, path, body string) reply {
	p.t.Helper()
	return p.do(method, "http://"+p.admin+path, readFile(p.t, p.data+"/admin-key"), body)
}

func (p *process) wants(r reply, status int, with string) {
	p.t.Helper()
	if r.status != status || !strings.Contains(r.body, with) {
		p.t.Errorf("got %d %s, want %d with %s", r.status, r.body, status, with)
	}
}

const toMine = `{"model":"mine","messages":[{"role":"user","content":"Hello!"}]}`

func TestOperatorSetsDrainsAndTakesAwayAProvider(t *testing.T) {
	t.Parallel()
	first, second := newUpstream(t, "from the first"), newUpstream(t, "from the second")
	p := start(t, launch{env: []string{"PARLEY_PROVIDERS_ADMIN_ALLOW_LOCAL=true"}})
	set := func(u *upstream, key string) reply {
		return p.operate("PUT", "/admin/providers/own", fmt.Sprintf(
			`{"base_url":"%s/v1","api_key":%q,"models":["mine"],"connect_timeout":"10s","max_reply":"1MiB"}`, u.URL, key))
	}
	p.wants(p.ask(p.key, toMine), 404, "model_not_found")
	p.wants(set(first, "key-1"), 201, `"models":["mine"],"source":"operator","state":"closed"`)
	eventually(t, "the router to know", func() bool { return p.ask(p.key, toMine).status == http.StatusOK })
	p.wants(p.ask(p.key, toMine), 200, "from the first")
	p.wants(p.operate("POST", "/admin/providers/own/drain", ""), 200, `"drained":true`)
	p.wants(p.ask(p.key, toMine), 503, "provider_unavailable")
	p.wants(set(second, "key-2"), 200, `"drained":true`)
	p.wants(p.operate("POST", "/admin/providers/own/resume", ""), 200, `"drained":false`)
	p.wants(p.ask(p.key, toMine), 200, "from the second")
	if got := second.keys.Load(); got != "Bearer key-2" {
		t.Errorf("it was shown %v", got)
	}
	p.wants(p.operate("POST", "/admin/providers/own/trip", `{"for":"1h"}`), 200, `"state":"open","reason":"an operator tripped it"`)
	p.wants(p.ask(p.key, toMine), 503, "provider_unavailable")
	p.wants(p.operate("POST", "/admin/providers/own/reset", ""), 200, `"state":"closed"`)
	p.wants(p.ask(p.key, toMine), 200, "from the second")
	p.wants(p.operate("DELETE", "/admin/providers/own", ""), 200, `"deleted":true`)
	eventually(t, "the router to know", func() bool { return p.ask(p.key, toMine).status == http.StatusNotFound })
	if readiness := p.readiness(); readiness != http.StatusOK {
		t.Errorf("after all that it is at %d", readiness)
	}
	if log := p.log.String(); strings.Contains(log, "key-1") || !strings.Contains(log, "what=put") && !strings.Contains(log, `"what":"put"`) {
		t.Errorf("the log says:\n%s", log)
	}
	p.terminate()
}

func TestOperatorsSettingsAreLookedAt(t *testing.T) {
	t.Parallel()
	here := newUpstream(t, "from here")
	configured := []string{"PARLEY_PROVIDERS_MINE_BASE_URL=" + here.URL + "/v1", "PARLEY_PROVIDERS_MINE_MODELS=mine"}
	p := start(t, launch{env: configured})
	p.wants(p.ask(p.key, toMine), 200, "from here")
	for body, says := range map[string]string{
		`not JSON`:                         "invalid_json",
		`[]`:                               "invalid_json",
		`null`:                             "invalid_json",
		`{"base_uri":"x"}`:                 "did you mean provider.base_url?",
		`{"weight":1000}`:                  "providers.mine.weight is 1000",
		`{"kind":"gemini"}`:                `providers.mine.kind is \"gemini\"`,
		`{"stall_timeout":"soon"}`:         "stall_timeout",
		`{"api_key_file":"/etc/hostname"}`: "names a file",
		`{"ca_file":"/etc/hostname"}`:      "names a file",
		`{"base_url":"http://user:secret-word@host/v1"}`: "base_url is not an address",
	} {
		r := p.operate("PUT", "/admin/providers/mine", body)
		p.wants(r, 400, says)
		if strings.Contains(r.body, "secret-word") {
			t.Errorf("the answer repeats what is secret: %s", r.body)
		}
	}
	p.wants(p.operate("DELETE", "/admin/providers/mine", ""), 400, "is in the configuration")
	p.wants(p.ask(p.key, toMine), 200, "from here") // nothing has changed

	// The same address, which the configuration may name and an operator not.
	before := here.calls.Load()
	p.wants(p.operate("PUT", "/admin/providers/mine", `{"base_url":"`+here.URL+`/v1","models":["mine"]}`), 200, `"source":"operator"`)
	refused := p.ask(p.key, toMine)
	p.wants(refused, 502, "cannot be reached")
	if here.calls.Load() != before || strings.Contains(refused.body, "127.0.0.1") {
		t.Errorf("the server was called %d times; its client was told %s", here.calls.Load()-before, refused.body)
	}
	p.wants(p.operate("DELETE", "/admin/providers/mine", ""), 200, `"deleted":true`)
	p.wants(p.operate("GET", "/admin/providers/mine", ""), 200, `"source":"configuration"`)
	eventually(t, "the configured one to be back", func() bool { return p.ask(p.key, toMine).status == http.StatusOK })
	p.terminate()
}

func TestRedirectionsAreNotFollowed(t *testing.T) {
	t.Parallel()
	here := newUpstream(t, "from here")
	away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		http.Redirect(w, r, here.URL+"/v1/chat/completions", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(away.Close)
	p := start(t, launch{env: []string{"PARLEY_PROVIDERS_MINE_BASE_URL=" + away.URL + "/v1", "PARLEY_PROVIDERS_MINE_MODELS=mine"}})
	p.wants(p.ask(p.key, toMine), 502, "redirection")
	if here.calls.Load() != 0 {
		t.Error("it was followed")
	}
}
