package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"example.com/parley/http/admin"
)

// What a user said is gone from the store and the cache of a running server, and the
// receipt and the money stay.
func TestErasedUserIsForgotten(t *testing.T) {
	t.Parallel()
	p := start(t, launch{env: []string{"PARLEY_CACHE_ENABLED=true"}})
	ask := func(user, input string) reply {
		return p.post("/v1/responses", p.key, `{"model":"simulated/x","input":"`+input+`","user":"`+user+`"}`)
	}
	ann, bob := ask("ann", "What is my secret?"), ask("bob", "What is the weather?")
	tierOf := func(body string) string {
		t.Helper()
		response := p.request(http.MethodPost, p.url+"/v1/chat/completions", p.key, body)
		_ = response.Body.Close()
		return response.Header.Get("x-parley-cache")
	}
	cached := `{"model":"simulated/x","messages":[{"role":"user","content":"What is your name?"}]}`
	p.ask(p.key, cached)
	eventually(t, "a reply from the cache", func() bool { return tierOf(cached) == "exact" })

	out, err := runBinary(t, nil, "erase", "--data", p.data, "--user", "ann", "--json")
	var receipts listJSON[admin.Erasure]
	if err != nil || json.Unmarshal([]byte(out), &receipts) != nil || len(receipts.Data) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	receipt := receipts.Data[0]
	if receipt.Status != "completed" || receipt.Erased.Turns != 1 || receipt.Erased.Items != 2 || receipt.Erased.Conversations != 1 || strings.Contains(out, `"ann"`) {
		t.Errorf("the receipt is %s", out)
	}
	if gone := p.get("/v1/responses/"+ann.id(t), p.key); gone.status != http.StatusNotFound {
		t.Errorf("what ann asked: %d %s", gone.status, gone.body)
	}
	if kept := p.get("/v1/responses/"+bob.id(t), p.key); kept.status != http.StatusOK {
		t.Errorf("what bob asked: %d %s", kept.status, kept.body)
	}
	if tier := tierOf(cached); tier != "miss" {
		t.Errorf("the cache says %s", tier)
	}
	if out, err = runBinary(t, nil, "erase", "--data", p.data, "--all"); err != nil || !strings.Contains(out, "erasure_") {
		t.Errorf("all of the tenant's: %v\n%s", err, out)
	}
	if gone := p.get("/v1/responses/"+bob.id(t), p.key); gone.status != http.StatusNotFound {
		t.Errorf("after that, what bob asked: %d %s", gone.status, gone.body)
	}
	if out, err = runBinary(t, nil, "tenant", "retention", "--data", p.data, "--content-days", "30"); err != nil || !strings.Contains(out, "30            default") {
		t.Errorf("the retention: %v\n%s", err, out)
	}
	p.terminate()
	if out, err = runBinary(t, nil, "erase", "--data", p.data, "--receipt", receipt.ID); err != nil || !strings.Contains(out, receipt.UserHash) {
		t.Errorf("the receipt later: %v\n%s", err, out)
	}
	if out, err = runBinary(t, nil, "erase", "--data", p.data, "--list"); err != nil || strings.Count(out, "erasure_") != 2 {
		t.Errorf("all receipts: %v\n%s", err, out)
	}
	if out, err = runBinary(t, nil, "usage", "--data", p.data, "--by", "none"); err != nil || !strings.Contains(out, "all    ") {
		t.Errorf("the usage: %v\n%s", err, out)
	}
	if _, err = runBinary(t, nil, "erase", "--data", p.data); err == nil || !strings.Contains(err.Error(), "not clear whose") {
		t.Errorf("of nobody: %v", err)
	}
}
