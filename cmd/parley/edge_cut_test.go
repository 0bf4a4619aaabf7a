package main

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// hitsBilled is how many rows of cached replies the core has.
func (w *nearbyWorld) hitsBilled(t *testing.T) (rows int64) {
	t.Helper()
	var report struct {
		Data []struct {
			Provider string
			Attempts int64
		}
	}
	body := w.core.operate(http.MethodGet, "/admin/usage", "").body
	if err := json.Unmarshal([]byte(body), &report); err != nil {
		t.Fatal(err)
	}
	for _, line := range report.Data {
		if line.Provider == "cache" {
			rows += line.Attempts
		}
	}
	return rows
}

// wantsCutOff wants an answer that the core would be needed for.
func (p *process) wantsCutOff(question string) {
	p.t.Helper()
	status, header, said := p.asks("/v1/chat/completions", chatOf(question))
	if status != http.StatusServiceUnavailable || !strings.Contains(said, `"edge_cut_off"`) || header.Get("Retry-After") == "" || header.Get("x-should-retry") != "true" {
		p.t.Errorf("%q while cut off: %d %v %s", question, status, header, said)
	}
}

// An edge node that is cut off goes on with what it has for as long as it tolerates,
// and bills each hit once, whatever happens to it meanwhile.
func TestAnEdgeNodeToleratesToBeCutOff(t *testing.T) {
	t.Parallel()
	const tolerates = 6 * time.Second
	w := startNearby(t, tolerates.String())
	if tier, _ := w.edge.tier(sharpen); tier != "miss" {
		t.Fatalf("the first got %q", tier)
	}
	w.keeps(t)
	hits := int64(0)
	hit := func() {
		t.Helper()
		if tier, _ := w.edge.tier(sharpen); tier != "exact" {
			t.Errorf("a question that is cached got %q", tier)
		}
		hits++
	}
	hit()
	w.network.Stop()
	cut := time.Now()
	for range 20 {
		hit()
	}
	time.Sleep(2500 * time.Millisecond) // requests wait for no other server any more
	began := time.Now()
	w.edge.wantsCutOff("What is the best way to sharpen an axe?")
	if took := time.Since(began); took > time.Second {
		t.Errorf("who asks for what is not cached waits %s", took)
	}
	w.edge.wants(w.edge.get("/v1/models", w.edge.key), 503, "edge_cut_off")
	hit()
	eventually(t, "cached answers to end", func() bool {
		status, _, _ := w.edge.asks("/v1/chat/completions", chatOf(sharpen))
		hits++
		return status != http.StatusOK
	})
	hits-- // the one that was refused
	if took := time.Since(cut); took < tolerates-2*time.Second || took > tolerates+2*time.Second {
		t.Errorf("cached answers ended %s after the cut, and %s are tolerated", took, tolerates)
	}
	w.edge.wantsCutOff(sharpen)
	if w.edge.readiness() == http.StatusOK {
		t.Error("it is ready, and answers nothing")
	}
	w.edge.kill() // with rows that the core has not got
	enable(t, w.network)
	w.startEdge(t, w.edge.data)
	if tier, _ := w.edge.tier(sharpen); tier == "miss" { // the feed has it, or the core
		t.Errorf("after healing it got %q", tier)
	}
	hits++
	eventually(t, "all hits to be billed", func() bool { return w.hitsBilled(t) >= hits })
	time.Sleep(time.Second)
	if got := w.hitsBilled(t); got != hits {
		t.Errorf("%d hits are billed, of %d", got, hits)
	}
}

