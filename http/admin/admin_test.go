package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	parleyhttp "example.com/parley/http"
	"example.com/parley/http/admin"
	"example.com/parley/messages"
)

// fasthttp's caretakers sleep for up to ten seconds before they see that they are
// not needed any more, or live as long as the process.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
	)
}

const adminKey, memberKey = "pk_admin_secret", "pk_member_secret"

// office plays everything behind the listener.
type office struct {
	revoked messages.KeyID
	failed  int
	recalls bool // what it was shown lately
	victim  string

	mu    sync.Mutex
	noted []messages.AuditEntry
	away  error          // of the audit log
	by    messages.Actor // who asked for a key last
}

func (o *office) Audit(ctx context.Context, c messages.AuditChange) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.away != nil {
		return o.away
	}
	before, _ := json.Marshal(c.Before)
	after, _ := json.Marshal(c.After)
	o.noted = append(o.noted, messages.AuditEntry{
		Actor: messages.ActorOf(ctx), Action: c.Action, Object: c.Object, Tenant: c.Tenant, Before: string(before), After: string(after),
	})
	return nil
}

func (o *office) AuditEntries(_ context.Context, p messages.AuditPage) (found []messages.AuditEntry, more bool, err error) {
	return []messages.AuditEntry{{
		ID: p.After + 7, At: time.Unix(int64(p.Limit), 0), Actor: messages.Actor{Kind: messages.ActorKey, Name: "k1", Address: "192.0.2.1", Request: "r1"},
		Action: p.Action, Object: p.Object, Tenant: p.Tenant, After: `{"name":"Acme"}`,
	}}, true, nil
}

// lastNoted takes what was noted out.
func (o *office) lastNoted() (noted []messages.AuditEntry) {
	o.mu.Lock()
	defer o.mu.Unlock()
	noted, o.noted = o.noted, nil
	return noted
}

func (o *office) FailPart(name string) error {
	if name == "nobody" {
		return &messages.Failure{Code: messages.CodeItemAbsent, What: "there is no such actor"}
	}
	o.victim = name
	return nil
}

func (o *office) FailShard(of messages.ConversationRef) {
	o.victim = "shard of " + string(of.Tenant) + "/" + string(of.Conversation)
}

func (o *office) FailConversation(ref messages.ConversationRef) {
	o.victim = string(ref.Tenant) + "/" + string(ref.Conversation)
}

func (o *office) Authenticate(_ context.Context, presented string) (messages.Principal, error) {
	switch presented {
	case adminKey:
		return messages.Principal{Role: messages.KeyAdmin, Key: "admin"}, nil
	case memberKey:
		return messages.Principal{Role: messages.KeyMember, Tenant: "acme"}, nil
	default:
		return messages.Principal{}, &messages.Failure{Code: messages.CodeInvalidKey, What: "no such key"}
	}
}

func (o *office) Recall(presented string) (who messages.Principal, known bool) {
	return messages.Principal{Role: messages.KeyAdmin}, presented == adminKey && o.recalls
}

func (o *office) Allowed(string) error {
	if o.failed > 3 {
		return &messages.Failure{Code: messages.CodeTooManyTries, What: "too many"}
	}
	return nil
}
func (o *office) Failed(string) { o.failed++ }

func (o *office) CreateTenant(_ context.Context, wanted messages.Tenant) (messages.Tenant, error) {
	if wanted.Name == "" {
		return messages.Tenant{}, &messages.Failure{Code: messages.CodeInvalidRequest, What: "the name is empty", Param: "name"}
	}
	return messages.Tenant{ID: "t1", Name: wanted.Name, Created: time.Unix(7, 0), MayRoute: wanted.MayRoute}, nil
}

func (o *office) ChangeTenant(_ context.Context, id messages.TenantID, change messages.TenantChange) (messages.Tenant, error) {
	if id != "t1" {
		return messages.Tenant{}, &messages.Failure{Code: messages.CodeItemAbsent, What: "there is no such tenant"}
	}
	return change.Apply(messages.Tenant{ID: id, Name: "Acme", Created: time.Unix(7, 0)}, time.Unix(8, 0)), nil
}

