package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestServerAnswersWholeAndStreamed(t *testing.T) {
	t.Parallel()
	p := start(t, launch{arguments: []string{"--demo"}})
	whole := p.ask(p.key, `{"model":"anything","messages":[{"role":"user","content":"Hello!"}]}`)
	if whole.status != http.StatusOK || !strings.Contains(whole.body, "Hello!") {
		t.Errorf("got %d %s", whole.status, whole.body)
	}
	streamed := p.ask(p.key, `{"model":"anything","stream":true,"messages":[{"role":"user","content":"Hello!"}]}`)
	if streamed.status != http.StatusOK || !strings.HasSuffix(streamed.body, "data: [DONE]\n\n") {
		t.Errorf("got %d %s", streamed.status, streamed.body)
	}
	p.terminate()
}

func TestSecondStartKeepsTheKeys(t *testing.T) {
	t.Parallel()
	p := start(t, launch{})
	p.terminate()
	first, admin := p.key, readFile(t, p.data+"/admin-key")
	if first == "" || readFile(t, p.data+"/first-key") != first {
		t.Fatalf("the first start said %q", p.said)
	}
	p = start(t, launch{data: p.data})
	if p.key != "" {
		t.Errorf("the second start prints a key:\n%s", p.said)
	}
	if want := "Bearer $(cat " + p.data + "/first-key)"; !strings.Contains(p.said, want) {
		t.Errorf("the second start does not say %s:\n%s", want, p.said)
	}
	if answer := p.ask(first, hello); answer.status != http.StatusOK {
		t.Errorf("the first key does not work any more: %d %s", answer.status, answer.body)
	}
	if now := readFile(t, p.data+"/admin-key"); now != admin {
		t.Error("the admin key has changed")
	}
	p.terminate()
}

func TestKeyFromTheEnvironmentIsTheFirstTenants(t *testing.T) {
	t.Parallel()
	const key = "pk_mine_0123456789abcdef0123456789abcdef"
	launched := launch{env: []string{bootstrapVariable + "=" + key}}
	p := start(t, launched)
	if strings.Contains(p.said, key) || !strings.Contains(p.said, "Bearer $"+bootstrapVariable) {
		t.Errorf("the server says\n%s", p.said)
	}
	if answer := p.ask(key, hello); answer.status != http.StatusOK {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
	p.terminate()
	launched.data = p.data
	p = start(t, launched)
	if answer := p.ask(key, hello); answer.status != http.StatusOK {
		t.Errorf("after another start: %d %s", answer.status, answer.body)
	}
}

func TestStreamThatRunsWhenTheServerIsToStopIsFinished(t *testing.T) {
	t.Parallel()
	p := start(t, launch{env: []string{"PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=40ms"}})
	stream := p.open(p.key, `{"model":"simulated/x","stream":true,"messages":[{"role":"user","content":"Hello!"}]}`)
	defer stream.Body.Close() //nolint:errcheck // read to its end
	lines := bufio.NewReader(stream.Body)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server to say that it is not ready", func() bool { return p.readiness() == http.StatusServiceUnavailable })
	rest, err := io.ReadAll(lines)
	if err != nil || !strings.HasSuffix(string(rest), "data: [DONE]\n\n") {
		t.Errorf("the stream ends with %v:\n%s", err, rest)
	}
	p.awaitExit()
	if p.err != nil {
		t.Errorf("exit: %v\n%s", p.err, p.log)
	}
}

func TestDrainEndsInTimeAndWhatItCutIsKept(t *testing.T) {
	t.Parallel()
	p := start(t, launch{env: []string{"PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=1s", "PARLEY_HTTP_DRAIN_TIMEOUT=1s"}})
	stream := p.openAt("/v1/responses", p.key, `{"model":"simulated/x","input":"Hello!","stream":true}`)
	defer stream.Body.Close() //nolint:errcheck // the server cuts it
	shown := readUntil(t, stream.Body, "response.output_text.delta", 1)
	left := p.openAt("/v1/responses", p.key, `{"model":"simulated/x","input":"Hello!","stream":true}`)
	shownToWhoLeft := readUntil(t, left.Body, "response.output_text.delta", 1)
	_ = left.Body.Close()

	const bound = 6 * time.Second // the time to drain, and 5 s
	asked := time.Now()
	p.terminate()
	if took := time.Since(asked); took > bound {
		t.Errorf("the server took %s to stop, want %s at most", took, bound)
	}
	rest, err := io.ReadAll(stream.Body)
	if err != nil || !strings.Contains(string(rest), `"code":"shutting_down"`) || !strings.Contains(string(rest), `"starting_after":`) {
		t.Errorf("the stream ends with %v:\n%s", err, rest)
	}
	key := p.key
	p = start(t, launch{data: p.data})
	for _, events := range []string{shown, shownToWhoLeft} {
		if kept := p.get("/v1/responses/"+idOf(t, events), key); !strings.Contains(kept.body, `"status":"incomplete"`) {
			t.Errorf("what was cut is kept as %d %s", kept.status, kept.body)
		}
	}
}

func TestIdleServerStopsSoon(t *testing.T) {
	t.Parallel()
	p := start(t, launch{})
	p.ask(p.key, hello)
	const bound = 2 * time.Second
	asked := time.Now()
	p.terminate()
	if took := time.Since(asked); took > bound {
		t.Errorf("an idle server took %s to stop, want %s at most", took, bound)
	}
}

func TestSecondSignalEndsTheServerAtOnce(t *testing.T) {
	t.Parallel()
	p := start(t, launch{env: []string{"PARLEY_PROVIDERS_SIMULATED_FIRST_TOKEN=1h", "PARLEY_HTTP_DRAIN_TIMEOUT=10m"}})
	go func() { // ends with the server
		request, _ := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, p.url+"/v1/chat/completions", strings.NewReader(hello))
		request.Header.Set("Authorization", "Bearer "+p.key)
		if response, err := p.client().Do(request); err == nil {
			_ = response.Body.Close()
		}
	}()
	eventually(t, "the request to run", func() bool { return strings.Contains(p.metrics(), `chatbot_turns_running 1`) })
	for range 2 {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the signal to be noticed", func() bool { return strings.Contains(p.log.String(), "stopping") || p.hasExited() })
	}
	p.awaitExit()
}

func TestKilledServerStartsAgainWithWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	p := start(t, launch{env: []string{"PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=50ms"}})
	done := p.post("/v1/responses", p.key, `{"model":"simulated/x","input":"The first."}`)
	stream := p.openAt("/v1/responses", p.key, fmt.Sprintf(`{"model":"simulated/x","input":"The second.","stream":true,"previous_response_id":%q}`, done.id(t)))
	defer stream.Body.Close() //nolint:errcheck // the server is killed under it
	shown := readUntil(t, stream.Body, "response.output_text.delta", 12)
	p.kill()

	p = start(t, launch{data: p.data})
	if !strings.Contains(p.log.String(), "turns were cut off") {
		t.Errorf("the log does not tell of the turn that was cut off:\n%s", p.log)
	}
	key := readFile(t, p.data+"/first-key")
	if again := p.get("/v1/responses/"+done.id(t), key); again.status != http.StatusOK || !strings.Contains(again.body, `"status":"completed"`) {
		t.Errorf("the response that was completed is now %d %s", again.status, again.body)
	}
	cut := p.get("/v1/responses/"+idOf(t, shown), key)
	if !strings.Contains(cut.body, `"status":"incomplete"`) || !strings.Contains(cut.body, "server_restart") {
		t.Errorf("the response that was cut off is now %d %s", cut.status, cut.body)
	}
	if next := p.post("/v1/responses", key, fmt.Sprintf(`{"model":"simulated/x","input":"And on.","previous_response_id":%q}`, done.id(t))); next.status != http.StatusOK {
		t.Errorf("the conversation does not go on: %d %s", next.status, next.body)
	}
}

