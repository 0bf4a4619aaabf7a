package main

import (
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Whichever endpoint a turn comes by, it counts once, and its client reads what is
// left.
func TestTurnsCountWhicheverWayTheyCome(t *testing.T) {
	t.Parallel()
	p := configured(t, "demo: true\nlimits: {tenant: {requests_per_minute: 6, tokens_per_minute: 100000}}\n")
	begun, left := time.Now(), 6
	for path, bodies := range map[string][]string{
		"/v1/chat/completions": {hello, `{"model":"x","stream":true,"messages":[{"role":"user","content":"Hi!"}]}`},
		"/v1/responses":        {`{"model":"x","input":"Hi!"}`},
		"/v1/embeddings":       {`{"model":"parley-embedding","input":"Hi!"}`},
	} {
		for _, body := range bodies {
			status, header, said := p.asks(path, body)
			left--
			got, err := strconv.Atoi(header.Get("x-ratelimit-remaining-requests"))
			came := int(time.Since(begun) / (10 * time.Second)) // on a machine that is that slow
			if status != http.StatusOK || err != nil || got < left || got > left+came || header.Get("x-ratelimit-limit-tokens") != "100000" {
				t.Errorf("%s: %d %s, with %d (%v) left, want %d", path, status, said, got, err, left)
			}
		}
	}
	batch := p.post(batchPath, p.key, batchOf(2, "x"))
	if !batch.has(`"completed":2`) {
		t.Errorf("the batch comes to %.300s", batch.body)
	}
	for range 10 {
		status, header, said := p.asks("/v1/chat/completions", hello)
		if status == http.StatusOK {
			continue
		}
		if status != http.StatusTooManyRequests || !strings.Contains(said, "rate_limit_exceeded") || header.Get("Retry-After") == "" || header.Get("x-should-retry") != "true" {
			t.Errorf("one too many: %d %v %s", status, header, said)
		}
		return
	}
	t.Error("nothing is refused")
}

var limitKeyID = regexp.MustCompile(`pk_([0-9a-f]+)_`)

// What operators set comes before the configuration, at once or nearly so, and goes
// with them when they clear it.
func TestLimitsOfOperatorsHoldWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	p := configured(t, "demo: true\nlimits: {tenant: {requests_per_minute: 100000}}\n")
	run := func(arguments ...string) string {
		t.Helper()
		out, err := runBinary(t, nil, append(arguments, "--data", p.data)...)
		if err != nil {
			t.Fatalf("%v: %v\n%s", arguments, err, out)
		}
		return out
	}
	limitOf := func() string {
		_, header, _ := p.asks("/v1/chat/completions", hello)
		return header.Get("x-ratelimit-limit-requests")
	}
	if got := limitOf(); got != "100000" {
		t.Fatalf("at first the limit is %q", got)
	}
	if out := run("limit", "set", "--requests", "90000", "--weight", "3"); !strings.Contains(out, "90000*") || !strings.Contains(out, "3*") {
		t.Errorf("set:\n%s", out)
	}
	eventually(t, "the tenant's limit to hold", func() bool { return limitOf() == "90000" })
	key := limitKeyID.FindStringSubmatch(p.key)[1]
	if out := run("limit", "set", "--key", key, "--requests", "7", "--tokens", "5000"); !strings.Contains(out, "7*") {
		t.Errorf("set of a key:\n%s", out)
	}
	eventually(t, "the key's limit to hold", func() bool { return limitOf() == "7" })
	run("limit", "set", "--key", key, "--requests", "default") // and the tokens stay
	eventually(t, "the key to have no limit of requests", func() bool { return limitOf() == "90000" })
	if out := run("limit", "show"); strings.Count(out, "\n") != 3 || !strings.Contains(out, "5000*") {
		t.Errorf("show:\n%s", out)
	}
	run("limit", "clear", "--key", key)
	run("limit", "clear")
	eventually(t, "the configuration's to hold", func() bool { return limitOf() == "100000" })
	if out := run("audit", "--action", "limit.clear"); strings.Count(out, "limit.clear") != 2 {
		t.Errorf("the audit log:\n%s", out)
	}
	if got := p.operate("PUT", "/admin/tenants/nobody/limits", `{"concurrent":1}`); got.status != http.StatusNotFound {
		t.Errorf("a tenant that there is not: %d %s", got.status, got.body)
	}
}

func TestLimitCommandsWithoutAServer(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	run := func(arguments ...string) (string, error) {
		return runBinary(t, nil, append(arguments, "--data", data)...)
	}
	for _, tt := range []struct {
		arguments []string
		out       string // empty: it fails
	}{
		{[]string{"tenant", "create", "research"}, "tenant_"},
		{[]string{"limit", "set", "--tenant", "research", "--concurrent", "4", "--messages", "none"}, "4*"},
		{[]string{"limit", "set", "--tenant", "research", "--model", "acme/fast", "--tokens", "50000"}, "50000*"},
		{[]string{"limit", "show", "--tenant", "research"}, "acme/fast"},
		{[]string{"limit", "show", "--tenant", "research", "--json"}, `"concurrent": 4`},
		{[]string{"limit", "set", "--tenant", "research", "--requests", "-3"}, ""},
		{[]string{"limit", "set", "--tenant", "research", "--model", "m", "--weight", "3"}, ""},
		{[]string{"limit", "set", "--key", "k1", "--tenant", "research", "--requests", "3"}, ""},
		{[]string{"limit", "clear", "--tenant", "research"}, "none"},
		{[]string{"limit", "clear", "--tenant", "research"}, ""},
	} {
		out, err := run(tt.arguments...)
		if (err != nil) != (tt.out == "") || !strings.Contains(out, tt.out) {
			t.Errorf("%v: %v\n%s", tt.arguments, err, out)
		}
	}
}
