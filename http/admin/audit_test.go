package admin_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"example.com/parley/http/admin"
	"example.com/parley/messages"
)

// What no store has a part in is written down by the listener.
func TestChangesOfProvidersAndDrillsAreWrittenDown(t *testing.T) {
	t.Parallel()
	o := &office{}
	url := serve(t, o)
	for _, tt := range []struct {
		method, path, body string
		status             int
		action, object     string // empty for nothing written
		before, after      string
	}{
		{"POST", "/admin/providers/p/drain", "", 200, "provider.drain", "p", `"drained":false`, `"drained":true`},
		{"POST", "/admin/providers/p/resume", "", 200, "provider.resume", "p", `"drained":true`, `"drained":false`},
		{"POST", "/admin/providers/p/trip", `{"for":"5m"}`, 200, "provider.trip", "p", `"state":"open"`, `"state":"open"`},
		{"POST", "/admin/providers/p/reset", "", 200, "provider.reset", "p", `"state":"open"`, `"state":"closed"`},
		{"PUT", "/admin/providers/new", `{"api_key":"canary"}`, 201, "provider.put", "new", `null`, `"source":"operator"`},
		{"DELETE", "/admin/providers/new", "", 200, "provider.delete", "new", `"source":"operator"`, `null`},
		{"POST", "/admin/drill", `{"actor":"router"}`, 200, "drill", "router", `null`, `{}`},
		{"POST", "/admin/drill", `{"actor":"shard","tenant":"t1","conversation":"conv_1"}`, 200, "drill", "shard", `null`, `{"conversation":"conv_1"}`},
		{"POST", "/admin/drill", `{"actor":"nobody"}`, 404, "", "", "", ""},
		{"PUT", "/admin/providers/new", `{"fault":1}`, 400, "", "", "", ""},
		{"POST", "/admin/providers/none/drain", "", 404, "", "", "", ""},
		{"POST", "/admin/providers/q.1-a/reset", "", 503, "", "", "", ""},
		{"GET", "/admin/providers", "", 200, "", "", "", ""},
	} {
		status, answer := call(t, tt.method, url+tt.path, adminKey, tt.body)
		if status != tt.status {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, status, answer)
		}
		noted := o.lastNoted()
		if tt.action == "" {
			if len(noted) > 0 {
				t.Errorf("%s %s came to nothing, and is in the log: %+v", tt.method, tt.path, noted)
			}
			continue
		}
		if len(noted) != 1 {
			t.Errorf("%s %s: %d entries", tt.method, tt.path, len(noted))
			continue
		}
		e := noted[0]
		if e.Action != tt.action || e.Object != tt.object || !strings.Contains(e.Before, tt.before) || !strings.Contains(e.After, tt.after) || strings.Contains(e.Before+e.After, "canary") {
			t.Errorf("%s %s: %+v", tt.method, tt.path, e)
		}
		if by := e.Actor; by.Kind != messages.ActorKey || by.Name != "admin" || by.Address != "127.0.0.1" || len(by.Request) != 32 {
			t.Errorf("%s %s: by %+v", tt.method, tt.path, by)
		}
	}
}

// A provider can be drained while the database is away; then the log tells of it.
func TestChangeThatCannotBeWrittenDownIsLogged(t *testing.T) {
	t.Parallel()
	logged := make(lines, 16)
	o := &office{away: errors.New("connection refused")}
	url := serveWith(t, admin.DefaultConfig(), slog.New(slog.NewTextHandler(logged, nil)), o)
	if status, answer := call(t, "POST", url+"/admin/providers/p/drain", adminKey, ""); status != 200 || !strings.Contains(answer, `"drained":true`) {
		t.Errorf("got %d %s", status, answer)
	}
	line := <-logged
	for _, want := range []string{"level=ERROR", "action=provider.drain", "object=p", "key=admin", "address=127.0.0.1"} {
		if !strings.Contains(line, want) {
			t.Errorf("logged without %s: %s", want, line)
		}
	}
}
