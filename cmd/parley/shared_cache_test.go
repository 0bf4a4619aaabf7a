package main

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sharing is the environment of a node that shares its cache through Redis at an
// address.
func sharing(t *testing.T, address, prefix string) []string {
	t.Helper()
	at, err := url.Parse(redisURL(t))
	if err != nil {
		t.Fatal(err)
	}
	at.Host = address
	return []string{
		"PARLEY_CACHE_ENABLED=true", "PARLEY_PROVIDERS_SIMULATED_FIRST_TOKEN=1ms", "PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=1ms",
		"PARLEY_REDIS_URL=" + at.String(), "PARLEY_REDIS_PREFIX=" + prefix, "PARLEY_REDIS_SECRET=0123456789abcdef0123456789abcdef",
	}
}

func redisURL(tb testing.TB) string {
	tb.Helper()
	at := os.Getenv("PARLEY_TEST_REDIS_URL")
	if at == "" {
		tb.Fatal("PARLEY_TEST_REDIS_URL is not set: run the tests with make test, or under .ci/with-services")
	}
	return at
}

// redisAddress is where the tests' Redis listens.
func redisAddress(t *testing.T) string {
	t.Helper()
	at, err := url.Parse(redisURL(t))
	if err != nil {
		t.Fatal(err)
	}
	return at.Host
}

// tier is how a question is answered.
func (p *process) tier(question string) (tier string, header http.Header) {
	p.t.Helper()
	status, header, said := p.asks("/v1/chat/completions", chatOf(question))
	if status != http.StatusOK {
		p.t.Fatalf("%q: %d %s", question, status, said)
	}
	return header.Get("x-parley-cache"), header
}

func (p *process) follows() bool {
	return strings.Contains(p.metrics(), "chatbot_shared_cache_following 1\n")
}

// TestNodesShareTheirCache through Redis: what one has answered the other has, also
// after a start, and what is dropped on one is dropped on all.
func TestNodesShareTheirCache(t *testing.T) {
	t.Parallel()
	const question, like = "What is the best way to sharpen a chisel?", "How do I sharpen a chisel?"
	env := sharing(t, redisAddress(t), "test-"+rand.Text())
	first := start(t, launch{env: env})
	first.terminate()
	copied := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(copied, os.DirFS(first.data)); err != nil {
		t.Fatal(err)
	}
	a, b := start(t, launch{data: first.data, env: env}), start(t, launch{data: copied, env: env})
	a.key, b.key = first.key, first.key
	eventually(t, "both to follow", func() bool { return a.follows() && b.follows() })

	if tier, _ := a.tier(question); tier != "miss" {
		t.Fatalf("the first got %q", tier)
	}
	// Asked too early it would be answered by a model, and kept by its own key.
	eventually(t, "the other node to learn", func() bool { return strings.Contains(b.get("/v1/cache/stats", b.key).body, `"entries":1`) })
	if tier, _ := b.tier(like); tier != "semantic" {
		t.Errorf("a question like it got %q", tier)
	}
	if tier, header := b.tier(question); tier != "exact" || header.Get("x-parley-provider") != "simulated" {
		t.Errorf("%s %v", tier, header)
	}

	b.terminate()
	b = start(t, launch{data: copied, env: env})
	b.key = first.key
	eventually(t, "it to follow again", b.follows)
	tier, header := b.tier(like)
	if tier != "semantic" {
		t.Errorf("after a start: %q", tier)
	}
	b.wants(b.do(http.MethodDelete, b.url+"/v1/cache/entries/"+header.Get("x-parley-cache-entry"), b.key, ""), 200, `"deleted":true`)
	eventually(t, "the drop to arrive", func() bool { tier, _ := a.tier(like); return tier == "miss" })
}

// TestRedisThatIsGoneOrSlowFailsNoRequest and delays few of them.
func TestRedisThatIsGoneOrSlowFailsNoRequest(t *testing.T) {
	t.Parallel()
	network := toxicNetwork(t, redisAddress(t))
	p := start(t, launch{env: sharing(t, network.Listen, "test-"+rand.Text())})
	eventually(t, "it to follow", p.follows)
	asks := func() (took time.Duration) {
		began := time.Now()
		for range 30 {
			p.tier("What is the " + rand.Text() + " of the moon?")
		}
		return time.Since(began)
	}
	healthy := asks()
	if _, err := network.Toxics.AddToxicJson(strings.NewReader(`{"name":"slow","type":"latency","attributes":{"latency":2000}}`)); err != nil {
		t.Fatal(err)
	}
	slow := asks()
	network.Stop()
	gone := asks()
	t.Logf("30 requests took %s, with a slow Redis %s, without one %s", healthy, slow, gone)
	if text := p.metrics(); !strings.Contains(text, `chatbot_shared_cache_reads_total{result="skipped"}`) {
		t.Errorf("every request asked a Redis that does not answer:\n%s", text)
	}
	eventually(t, "it to say so", func() bool { return !p.follows() })
	p.wants(p.get("/readyz", ""), 200, "")
	p.kill() // before the proxy is stopped a second time
}
