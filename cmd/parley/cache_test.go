package main

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// caching is a server with a cache.
func caching(t *testing.T, env ...string) *process {
	t.Helper()
	usual := []string{"PARLEY_CACHE_ENABLED=true", "PARLEY_PROVIDERS_SIMULATED_FIRST_TOKEN=1ms", "PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=1ms"}
	return start(t, launch{env: slices.Concat(usual, env)})
}

// asks asks one question, with headers as names and values by turns.
func (p *process) asks(path, body string, headers ...string) (status int, header http.Header, said string) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+p.key)
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := p.client().Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	all, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(all)
}

func chatOf(question string) string {
	return fmt.Sprintf(`{"model":"simulated/m","messages":[{"role":"user","content":%q}]}`, question)
}

func TestQuestionsAreAnsweredFromTheCache(t *testing.T) {
	t.Parallel()
	p := caching(t)
	tier := func(path, body string, headers ...string) string {
		status, header, said := p.asks(path, body, headers...)
		if status != http.StatusOK {
			t.Fatalf("%s %s: %d %s", path, body, status, said)
		}
		return header.Get("x-parley-cache")
	}
	const chat, responses = "/v1/chat/completions", "/v1/responses"
	if got := tier(chat, chatOf("What is the best way to sharpen a chisel?")); got != "miss" {
		t.Fatalf("the first got %q", got)
	}
	eventually(t, "the reply to be kept", func() bool {
		return tier(chat, chatOf("What is the best way to sharpen a chisel?")) == "exact"
	})
	for body, want := range map[string]string{
		chatOf("hi, what is the best way to sharpen a chisel"): "lexical",
		chatOf("How do I sharpen a chisel?"):                   "semantic",
		chatOf("How do I sharpen an axe?"):                     "miss",
		`{"model":"simulated/m","stream":true,"messages":[{"role":"user","content":"How do I sharpen a chisel?"}]}`:           "semantic",
		`{"model":"simulated/m","seed":1,"messages":[{"role":"user","content":"What is the best way to sharpen a chisel?"}]}`: "bypass",
	} {
		if got := tier(chat, body); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
	if got := tier(responses, `{"model":"simulated/m","input":"What is the best way to sharpen a chisel?"}`); got != "exact" {
		t.Errorf("a response got %q", got)
	}
	if got := tier(chat, chatOf("What is the best way to sharpen a chisel?"), "Cache-Control", "no-cache"); got != "miss" {
		t.Errorf("no-cache got %q", got)
	}

	_, header, _ := p.asks(chat, chatOf("How do I sharpen a chisel?"))
	p.wants(p.do(http.MethodDelete, p.url+"/v1/cache/entries/"+header.Get("x-parley-cache-entry"), p.key, ""), 200, `"deleted":true`)
	if got := tier(chat, chatOf("How do I sharpen a chisel?")); got != "miss" {
		t.Errorf("after it was dropped: %q", got)
	}
	p.wants(p.get("/v1/cache/stats", p.key), 200, `"semantic":3`)
	if metrics := p.metrics(); !strings.Contains(metrics, `chatbot_cache_lookups_total{tier="semantic"} 3`) {
		t.Error("the metrics do not have the hits")
	}
	eventually(t, "the hits to be in the ledger", func() bool {
		return strings.Contains(p.operate(http.MethodGet, "/admin/usage", "").body, `"provider":"cache"`)
	})
}

// TestOneCallAnswersAllWhoAskAtTheSameTime also when the one who asked first leaves.
func TestOneCallAnswersAllWhoAskAtTheSameTime(t *testing.T) {
	t.Parallel()
	p := caching(t, "PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=100ms") // on a busy machine the others come late
	stream := `{"model":"simulated/m","stream":true,"messages":[{"role":"user","content":"What is the best way to sharpen a chisel?"}]}`
	first := p.open(p.key, stream)
	var others sync.WaitGroup
	replies := make([]string, 8)
	for i := range replies {
		others.Go(func() {
			_, header, said := p.asks("/v1/chat/completions", stream)
			if got := header.Get("x-parley-cache"); got != "exact" {
				t.Errorf("another got %q", got)
			}
			replies[i] = textOf(said)
		})
	}
	eventually(t, "the others to wait", func() bool {
		return strings.Contains(p.get("/v1/cache/stats", p.key).body, `"joined":8`)
	})
	_ = first.Body.Close() // its client leaves
	others.Wait()
	for i, reply := range replies {
		if len(reply) < 40 || reply != replies[0] {
			t.Errorf("reply %d is %q, the first %q", i, reply, replies[0])
		}
	}
	p.wants(p.get("/v1/cache/stats", p.key), 200, `"misses":1`)
}

// textOf is the text of an event stream.
func textOf(stream string) string {
	var b strings.Builder
	for line := range strings.Lines(stream) {
		if _, after, found := strings.Cut(line, `"content":"`); found {
			text, _, _ := strings.Cut(after, `"`)
			b.WriteString(text)
		}
	}
	return b.String()
}

func TestEmbeddingsAreServed(t *testing.T) {
	t.Parallel()
	p := caching(t)
	status, header, said := p.asks("/v1/embeddings", `{"model":"parley-embedding","input":["How do I sharpen a chisel?","What do owls eat?"]}`)
	if status != http.StatusOK || !strings.HasPrefix(header.Get("x-parley-model"), "static-256-") || strings.Count(said, ",") < 500 {
		t.Errorf("%d %v %.200s", status, header, said)
	}
}

func TestEmbedderThatIsGoneCostsNoRequest(t *testing.T) {
	t.Parallel()
	p := caching(t, "PARLEY_CACHE_EMBED_KIND=openai", "PARLEY_CACHE_EMBED_BASE_URL=http://127.0.0.1:1/v1", "PARLEY_CACHE_EMBED_MODEL=m")
	for question, want := range map[string]string{"How do I sharpen a chisel?": "miss", "What do owls eat at night?": "miss"} {
		if _, header, said := p.asks("/v1/chat/completions", chatOf(question)); header.Get("x-parley-cache") != want {
			t.Errorf("%q: %v %s", question, header, said)
		}
	}
	eventually(t, "the reply to be kept", func() bool {
		_, header, _ := p.asks("/v1/chat/completions", chatOf("hi, how do I sharpen a chisel"))
		return header.Get("x-parley-cache") == "lexical"
	})
	if metrics := p.metrics(); strings.Contains(metrics, "chatbot_embed_failures_total 0\n") {
		t.Error("no failure was counted")
	}
}

func TestDroppedPairStaysApartAfterARestart(t *testing.T) {
	t.Parallel()
	const question, like = "What is the best way to sharpen a chisel?", "How do I sharpen a chisel?"
	p := caching(t)
	key := p.key
	kept := func() bool { return strings.Contains(p.get("/v1/cache/stats", p.key).body, `"entries":1`) }
	p.tier(question)
	eventually(t, "the reply to be kept", kept)
	tier, header := p.tier(like)
	if tier != "semantic" {
		t.Fatalf("%q", tier)
	}
	p.wants(p.do(http.MethodDelete, p.url+"/v1/cache/entries/"+header.Get("x-parley-cache-entry"), p.key, ""), 200, `"deleted":true`)
	p.terminate()
	p = start(t, launch{data: p.data, env: []string{"PARLEY_CACHE_ENABLED=true"}})
	p.key = key
	p.tier(question)
	eventually(t, "the reply to be kept again", kept)
	if tier, _ := p.tier(like); tier != "miss" {
		t.Errorf("after a restart the pair shares a reply again: %q", tier)
	}
}

// TestNearMissIsJudgedInTheBackground by a model of the server's; one that says
// neither yes nor no teaches nothing.
func TestNearMissIsJudgedInTheBackground(t *testing.T) {
	t.Parallel()
	p := caching(t, "PARLEY_CACHE_JUDGE_MODEL=simulated/judge")
	p.tier("What is the best way to sharpen a chisel?")
	eventually(t, "the reply to be kept", func() bool { return strings.Contains(p.get("/v1/cache/stats", p.key).body, `"entries":1`) })
	if tier, _ := p.tier("What is the best way to sharpen a chisel at bench 7?"); tier != "miss" {
		t.Errorf("%q", tier)
	}
	eventually(t, "a verdict", func() bool {
		return strings.Contains(p.metrics(), `chatbot_cache_judge_verdicts_total{verdict="unclear"} 1`)
	})
	if metrics := p.metrics(); !strings.Contains(metrics, `chatbot_cache_judge_error{what="bound"} 0.02`) {
		t.Error("the bound is not told")
	}
	eventually(t, "it to be billed", func() bool {
		return strings.Contains(p.operate(http.MethodGet, "/admin/usage", "").body, `"model":"judge"`)
	})
}

func TestCacheSurvivesItsActors(t *testing.T) {
	t.Parallel()
	p := caching(t, "PARLEY_DRILL=true")
	kept := func(question string) {
		t.Helper()
		eventually(t, "the reply to be kept", func() bool {
			_, header, _ := p.asks("/v1/chat/completions", chatOf(question))
			return header.Get("x-parley-cache") == "exact"
		})
	}
	kept("How do I sharpen a chisel?")
	for shard := range 8 {
		p.wants(p.operate(http.MethodPost, "/admin/drill", fmt.Sprintf(`{"actor":"cache-%d"}`, shard)), 200, `"failed":true`)
	}
	if _, header, _ := p.asks("/v1/chat/completions", chatOf("hi, how do I sharpen a chisel")); header.Get("x-parley-cache") != "lexical" {
		t.Errorf("it was lost: %v", header)
	}
	kept("What do owls eat at night?")
}

func TestNameThatLeadsElsewhereHasOtherReplies(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "parley.yaml")
	writeFile(t, file, modelA)
	p := start(t, launch{arguments: []string{"--config", file}, env: []string{"PARLEY_CACHE_ENABLED=true", "PARLEY_PROVIDERS_SIMULATED_FIRST_TOKEN=1ms"}})
	tier := func() (tier, model string) {
		_, header, _ := p.asks("/v1/chat/completions", askM)
		return header.Get("x-parley-cache"), header.Get("x-parley-model")
	}
	eventually(t, "the reply to be kept", func() bool { found, model := tier(); return found == "exact" && model == "a" })
	for text, want := range map[string]string{modelB: "b", modelA: "a"} {
		writeFile(t, file, text)
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the other model to answer", func() bool { _, model := tier(); return model == want })
	}
}