func (o *office) Tenant(_ context.Context, id messages.TenantID) (messages.Tenant, error) {
	if id != "t1" {
		return messages.Tenant{}, &messages.Failure{Code: messages.CodeItemAbsent, What: "there is no such tenant"}
	}
	return messages.Tenant{ID: id, Name: "Acme", Created: time.Unix(7, 0), Disabled: time.Unix(8, 0), Allowance: messages.Allowance{Models: []string{"gpt-*"}}}, nil
}

func (o *office) key(ctx context.Context, id messages.KeyID) (messages.APIKey, error) {
	if id == "none" {
		return messages.APIKey{}, &messages.Failure{Code: messages.CodeInvalidKey, What: "there is no such key"}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.by = messages.ActorOf(ctx)
	return messages.APIKey{ID: id, Tenant: "t1", Role: messages.KeyMember, Created: time.Unix(7, 0), Used: time.Unix(9, 0)}, nil
}

func (o *office) Key(ctx context.Context, id messages.KeyID) (messages.APIKey, error) {
	return o.key(ctx, id)
}

func (o *office) ChangeKey(ctx context.Context, id messages.KeyID, change messages.KeyChange) (messages.APIKey, error) {
	key, err := o.key(ctx, id)
	return change.Apply(key, time.Now()), err
}

func (o *office) RotateKey(ctx context.Context, id messages.KeyID, oldExpires time.Time) (messages.APIKey, string, error) {
	key, err := o.key(ctx, id)
	key.OldExpires = oldExpires
	return key, "pk_k1_other", err
}

func (o *office) Tenants(context.Context) ([]messages.Tenant, error) {
	return []messages.Tenant{{ID: "t1", Name: "Acme", Created: time.Unix(7, 0)}, {ID: "t2", Name: "Rival"}}, nil
}

func (o *office) CreateKey(_ context.Context, key messages.APIKey) (messages.APIKey, string, error) {
	key.ID, key.Created = "k1", time.Unix(7, 0)
	return key, "pk_k1_whole", nil
}

func (o *office) Keys(_ context.Context, tenant messages.TenantID) ([]messages.APIKey, error) {
	return []messages.APIKey{{ID: "k1", Tenant: tenant, Role: messages.KeyMember, Revoked: time.Unix(9, 0)}}, nil
}

func (o *office) RevokeKey(_ context.Context, id messages.KeyID) error {
	if id == "none" {
		return &messages.Failure{Code: messages.CodeInvalidKey, What: "there is no such key"}
	}
	o.revoked = id
	return nil
}

func (o *office) UsageReport(_ context.Context, q messages.UsageQuery) (messages.UsageReport, error) {
	line := messages.UsageTotal{Tenant: q.Tenant, Provider: "p", Attempts: q.From.Unix(), Cost: 1500, Saved: 500}
	return messages.UsageReport{Lines: []messages.UsageTotal{line}, Sum: line}, nil
}

func serve(t *testing.T, o *office, checks ...parleyhttp.Check) (url string) {
	t.Helper()
	return serveWith(t, admin.DefaultConfig(), slog.New(slog.DiscardHandler), o, checks...)
}

func serveWith(t *testing.T, cfg admin.Config, log *slog.Logger, o *office, checks ...parleyhttp.Check) (url string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := admin.NewServer(cfg, admin.Deps{
		Keys: o, Tries: o, Administration: o, Usage: o, Audit: o, Prices: tariff{}, Erasures: shredder{}, Retentions: shredder{}, Limits: ceiling{}, Drains: &valve{}, Drill: o, Checks: checks, Gatherer: prometheus.NewRegistry(), Log: log,
		Providers: &fleet{all: map[string]*admin.Provider{
			"p":     {Name: "p", State: messages.BreakerOpen, Reason: "refused", NextProbe: time.Unix(9, 0), Limit: 40, Latency: time.Second},
			"q.1-a": {Name: "q.1-a", Kind: "openai", Ejected: time.Unix(6, 0), Outlier: "slow", Parked: []admin.Parked{{Model: "m1", Until: time.Unix(7, 0)}, {Model: "m1", Key: 2, Until: time.Unix(8, 0)}}, InFlight: 3, Models: []string{"m1"}, BaseURL: "https://q"},
		}},
	})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return "http://" + listener.Addr().String()
}

func call(t *testing.T, method, url, key, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was read to the end
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if json.Compact(&compact, text) == nil {
		return response.StatusCode, compact.String()
	}
	return response.StatusCode, string(text)
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	o := &office{}
	url := serve(t, o)
	for name, tt := range map[string]struct {
		method, path, body string
		status             int
		answer             string
	}{
		"tenants are listed": {
			"GET", "/admin/tenants", "", 200,
			`{"object":"list","data":[{"id":"t1","object":"tenant","name":"Acme","created":7,"disabled":null,"may_route":false,"models":[],"providers":[]},` +
				`{"id":"t2","object":"tenant","name":"Rival","created":-62135596800,"disabled":null,"may_route":false,"models":[],"providers":[]}],"has_more":false,"first_id":"t1","last_id":"t2"}`,
		},
		"a tenant is made":            {"POST", "/admin/tenants", `{"name":"Acme"}`, 201, `{"id":"t1","object":"tenant","name":"Acme","created":7,"disabled":null,"may_route":false,"models":[],"providers":[]}`},
		"one that may route":          {"POST", "/admin/tenants", `{"name":"Acme","may_route":true}`, 201, `"may_route":true`},
		"a tenant may route from now": {"PATCH", "/admin/tenants/t1", `{"may_route":true}`, 200, `{"id":"t1","object":"tenant","name":"Acme","created":7,"disabled":null,"may_route":true,`},
		"and not any more":            {"PATCH", "/admin/tenants/t1", `{"may_route":false}`, 200, `"may_route":false`},
		"a tenant that there is not":  {"PATCH", "/admin/tenants/t9", `{"may_route":false}`, 404, `item_not_found`},
		"a change of what is not":     {"PATCH", "/admin/tenants/t1", `{"may":true}`, 400, `invalid_json`},
		"a tenant needs a name":       {"POST", "/admin/tenants", `{}`, 400, `"param":"name"`},
		"a member that nobody knows":  {"POST", "/admin/tenants", `{"nome":"Acme"}`, 400, `nome`},
		"a body that is no JSON":      {"POST", "/admin/keys", `{`, 400, `invalid_json`},
		"a key is shown once":         {"POST", "/admin/keys", `{"tenant":"t1","role":"member","name":"laptop","expires":99}`, 201, `"expires":99,"revoked":null,"used":null,"scopes":[],"models":[],"providers":[],"old_expires":null,"key":"pk_k1_whole"`},
		"keys are listed without it":  {"GET", "/admin/keys?tenant=t1", "", 200, `[{"id":"k1","object":"key","tenant":"t1","role":"member","created":-62135596800,"expires":null,"revoked":9,"used":null,`},
		"one tenant":                  {"GET", "/admin/tenants/t1", "", 200, `"name":"Acme","created":7,"disabled":8,"may_route":false,"models":["gpt-*"]`},
		"one that there is not":       {"GET", "/admin/tenants/t9", "", 404, `item_not_found`},
		"a tenant is disabled":        {"PATCH", "/admin/tenants/t1", `{"disabled":true,"name":"Alpha"}`, 200, `"name":"Alpha","created":7,"disabled":8`},
		"a key has a class":           {"POST", "/admin/keys", `{"tenant":"t1","role":"member","class":"batch"}`, 201, `"class":"batch"`},
		"a tenant gets its models":    {"PATCH", "/admin/tenants/t1", `{"models":["gpt-*"],"providers":["p"]}`, 200, `"models":["gpt-*"],"providers":["p"]`},
		"a tenant is deleted":         {"DELETE", "/admin/tenants/t1", "", 200, `{"id":"t1","object":"tenant","deleted":true,"erasure":{"id":"erasure_1","object":"erasure","tenant":"t1","status":"completed"`},
		"no tenant is deleted":        {"DELETE", "/admin/tenants/t9", "", 404, `item_not_found`},
		"one key":                     {"GET", "/admin/keys/k1", "", 200, `{"id":"k1","object":"key","tenant":"t1","role":"member","created":7,"expires":null,"revoked":null,"used":9,`},
		"one key that is not there":   {"GET", "/admin/keys/none", "", 404, `item_not_found`},
		"a key gets its scopes":       {"PATCH", "/admin/keys/k1", `{"scopes":["usage","chat"],"role":"read-only"}`, 200, `"role":"read-only","created":7,"expires":null,"revoked":null,"used":9,"scopes":["chat","usage"]`},
		"a key that never ends":       {"PATCH", "/admin/keys/k1", `{"expires":0}`, 200, `"expires":null`},
		"a key that ends":             {"PATCH", "/admin/keys/k1", `{"expires":99}`, 200, `"expires":99`},
		"a scope that is none":        {"PATCH", "/admin/keys/k1", `{"scopes":["chats"]}`, 400, `"param":"scopes"`},
		"a new key's, too":            {"POST", "/admin/keys", `{"tenant":"t1","role":"member","scopes":["chats"]}`, 400, `give some of chat, responses`},
		"no key is changed":           {"PATCH", "/admin/keys/none", `{}`, 404, `item_not_found`},
		"a key is rotated":            {"POST", "/admin/keys/k1/rotate", `{"old_expires":99}`, 200, `"old_expires":99,"key":"pk_k1_other"`},
		"a key is rotated as usual":   {"POST", "/admin/keys/k1/rotate", "", 200, `"key":"pk_k1_other"`},
		"both ways to end the old":    {"POST", "/admin/keys/k1/rotate", `{"old_expires":99,"overlap":"1h"}`, 400, `"param":"overlap"`},
		"an overlap that is none":     {"POST", "/admin/keys/k1/rotate", `{"overlap":"long"}`, 400, `"param":"overlap"`},
		"an overlap below nothing":    {"POST", "/admin/keys/k1/rotate", `{"overlap":"-1h"}`, 400, `"param":"overlap"`},
		"no key is rotated":           {"POST", "/admin/keys/none/rotate", "", 404, `item_not_found`},
		"two objects in one body":     {"PATCH", "/admin/keys/k1", `{"name":"a"} {"name":"b"}`, 400, `invalid_json`},
		"a key is revoked":            {"DELETE", "/admin/keys/k1", "", 200, `"revoked":true`},
		"a key that is not there":     {"DELETE", "/admin/keys/none", "", 404, `item_not_found`},
		"the audit log by page": {
			"GET", "/admin/audit?after=3&limit=2&tenant=t1&action=key.create&subject=k9", "", 200,
			`{"object":"list","data":[{"id":"10","object":"audit.entry","created":2,"actor":{"kind":"key","name":"k1","address":"192.0.2.1","request":"r1"},` +
				`"action":"key.create","subject":"k9","tenant":"t1","before":null,"after":{"name":"Acme"}}],"has_more":true,"first_id":"10","last_id":"10"}`,
		},
		"the audit log in pages of 50": {"GET", "/admin/audit", "", 200, `"created":50`},
		"a page that is too long":      {"GET", "/admin/audit?limit=1001", "", 400, `"param":"limit"`},
		"a page behind no entry":       {"GET", "/admin/audit?after=k1", "", 400, `"param":"after"`},
		"usage is added up":            {"GET", "/admin/usage?tenant=t1&from=1970-01-02", "", 200, `"attempts":86400`},
		"usage of one group":           {"GET", "/admin/usage?group_by=cache_tier", "", 200, `"data":[{"object":"usage","cache_tier":"","attempts":0`},
		"usage shows what was saved": {
			"GET", "/admin/usage?group_by=none", "", 200,
			`"cost_without_cache_nano_dollars":2000,"cost_nano_dollars":1500,"saved_nano_dollars":500,"cost_without_cache_micro_dollars":2,"cost_micro_dollars":2,"saved_micro_dollars":1,"saved_percent":25}],"has_more":false`,
		},
		"usage as a table":             {"GET", "/admin/usage?tenant=t1&format=csv", "", 200, "tenant,provider,model,attempts,"},
		"usage of no group":            {"GET", "/admin/usage?group_by=colour", "", 400, `"param":"group_by"`},
		"usage of no time":             {"GET", "/admin/usage?from=2030-01-02&to=2030-01-01", "", 400, `"param":"to"`},
		"usage in no format":           {"GET", "/admin/usage?format=xml", "", 400, `"param":"format"`},
		"usage of no lines":            {"GET", "/admin/usage?limit=0", "", 400, `"param":"limit"`},
		"usage from no moment":         {"GET", "/admin/usage?from=yesterday", "", 400, `"param":"from"`},
		"providers show their breaker": {"GET", "/admin/providers", "", 200, `"state":"open","reason":"refused","next_probe":9,"drained":false,"ejected":null,"parked":[],"in_flight":0,"limit":40,"latency_ms":1000`},
		"providers show what is parked": {
			"GET", "/admin/providers/q.1-a", "", 200,
			`{"name":"q.1-a","object":"provider","kind":"openai","base_url":"https://q","models":["m1"],"source":"configuration","state":"closed","next_probe":null,"drained":false,` +
				`"ejected":{"reason":"slow","until":6},"parked":[{"model":"m1","until":7},{"model":"m1","key":2,"until":8}],"in_flight":3,"limit":null,"latency_ms":0}`,
		},
		"a provider that is not there":  {"GET", "/admin/providers/none", "", 404, `"param":"name"`},
		"one to drain that is not":      {"POST", "/admin/providers/none/drain", "", 404, `item_not_found`},
		"a trip for no duration":        {"POST", "/admin/providers/p/trip", `{"for":"long"}`, 400, `"param":"for"`},
		"a trip for less than nothing":  {"POST", "/admin/providers/p/trip", `{"for":"-5m"}`, 400, `"param":"for"`},
		"a trip with another member":    {"POST", "/admin/providers/p/trip", `{"until":5}`, 400, `invalid_json`},
		"a provider that does not hear": {"POST", "/admin/providers/q.1-a/reset", "", 503, `overloaded`},
		"a route that is not there":     {"GET", "/admin/none", "", 404, `route_not_found`},
		"a method that it lacks":        {"PUT", "/admin/tenants", "", 405, `method_not_allowed`},
		"a body that is too large":      {"POST", "/admin/tenants", `{"name":"` + strings.Repeat("a", 4<<20) + `"}`, 413, `request_too_large`},
		"metrics are open on loopback":  {"GET", "/metrics", "", 200, ``},
		"profiles are open on loopback": {"GET", "/debug/pprof/cmdline", "", 200, ``},
		"it lives":                      {"GET", "/healthz", "", 200, `ok`},
		"it is ready":                   {"GET", "/readyz", "", 200, `ready`},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := call(t, tt.method, url+tt.path, adminKey, tt.body)
			if status != tt.status || !strings.Contains(answer, tt.answer) {
				t.Errorf("got %d %s, want %d with %s", status, answer, tt.status, tt.answer)
			}
		})
	}
	if o.revoked != "k1" {
		t.Errorf("revoked %q", o.revoked)
	}
}

