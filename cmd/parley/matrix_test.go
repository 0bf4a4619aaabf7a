package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// canary is what the one tenant said, and the other must never see.
const canary = "canary-of-the-first"

// routeLine is a line of the running server's own table.
type routeLine struct {
	Listener string   `json:"listener"`
	Method   string   `json:"method"`
	Path     string   `json:"path"`
	Opens    []string `json:"opens"`
	Scopes   []string `json:"scopes"`
}

func (r routeLine) name() string { return r.Method + " " + r.Path }

// holder is somebody who comes with a key.
type holder struct {
	name   string
	key    string
	role   string // empty for one who opens nothing
	rival  bool   // of the other tenant
	scopes []string
	status int // of one who opens nothing
}

// matrix is a server with two tenants, keys of every role, and something of the
// first tenant under every id.
type matrix struct {
	*process
	routes  []routeLine
	ids     map[string]string // by the beginning of a path
	bodies  map[string]string // by route
	holders []holder
}

// Every route of the server's own table, for keys of both tenants and every role.
func TestEveryRouteForEveryTenantAndRole(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	if len(m.routes) < 50 {
		t.Fatalf("the server has only %d routes", len(m.routes))
	}
	for _, r := range m.routes {
		if strings.HasPrefix(r.Path, "/v1/") && !strings.HasPrefix(r.Path, "/v1/models") && len(r.Scopes) == 0 {
			t.Errorf("%s names no scope: any key of a tenant opens it", r.name())
		}
		for _, h := range m.holders {
			if ends := r.Path == "/admin/drain" && h.role == "admin"; !ends && (h.role != "member" || h.rival || len(h.scopes) > 0) {
				m.check(r, h)
			}
		}
	}
	m.checkNamedInBodies()
	m.checkOwn()
}

// newMatrix starts the server and gives its first tenant something to lose.
func newMatrix(t *testing.T) *matrix {
	t.Helper()
	m := &matrix{process: start(t, launch{env: []string{"PARLEY_KEYS_MAX_TRIES=0", "PARLEY_HTTP_SESSIONS_ORIGINS=https://app.example", "PARLEY_CACHE_ENABLED=true"}})}
	var list struct{ Data []routeLine }
	m.into(m.operate(http.MethodGet, "/admin/routes", ""), &list)
	m.routes = list.Data
	m.addHolders()
	m.addThings()
	return m
}