func TestPortInUseIsSaidWithItsFlag(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close() //nolint:errcheck // nobody connected
	for _, flag := range []string{"--listen", "--admin-listen"} {
		address := taken.Addr().String()
		arguments := []string{"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", flag, address}
		_, err := runBinary(t, nil, arguments...)
		if err == nil || !strings.Contains(err.Error(), "another program listens on "+address) || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

func TestSecondServerOnTheSameDataIsRefused(t *testing.T) {
	t.Parallel()
	p := start(t, launch{})
	_, err := runBinary(t, nil, "serve", "--data", p.data, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	want := fmt.Sprintf("a parley with the process id %d serves the data folder", p.cmd.Process.Pid)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNoSecretIsInWhatTheServerSays(t *testing.T) {
	t.Parallel()
	const marker = "CANARY"
	p := start(t, launch{env: []string{
		"OPENAI_API_KEY=sk-" + marker, "OPENAI_BASE_URL=http://127.0.0.1:1/v1", "PARLEY_LOG_LEVEL=debug",
		bootstrapVariable + "=pk_mine_" + marker,
	}})
	key := "pk_mine_" + marker
	for _, body := range []string{
		`{"model":"gpt-4o","messages":[{"role":"user","content":"` + marker + `"}]}`,
		`{"model":"` + marker + `","messages":[{"role":"user","content":"` + marker + `"}]}`,
		`{"model":"simulated/x","messages":"` + marker + `"}`,
		`{"model":"simulated/x","messages":[{"role":"user","content":"` + marker + `"}]}`,
		marker,
	} {
		p.ask(key, body)
		p.ask("pk_other_"+marker, body)
	}
	p.terminate()
	if said := p.said + p.log.String(); strings.Contains(said, marker) {
		t.Errorf("%s is in\n%s", marker, said)
	}
}

func TestOperatorsSeeMetricsAndProfiles(t *testing.T) {
	t.Parallel()
	p := start(t, launch{})
	p.ask(p.key, hello)
	metrics := p.metrics()
	for _, name := range []string{"chatbot_request_duration_seconds_bucket", "chatbot_model_latency_seconds_bucket", "parley_build_info", "go_goroutines"} {
		if !strings.Contains(metrics, name) {
			t.Errorf("there is no %s", name)
		}
	}
	if profile := p.do(http.MethodGet, "http://"+p.admin+"/debug/pprof/cmdline", "", ""); profile.status != http.StatusOK {
		t.Errorf("profiles: %d", profile.status)
	}
}

// hello is a request that is always answered.
const hello = `{"model":"simulated/x","messages":[{"role":"user","content":"Hello!"}]}`

// reply is an answer, read to its end.
type reply struct {
	status int
	body   string
}

func (r reply) has(text string) bool { return strings.Contains(r.body, text) }

// id is the id of the object that the answer is.
func (r reply) id(t *testing.T) string {
	t.Helper()
	var object struct{ ID string }
	if err := json.Unmarshal([]byte(r.body), &object); err != nil || object.ID == "" {
		t.Fatalf("there is no id in %d %s", r.status, r.body)
	}
	return object.ID
}

// client returns one that holds no connection afterwards.
func (p *process) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
}

func (p *process) request(method, url, key, body string) *http.Response {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := p.client().Do(request)
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.log)
	}
	return response
}

// do sends a request and reads its answer to the end.
func (p *process) do(method, url, key, body string) reply {
	p.t.Helper()
	response := p.request(method, url, key, body)
	defer response.Body.Close() //nolint:errcheck // read to its end
	read, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return reply{response.StatusCode, string(read)}
}

// ask sends a chat completion.
func (p *process) ask(key, body string) reply {
	p.t.Helper()
	return p.post("/v1/chat/completions", key, body)
}

func (p *process) post(path, key, body string) reply {
	p.t.Helper()
	return p.do(http.MethodPost, p.url+path, key, body)
}

func (p *process) get(path, key string) reply {
	p.t.Helper()
	return p.do(http.MethodGet, p.url+path, key, "")
}

// open sends a chat completion and leaves its answer to be read.
func (p *process) open(key, body string) *http.Response {
	p.t.Helper()
	return p.openAt("/v1/chat/completions", key, body)
}

func (p *process) openAt(path, key, body string) *http.Response {
	p.t.Helper()
	return p.request(http.MethodPost, p.url+path, key, body)
}

// readiness is the status of GET /readyz, or 0 where nobody answers.
func (p *process) readiness() int {
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+"/readyz", nil)
	if err != nil {
		return 0
	}
	response, err := p.client().Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func (p *process) metrics() string {
	p.t.Helper()
	return p.do(http.MethodGet, "http://"+p.admin+"/metrics", "", "").body
}

// readUntil reads lines until so many have the word in them.
func readUntil(t *testing.T, from io.Reader, word string, times int) string {
	t.Helper()
	var read strings.Builder
	for lines := bufio.NewScanner(from); times > 0; {
		if !lines.Scan() {
			t.Fatalf("the stream ended: %v\n%s", lines.Err(), read.String())
		}
		read.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), word) {
			times--
		}
	}
	return read.String()
}

// idOf is the id of the response that events are about.
func idOf(t *testing.T, events string) string {
	t.Helper()
	_, rest, _ := strings.Cut(events, `"id":"resp_`)
	id, _, found := strings.Cut(rest, `"`)
	if !found {
		t.Fatalf("there is no response in\n%s", events)
	}
	return "resp_" + id
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(content))
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	const between = 20 * time.Millisecond
	ticker := time.NewTicker(between)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); !condition(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain for %s", patience, what)
		}
	}
}
