package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestCacheIsWarmedFromTheCommandLine with questions of a file, which are answered
// from the cache from then on.
func TestCacheIsWarmedFromTheCommandLine(t *testing.T) {
	t.Parallel()
	p := caching(t)
	folder := t.TempDir()
	plain, lines := filepath.Join(folder, "questions.txt"), filepath.Join(folder, "requests.jsonl")
	writeFile(t, plain, "What is the best way to sharpen a chisel?\n\nWhat do owls eat at night?\n")
	writeFile(t, lines, chatOf("How long do bees live?")+"\n"+`{"model":"simulated/m","seed":1,"messages":[{"role":"user","content":"How old is the moon?"}]}`+"\n")
	warm := func(arguments ...string) (string, error) {
		return runBinary(t, []string{"PARLEY_API_KEY=" + p.key}, append([]string{"cache", "warm", "--data", p.data, "--per-minute", "6000"}, arguments...)...)
	}
	out, err := warm("--model", "simulated/m", "--file", plain, "--budget", "0.5")
	if err != nil || !strings.Contains(out, "completed: 2 of 2 answered, 0 known before, 0 that the cache keeps no reply to, 0 failed; $0.00 spent") {
		t.Fatalf("%q %v", out, err)
	}
	out, err = warm("--file", lines)
	if err != nil || !strings.Contains(out, "completed: 1 of 2 answered, 0 known before, 1 that the cache keeps no reply to") {
		t.Errorf("%q %v", out, err)
	}
	out, err = warm("--model", "simulated/m", "What is the best way to sharpen a chisel?")
	if err != nil || !strings.Contains(out, "0 of 1 answered, 1 known before") {
		t.Errorf("%q %v", out, err)
	}
	for question, want := range map[string]string{
		"What do owls eat at night?": "exact", "How do I sharpen a chisel?": "semantic", "How long do bees live?": "exact", "How old is the moon?": "miss",
	} {
		if tier, _ := p.tier(question); tier != want {
			t.Errorf("%q: %s, want %s", question, tier, want)
		}
	}
	if usage := p.operate(http.MethodGet, "/admin/usage", "").body; !strings.Contains(usage, `"provider":"simulated"`) {
		t.Errorf("nobody is billed: %s", usage)
	}

	out, err = warm("--model", "nobody/m", "What do owls eat?")
	if err == nil || !strings.Contains(err.Error(), "1 of 1 were not answered, the last for model_not_found") {
		t.Errorf("%q %v", out, err)
	}
	if _, err = warm("--budget", "-1", "--model", "m", "What do owls eat?"); err == nil || !strings.Contains(err.Error(), "--budget is -1") {
		t.Errorf("without a budget: %v", err)
	}
	if _, err = warm("What do owls eat?"); err == nil || !strings.Contains(err.Error(), "name the model") {
		t.Errorf("without a model: %v", err)
	}
	if _, err = runBinary(t, nil, "cache", "warm", "--data", t.TempDir(), "--model", "m", "What do owls eat?"); err == nil || !strings.Contains(err.Error(), "PARLEY_API_KEY") {
		t.Errorf("without a key: %v", err)
	}
	if _, err = runBinary(t, []string{"PARLEY_API_KEY=" + p.key}, "cache", "warm", "--server", "127.0.0.1:1", "--model", "m", "What do owls eat?"); err == nil || !strings.Contains(err.Error(), "is this where it listens for clients?") {
		t.Errorf("without a server: %v", err)
	}
}
