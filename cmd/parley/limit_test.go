package main

import (
	"net/http"
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