func TestDrillsNameWhatFails(t *testing.T) {
	t.Parallel()
	o := &office{}
	url := serve(t, o)
	for _, tt := range []struct {
		body   string
		status int
		answer string
		victim string
	}{
		{`{"actor":"router"}`, 200, `"actor":"router","failed":true`, "router"},
		{`{"actor":"nobody"}`, 404, `item_not_found`, ""},
		{`{"actor":"shard","tenant":"t1","conversation":"conv_1"}`, 200, `"failed":true`, "shard of t1/conv_1"},
		{`{"actor":"conversation","tenant":"t1","conversation":"conv_1"}`, 200, `"failed":true`, "t1/conv_1"},
		{`{"actor":"conversation","conversation":"conv_1"}`, 400, `"param":"conversation"`, ""},
		{`{"actor":"shard","tenant":"t1"}`, 400, `give tenant and conversation`, ""},
		{`{"part":"router"}`, 400, `invalid_json`, ""},
	} {
		o.victim = ""
		status, answer := call(t, "POST", url+"/admin/drill", adminKey, tt.body)
		if status != tt.status || !strings.Contains(answer, tt.answer) || o.victim != tt.victim {
			t.Errorf("%s: got %d %s and %q failed, want %d with %s and %q", tt.body, status, answer, o.victim, tt.status, tt.answer, tt.victim)
		}
	}
}

