package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

const (
	modelA = "models: {m: [simulated/a]}\n"
	modelB = "providers: {second: {kind: simulated, first_token: 1ms, token_interval: 1ms}}\nmodels: {m: [second/b]}\n"
)

// reloading is a server with a configuration file that says text.
func reloading(t *testing.T, text string) (p *process, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "parley.yaml")
	writeFile(t, file, text)
	return start(t, launch{arguments: []string{"--config", file}, env: []string{
		"PARLEY_PROVIDERS_SIMULATED_FIRST_TOKEN=1ms", "PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=1ms",
	}}), file
}

const askM = `{"model":"m","messages":[{"role":"user","content":"Hello!"}]}`

// answers is who answers to the model m.
func (p *process) answers() string {
	p.t.Helper()
	response := p.open(p.key, askM)
	_ = response.Body.Close()
	return response.Header.Get("x-parley-model")
}

func TestReloadUnderLoadFailsNoRequest(t *testing.T) {
	t.Parallel()
	p, file := reloading(t, modelA)
	var failed, answered atomic.Int64
	var clients sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if got := p.ask(p.key, askM); got.status != http.StatusOK {
					t.Logf("%d: %s", got.status, got.body)
					failed.Add(1)
				}
				answered.Add(1)
			}
		})
	}
	for range 5 {
		for text, want := range map[string]string{modelB: "b", modelA: "a"} {
			writeFile(t, file, text)
			if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the model to be "+want, func() bool { return p.answers() == want })
		}
	}
	close(done)
	clients.Wait()
	t.Logf("%d requests during 10 reloads, %d failed", answered.Load(), failed.Load())
	if failed.Load() > 0 || answered.Load() < 10 {
		t.Errorf("%d of %d requests failed", failed.Load(), answered.Load())
	}
}

func TestServerNoticesThatItsFileChanged(t *testing.T) {
	t.Parallel()
	p, file := reloading(t, modelA)
	writeFile(t, file, modelB+"log: {level: debug}\n")
	eventually(t, "the change to be noticed", func() bool { return p.answers() == "b" })
	eventually(t, "the log to name what holds later", func() bool {
		return strings.Contains(p.log.String(), `"sections":"log"`)
	})
}

func TestFileWithFaultsChangesNothing(t *testing.T) {
	t.Parallel()
	p, file := reloading(t, modelA)
	for text, says := range map[string]string{
		"models:\n  m: [simulated/b]\n  n: [nobody/x]\n":         "parley.yaml:3:7: models.n.targets[0].target",
		"models:\n  m: {strategy: best, targets: simulated/b}\n": "parley.yaml:2:17: models.m.strategy is",
		"models: [\n": "this is not YAML",
	} {
		writeFile(t, file, text)
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the fault to be logged: "+says, func() bool { return strings.Contains(p.log.String(), says) })
		if got := p.answers(); got != "a" {
			t.Errorf("the model is %q now", got)
		}
	}
}
