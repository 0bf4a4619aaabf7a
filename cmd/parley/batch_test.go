package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/parley/bench/upstream/fake"
)

// batchPath is where batches are sent.
const batchPath = "/v1/chat/completions/batch"

// batchOf is a batch of so many requests, no two alike.
func batchOf(n int, model string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,{"model":%q,"messages":[{"role":"user","content":"question %d"}]}`, model, i)
	}
	return `{"requests":[` + b.String()[1:] + `]}`
}

// withFake starts a server whose one provider is a fake.
func withFake(t *testing.T) *process {
	t.Helper()
	upstream := fake.ForTest(t, fake.Config{})
	return configured(t, fmt.Sprintf("providers:\n  up: {kind: openai, base_url: %q, api_key: k}\n", upstream.URL()))
}

// A thousand requests of 100 ms each, a hundred at a time, are answered in a little
// more than a second, in their order, and each is billed once. On a machine that
// does other things at the same time one of a few tries has to.
func TestBatchOfAThousandIsAnsweredInLittleMoreThanASecond(t *testing.T) {
	const limit, tries = 1200 * time.Millisecond, 5
	p := withFake(t)
	var r reply
	asked, best := 0, time.Hour
	for ; best > limit && asked < 1000*tries; asked += 1000 {
		begun := time.Now()
		r = p.post(batchPath, p.key, batchOf(1000, "up/gpt-fake-delay-100ms"))
		best = min(best, time.Since(begun))
		if r.status != http.StatusOK || !r.has(`"request_counts":{"total":1000,"completed":1000,"failed":0}`) {
			t.Fatalf("%d %.300s", r.status, r.body)
		}
	}
	if best > limit && raceFlag == "" {
		t.Errorf("%s, want at most %s", best, limit)
	}
	t.Logf("%s", best)
	for i, place := 0, 0; i < 1000; i++ { // the fake repeats what it was asked
		at := strings.Index(r.body[place:], fmt.Sprintf("question %d", i))
		if at < 0 {
			t.Fatalf("the answer to question %d is not in its place", i)
		}
		place += at
	}
	eventually(t, "each is in the ledger", func() bool {
		return p.operate(http.MethodGet, "/admin/usage", "").has(fmt.Sprintf(`"attempts":%d`, asked))
	})
}

func TestBatchIsPolledAndCancelled(t *testing.T) {
	t.Parallel()
	p := withFake(t)
	asked := strings.Replace(batchOf(300, "up/gpt-fake-delay-100ms"), "{", `{"async":true,`, 1)
	r := p.post(batchPath, p.key, asked)
	if r.status != http.StatusAccepted || !r.has(`"status":"in_progress"`) {
		t.Fatalf("%d %s", r.status, r.body)
	}
	at := batchPath + "/" + r.id(t)
	eventually(t, "the batch is complete", func() bool {
		return p.get(at, p.key).has(`"status":"completed","request_counts":{"total":300,"completed":300,"failed":0}`)
	})
	slow := strings.Replace(batchOf(300, "up/gpt-fake-delay-20s"), "{", `{"async":true,`, 1)
	at = batchPath + "/" + p.post(batchPath, p.key, slow).id(t)
	if r := p.do(http.MethodDelete, p.url+at, p.key, ""); r.status != http.StatusOK {
		t.Errorf("%d %s", r.status, r.body)
	}
	eventually(t, "the batch is cancelled", func() bool {
		return p.get(at, p.key).has(`"status":"cancelled","request_counts":{"total":300,"completed":0,"failed":300}`)
	})
}