func TestProvidersDoAsTheyAreTold(t *testing.T) {
	t.Parallel()
	logged := make(lines, 16)
	url := serveWith(t, admin.DefaultConfig(), slog.New(slog.NewTextHandler(logged, nil)), &office{})
	for _, tt := range []struct{ what, body, answer string }{
		{"drain", "", `"state":"open","reason":"refused","next_probe":9,"drained":true`},
		{"resume", "", `"drained":false`},
		{"reset", "", `"state":"closed","next_probe":null`},
		{"trip", "", `"state":"open","reason":"tripped","next_probe":null`},
		{"trip", `{"for":"1m30s"}`, `"state":"open","reason":"tripped","next_probe":90`},
		{"trip", `{}`, `"next_probe":null`},
	} {
		status, answer := call(t, "POST", url+"/admin/providers/p/"+tt.what, adminKey, tt.body)
		if status != 200 || !strings.Contains(answer, tt.answer) {
			t.Errorf("%s %s: got %d %s, want %s", tt.what, tt.body, status, answer, tt.answer)
		}
		if line := <-logged; !strings.Contains(line, "provider=p what="+tt.what) {
			t.Errorf("logged: %s", line)
		}
		if _, shown := call(t, "GET", url+"/admin/providers/p", adminKey, ""); shown != answer {
			t.Errorf("%s: answered %s, then shown %s", tt.what, answer, shown)
		}
	}
}