func (m *matrix) into(r reply, v any) {
	m.t.Helper()
	if r.status >= http.StatusBadRequest {
		m.t.Fatalf("got %d %s", r.status, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		m.t.Fatalf("%v: %s", err, r.body)
	}
}

// make makes a key, or a tenant, and returns its id and the key.
func (m *matrix) make(path, body string) (id, key string) {
	m.t.Helper()
	var made struct{ ID, Key string }
	m.into(m.operate(http.MethodPost, path, body), &made)
	return made.ID, made.Key
}

func (m *matrix) addHolders() {
	m.t.Helper()
	rival, _ := m.make("/admin/tenants", `{"name":"rival"}`)
	disabled, _ := m.make("/admin/tenants", `{"name":"disabled"}`)
	keyOf := func(tenant, role, more string) string {
		_, key := m.make("/admin/keys", fmt.Sprintf(`{"tenant":%q,"role":%q%s}`, tenant, role, more))
		return key
	}
	revokedID, revoked := m.make("/admin/keys", `{"tenant":"tenant_first","role":"member"}`)
	off := keyOf(disabled, "member", "")
	m.operate(http.MethodDelete, "/admin/keys/"+revokedID, "")
	m.operate(http.MethodPatch, "/admin/tenants/"+disabled, `{"disabled":true}`)
	expired := keyOf("tenant_first", "member", fmt.Sprintf(`,"expires":%d`, time.Now().Add(2*time.Second).Unix()))
	m.holders = []holder{
		{name: "nobody", status: http.StatusUnauthorized},
		{name: "a wrong key", key: "pk_0123456789abcdef_0123", status: http.StatusUnauthorized},
		{name: "a wrong secret", key: m.key + "0", status: http.StatusUnauthorized},
		{name: "a revoked key", key: revoked, status: http.StatusUnauthorized},
		{name: "an expired key", key: expired, status: http.StatusUnauthorized},
		{name: "a disabled tenant's", key: off, status: http.StatusForbidden},
		{name: "an admin", key: strings.TrimSpace(readFile(m.t, m.data+"/admin-key")), role: "admin"},
		{name: "a reader", key: keyOf("tenant_first", "read-only", ""), role: "read-only"},
		{name: "the other tenant's member", key: keyOf(rival, "member", ""), role: "member", rival: true},
		{name: "the other tenant's reader", key: keyOf(rival, "read-only", ""), role: "read-only", rival: true},
		{name: "a member", key: m.key, role: "member"},
	}
	for _, scope := range []string{"chat", "responses", "conversations", "embeddings", "cache", "usage"} {
		key := keyOf("tenant_first", "read-only", fmt.Sprintf(`,"scopes":[%q]`, scope))
		m.holders = append(m.holders, holder{name: "a reader of " + scope, key: key, role: "read-only", scopes: []string{scope}})
	}
	eventually(m.t, "the keys to be as they are", func() bool {
		return m.get("/v1/models", revoked).status == http.StatusUnauthorized && m.get("/v1/models", expired).status == http.StatusUnauthorized &&
			m.get("/v1/models", off).status == http.StatusForbidden
	})
}

// addThings makes something of the first tenant's for every id that there is.
func (m *matrix) addThings() {
	m.t.Helper()
	const chat = `{"model":"simulated/chat","messages":[{"role":"user","content":"` + canary + `"}]}`
	made := func(path, body string) string {
		m.t.Helper()
		var thing struct{ ID string }
		m.into(m.post(path, m.key, body), &thing)
		return thing.ID
	}
	conversation := made("/v1/conversations", `{"metadata":{"a":"`+canary+`"},"items":[{"type":"message","role":"user","content":"`+canary+`"}]}`)
	var items struct{ Data []struct{ ID string } }
	m.into(m.get("/v1/conversations/"+conversation+"/items", m.key), &items)
	_, header, _ := m.asks("/v1/chat/completions", chat)
	for range 50 { // the cache learns behind the answer
		if header.Get("x-parley-cache-entry") != "" {
			break
		}
		time.Sleep(20 * time.Millisecond)
		_, header, _ = m.asks("/v1/chat/completions", chat)
	}
	m.ids = map[string]string{
		"/v1/responses/":              made("/v1/responses", `{"model":"simulated/chat","input":"`+canary+`"}`),
		"/v1/conversations/":          conversation,
		"item":                        items.Data[0].ID,
		"/v1/cache/entries/":          header.Get("x-parley-cache-entry"),
		"/v1/cache/warm/":             made("/v1/cache/warm", `{"model":"simulated/chat","prompts":["`+canary+` again"]}`),
		"/v1/chat/completions/batch/": made("/v1/chat/completions/batch", `{"async":true,"requests":[`+chat+`]}`),
		"/v1/models/":                 "simulated/chat",
	}
	m.bodies = map[string]string{
		"POST /v1/chat/completions":         chat,
		"POST /v1/chat/completions/batch":   `{"requests":[` + chat + `]}`,
		"POST /v1/responses":                `{"model":"simulated/chat","input":"hi"}`,
		"POST /v1/conversations/{id}":       `{"metadata":{"b":"c"}}`,
		"POST /v1/conversations/{id}/items": `{"items":[{"type":"message","role":"user","content":"more"}]}`,
		"POST /v1/realtime-tickets":         `{"origin":"https://app.example"}`,
		"POST /v1/embeddings":               `{"model":"parley-embedding","input":"hello"}`,
		"POST /v1/cache/warm":               `{"model":"simulated/chat","prompts":["something else"]}`,
	}
	for place, id := range m.ids {
		if id == "" {
			m.t.Fatalf("there is nothing under %s", place)
		}
	}
}

// names tells whether a route names a thing of a tenant's.
func (r routeLine) names() bool {
	return strings.Contains(r.Path, "{") && !strings.HasPrefix(r.Path, "/v1/models/")
}

func (m *matrix) send(r routeLine, key string) reply {
	m.t.Helper()
	path := r.Path
	for beginning, id := range m.ids {
		if strings.HasPrefix(path, beginning) {
			path = strings.NewReplacer("{id...}", id, "{id}", id, "{item}", m.ids["item"]).Replace(path)
		}
	}
	path = strings.NewReplacer("{id}", "none", "{name}", "none", "{model}", "none").Replace(path) // of a route that came later, too
	at := m.url
	if r.Listener == "operators" {
		at = "http://" + m.admin
	}
	return m.do(r.Method, at+path, key, cmp.Or(m.bodies[r.name()], "{}"))
}

// check sends a request to the route, and wants the answer that the table says.
func (m *matrix) check(r routeLine, h holder) {
	m.t.Helper()
	got, want := m.send(r, h.key), m.want(r, h)
	switch {
	case want != 0 && got.status != want:
		m.t.Errorf("%s by %s: %d %s, want %d", r.name(), h.name, got.status, got.body, want)
	case want == 0 && (got.status == http.StatusUnauthorized || got.status == http.StatusForbidden || got.status >= http.StatusInternalServerError || strings.Contains(got.body, "route_not_found")):
		m.t.Errorf("%s by %s: %d %s", r.name(), h.name, got.status, got.body)
	}
	if (h.rival || h.role == "" || h.role == "admin") && r.Listener == "clients" && m.leaks(r, got) {
		m.t.Errorf("%s by %s shows what is the first tenant's: %s", r.name(), h.name, got.body)
	}
}

// want is the status that the table says; 0 for any that opens.
func (m *matrix) want(r routeLine, h holder) int {
	switch {
	case len(r.Opens) == 0:
		return 0
	case h.role == "" && (h.status == http.StatusUnauthorized || r.Listener == "clients"):
		return h.status
	case !slices.Contains(r.Opens, h.role):
		return http.StatusForbidden
	case r.name() == "GET /v1/responses" && h.role == "read-only": // the handshake of a session, which is for turns
		return http.StatusForbidden
	case len(h.scopes) > 0 && slices.ContainsFunc(r.Scopes, func(s string) bool { return !slices.Contains(h.scopes, s) }):
		return http.StatusForbidden
	case h.rival && r.names():
		return http.StatusNotFound
	default:
		return 0
	}
}

// leaks tells whether an answer has something of the first tenant's. What the
// asker has just said itself is none.
func (m *matrix) leaks(r routeLine, got reply) bool {
	if m.bodies[r.name()] == "" && strings.Contains(got.body, canary) {
		return true
	}
	for place, id := range m.ids {
		if place != "/v1/models/" && place != "item" && !r.names() && strings.Contains(got.body, id) {
			return true
		}
	}
	return false
}

// checkNamedInBodies names the first tenant's things where no path does.
func (m *matrix) checkNamedInBodies() {
	m.t.Helper()
	for _, h := range m.holders {
		if !h.rival || h.role != "member" {
			continue
		}
		for _, body := range []string{
			`{"model":"simulated/chat","input":"hi","conversation":"` + m.ids["/v1/conversations/"] + `"}`,
			`{"model":"simulated/chat","input":"hi","previous_response_id":"` + m.ids["/v1/responses/"] + `"}`,
		} {
			if got := m.post("/v1/responses", h.key, body); got.status != http.StatusNotFound || strings.Contains(got.body, canary) {
				m.t.Errorf("%s: %d %s", body, got.status, got.body)
			}
		}
		status, _, said := m.asks("/v1/chat/completions", m.bodies["POST /v1/chat/completions"], "Authorization", "Bearer "+h.key, "x-parley-conversation", m.ids["/v1/conversations/"])
		if status != http.StatusNotFound {
			m.t.Errorf("x-parley-conversation: %d %s", status, said)
		}
	}
}

// checkOwn wants everything to be there still for whom it belongs to, and then
// takes it away: what is in something before that.
func (m *matrix) checkOwn() {
	m.t.Helper()
	own := slices.DeleteFunc(slices.Clone(m.routes), func(r routeLine) bool { return r.Listener != "clients" })
	slices.SortStableFunc(own, func(a, b routeLine) int {
		last := func(r routeLine) int {
			if r.Method == http.MethodDelete {
				return 1
			}
			return 0
		}
		return cmp.Or(cmp.Compare(last(a), last(b)), cmp.Compare(len(b.Path), len(a.Path)))
	})
	for _, r := range own {
		got := m.send(r, m.key)
		if r.name() == "GET /v1/responses" && got.status == http.StatusUpgradeRequired { // it opens, to a WebSocket
			continue
		}
		if got.status >= http.StatusMultipleChoices {
			m.t.Errorf("%s by its owner: %d %s", r.name(), got.status, got.body)
		}
	}
}