// What is dropped at the core is gone at the edge, and a key that is revoked opens
// nothing there.
func TestDropsAndRevocationsReachTheEdge(t *testing.T) {
	t.Parallel()
	w := startNearby(t, "60s")
	w.edge.tier(sharpen)
	w.keeps(t)
	tier, header := w.edge.tier(sharpen)
	if tier != "exact" {
		t.Fatalf("it got %q", tier)
	}
	w.core.wants(w.core.do(http.MethodDelete, w.core.url+"/v1/cache/entries/"+header.Get("x-parley-cache-entry"), w.core.key, ""), 200, `"deleted":true`)
	began := time.Now()
	eventually(t, "the drop to arrive", func() bool { tier, _ := w.edge.tier(sharpen); return tier == "miss" })
	dropped := time.Since(began)

	id, _, _ := strings.Cut(strings.TrimPrefix(w.core.key, "pk_"), "_")
	w.core.wants(w.core.operate(http.MethodDelete, "/admin/keys/"+id, ""), 200, "")
	began = time.Now()
	eventually(t, "the key to be refused", func() bool {
		status, _, _ := w.edge.asks("/v1/chat/completions", chatOf(sharpen))
		return status == http.StatusUnauthorized
	})
	revoked := time.Since(began)
	t.Logf("a drop took %s, a revocation %s", dropped, revoked)
	if dropped > time.Second || revoked > 5*time.Second {
		t.Errorf("a drop took %s, a revocation %s", dropped, revoked)
	}
}

// A limit that is set at the core holds for what an edge node answers itself, too.
func TestLimitsHoldAtTheEdge(t *testing.T) {
	t.Parallel()
	w := startNearby(t, "60s")
	w.edge.tier(sharpen)
	w.keeps(t)
	w.core.wants(w.core.operate(http.MethodPut, "/admin/tenants/"+w.core.tenantID()+"/limits", `{"requests_per_minute":5}`), 200, "")
	eventually(t, "the limit to hold", func() bool {
		status, _, said := w.edge.asks("/v1/chat/completions", chatOf(sharpen))
		return status == http.StatusTooManyRequests && strings.Contains(said, "rate_limit_exceeded")
	})
}

// A stream whose core goes away ends with an event that says so, and the client that
// leaves ends the turn at the core.
func TestStreamsThroughAnEdgeNodeEnd(t *testing.T) {
	t.Parallel()
	w := startNearby(t, "60s", "PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=200ms")
	long := func(path, body string) (*http.Response, *bufio.Reader) {
		response := w.edge.openAt(path, w.edge.key, body)
		reader := bufio.NewReader(response.Body)
		if line, err := reader.ReadString('\n'); err != nil || !strings.Contains(line, ":") {
			t.Fatalf("%q, %v", line, err)
		}
		return response, reader
	}
	left, _ := long("/v1/chat/completions", streamOf(rand.Text()))
	_ = left.Body.Close()
	eventually(t, "the core to hear that the client left", func() bool {
		return strings.Contains(w.core.metrics(), `chatbot_turns_total{status="cancelled"} 1`)
	})
	chat, chatEvents := long("/v1/chat/completions", streamOf(rand.Text()))
	kept, keptEvents := long("/v1/responses", `{"model":"simulated/m","stream":true,"input":"`+rand.Text()+`"}`)
	defer chat.Body.Close() //nolint:errcheck // it was read
	defer kept.Body.Close() //nolint:errcheck // likewise
	time.Sleep(time.Second)
	w.network.Stop()
	rest, err := io.ReadAll(chatEvents)
	if err != nil || !strings.Contains(string(rest), `"edge_cut_off"`) {
		t.Errorf("a chat whose core has gone ends with %v and %s", err, rest)
	}
	rest, err = io.ReadAll(keptEvents)
	if err != nil || !strings.Contains(string(rest), `"edge_cut_off"`) || !strings.Contains(string(rest), `"starting_after":`) {
		t.Errorf("a response whose core has gone ends with %v and %s", err, rest)
	}
	enable(t, w.network)
	eventually(t, "the rest to be read on", func() bool {
		return w.edge.get("/v1/models", w.edge.key).status == http.StatusOK
	})
}

func streamOf(question string) string {
	return fmt.Sprintf(`{"model":"simulated/m","stream":true,"messages":[{"role":"user","content":%q}]}`, question)
}