func TestProvidersAreSetAndTakenAway(t *testing.T) {
	t.Parallel()
	logged := make(lines, 16)
	url := serveWith(t, admin.DefaultConfig(), slog.New(slog.NewTextHandler(logged, nil)), &office{})
	for _, tt := range []struct {
		method, name, body string
		status             int
		answer             string
	}{
		{"PUT", "new", `{"api_key":"secret"}`, 201, `{"name":"new","object":"provider","kind":"","models":[],"source":"operator","state":"closed"`},
		{"PUT", "new", `{"api_key":"secret"}`, 200, `"source":"operator"`},
		{"PUT", "new", `{"fault":1}`, 400, `"param":"fault"`},
		{"DELETE", "new", "", 200, `{"deleted":true,"name":"new","object":"provider"}`},
		{"DELETE", "new", "", 404, `item_not_found`},
		{"DELETE", "p", "", 400, `invalid_request`},
	} {
		status, answer := call(t, tt.method, url+"/admin/providers/"+tt.name, adminKey, tt.body)
		if status != tt.status || !strings.Contains(answer, tt.answer) || strings.Contains(answer, "secret") {
			t.Errorf("%s %s: got %d %s, want %d with %s", tt.method, tt.name, status, answer, tt.status, tt.answer)
		}
		if status < 300 {
			if line := <-logged; !strings.Contains(line, "provider=new what="+strings.ToLower(tt.method)) || strings.Contains(line, "secret") {
				t.Errorf("logged: %s", line)
			}
		}
	}
}

func TestOnlyAdminKeysOpenIt(t *testing.T) {
	t.Parallel()
	url := serve(t, &office{})
	for _, path := range []string{"/admin/tenants", "/admin/keys", "/admin/usage", "/admin/providers", "/admin/providers/p"} {
		for key, want := range map[string]int{"": 401, memberKey: 403, adminKey: 200} {
			if status, answer := call(t, "GET", url+path, key, ""); status != want {
				t.Errorf("%s with %q: %d %s, want %d", path, key, status, answer, want)
			}
		}
	}
	for _, what := range []string{"drain", "resume", "trip", "reset"} {
		for key, want := range map[string]int{"": 401, memberKey: 403, adminKey: 200} {
			if status, answer := call(t, "POST", url+"/admin/providers/p/"+what, key, ""); status != want {
				t.Errorf("%s with %q: %d %s, want %d", what, key, status, answer, want)
			}
		}
	}
}

func TestWrongKeysAreCounted(t *testing.T) {
	t.Parallel()
	url := serve(t, &office{})
	for _, want := range []int{401, 401, 401, 401, 429} {
		if status, _ := call(t, "GET", url+"/admin/keys", "pk_x_y", ""); status != want {
			t.Errorf("got %d, want %d", status, want)
		}
	}
}

func TestServerThatIsStoppedAtOnceStops(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	server := admin.NewServer(admin.DefaultConfig(), admin.Deps{Gatherer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	if err := server.Run(ctx, listener); err != nil {
		t.Error(err)
	}
}

func TestServerThatIsNotReadySaysWhy(t *testing.T) {
	t.Parallel()
	away := parleyhttp.Check{Name: "the store", Probe: func(context.Context) error { return io.ErrUnexpectedEOF }}
	url := serve(t, &office{}, away)
	if status, answer := call(t, "GET", url+"/readyz", "", ""); status != 503 || !strings.Contains(answer, "there is a fault in the store") {
		t.Errorf("got %d %s", status, answer)
	}
}

func TestDocsListWhatThereIs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "\n## The operators' listener\n")
	if !found {
		t.Fatal("docs/api.md says nothing of this listener")
	}
	url := serve(t, &office{})
	rows := 0
	for line := range strings.Lines(section) {
		fields := strings.Split(line, "|")
		if len(fields) < 4 || !strings.HasPrefix(fields[2], " `/") {
			continue
		}
		rows++
		method, path := strings.TrimSpace(fields[1]), strings.Trim(fields[2], " `")
		status, answer := call(t, method, url+strings.NewReplacer("{id}", "k1", "{name}", "p").Replace(path), adminKey, "{}")
		if strings.Contains(answer, "route_not_found") || strings.Contains(answer, "method_not_allowed") {
			t.Errorf("%s %s is not there: %d %s", method, path, status, answer)
		}
	}
	if rows < 18 {
		t.Errorf("docs/api.md lists %d routes", rows)
	}
}

func TestMetricsAskForAKeyBeyondLoopback(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cfg  admin.Config
		key  string
		want int
	}{
		"on loopback":             {admin.Config{Listen: "127.0.0.1:8081"}, "", 200},
		"on loopback's name":      {admin.Config{Listen: "localhost:8081"}, "", 200},
		"on all addresses":        {admin.Config{Listen: ":8081"}, "", 401},
		"to a tenant":             {admin.Config{Listen: "0.0.0.0:8081"}, memberKey, 403},
		"to an operator":          {admin.Config{Listen: "0.0.0.0:8081"}, adminKey, 200},
		"where they were opened":  {admin.Config{Listen: "0.0.0.0:8081", OpenMetrics: true}, "", 200},
		"on an address of a name": {admin.Config{Listen: "parley.internal:8081"}, "", 401},
	} {
		t.Run(name, func(t *testing.T) {
			url := serveWith(t, test.cfg, slog.New(slog.DiscardHandler), &office{})
			for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/cmdline"} {
				if status, answer := call(t, "GET", url+path, test.key, ""); status != test.want {
					t.Errorf("%s: %d %s, want %d", path, status, answer, test.want)
				}
			}
		})
	}
}

func TestAKeyMayComeAsXAPIKey(t *testing.T) {
	t.Parallel()
	request, err := http.NewRequestWithContext(t.Context(), "GET", serve(t, &office{})+"/admin/tenants", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("x-api-key", adminKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK || len(response.Header.Get("X-Request-Id")) != 32 {
		t.Errorf("status %d, x-request-id %q", response.StatusCode, response.Header.Get("X-Request-Id"))
	}
}

// lines is a log that is read line by line.
type lines chan string

func (l lines) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

// What a cause says is for the log alone, under the id that the answer has.
func TestTheLogHasTheCauseAndTheAnswerHasNot(t *testing.T) {
	t.Parallel()
	logged := make(lines, 16)
	away := parleyhttp.Check{Name: "the store", Probe: func(context.Context) error { return errors.New("the-cause") }}
	url := serveWith(t, admin.DefaultConfig(), slog.New(slog.NewTextHandler(logged, nil)), &office{}, away)
	status, answer := call(t, "GET", url+"/readyz", "", "")
	if status != 503 || strings.Contains(answer, "the-cause") {
		t.Errorf("got %d %s", status, answer)
	}
	if line := <-logged; !strings.Contains(line, "the-cause") || !strings.Contains(line, "request=0") {
		t.Errorf("logged: %s", line)
	}
}

func TestWrongKeysKeepNobodyOutWhoIsKnown(t *testing.T) {
	t.Parallel()
	o := &office{failed: 9}
	url := serve(t, o)
	if status, answer := call(t, "GET", url+"/admin/tenants", adminKey, ""); status != 429 {
		t.Errorf("a key that was not seen lately: %d %s", status, answer)
	}
	o.recalls = true
	if status, answer := call(t, "GET", url+"/admin/tenants", adminKey, ""); status != 200 {
		t.Errorf("a key that was: %d %s", status, answer)
	}
	if status, answer := call(t, "GET", url+"/admin/tenants", memberKey, ""); status != 429 {
		t.Errorf("a member's: %d %s", status, answer)
	}
}
