package fake_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"example.com/parley/bench/upstream/fake"
	"example.com/parley/messages"
	"example.com/parley/messages/wire/anthropic"
	"example.com/parley/messages/wire/openai"
	"example.com/parley/messages/wire/sse"
)

func TestMain(m *testing.M) {
	// One a process, for good: of the answer to a handshake that its client broke off.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

var update = flag.Bool("update", false, "write testdata anew")

const (
	chatPath     = "/chat/completions"
	messagesPath = "/messages"
	patience     = 10 * time.Second // of a test that fails; one that passes never waits for it
)

// client asks a server of its own, over connections of its own.
type client struct {
	t      *testing.T
	server *fake.Server
	http   *http.Client
	header http.Header
}

func newClient(t *testing.T, cfg fake.Config) *client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{
		t: t, server: fake.ForTest(t, cfg), http: &http.Client{Transport: transport, Timeout: patience},
		header: http.Header{"Authorization": {"Bearer sk-test"}},
	}
}

func (c *client) do(ctx context.Context, method, url, body string) (*http.Response, error) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header = c.header.Clone()
	return c.http.Do(request)
}

// ask returns the whole answer, or how it broke off.
func (c *client) ask(path, body string) (status int, answer []byte, err error) {
	c.t.Helper()
	response, err := c.do(c.t.Context(), http.MethodPost, c.server.URL()+path, body)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

func (c *client) mustAsk(path, body string) []byte {
	c.t.Helper()
	status, answer, err := c.ask(path, body)
	if err != nil || status != http.StatusOK {
		c.t.Fatalf("status %d, %v: %s", status, err, answer)
	}
	return answer
}

func chat(model, rest string) string {
	return `{"model":"` + model + `","messages":[{"role":"user","content":"hello there"}]` + rest + `}`
}

func message(model, rest string) string {
	return `{"model":"` + model + `","max_tokens":100,"messages":[{"role":"user","content":"hello there"}]` + rest + `}`
}

func TestRepliesAreGolden(t *testing.T) {
	t.Parallel()
	const tools = `,"tools":[{"type":"function","function":{"name":"look"}}],"tool_choice":"required"`
	const messagesTools = `,"tools":[{"name":"look","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"}`
	for name, tt := range map[string]struct{ path, body string }{
		"chat":               {chatPath, chat("gpt-4o", "")},
		"chat_stream":        {chatPath, chat("fake-tokens-4-thinking-1", `,"stream":true,"stream_options":{"include_usage":true}`)},
		"chat_tools":         {chatPath, chat("fake", tools)},
		"chat_tools_stream":  {chatPath, chat("fake-tools-2", `,"stream":true`+tools)},
		"chat_choices":       {chatPath, chat("fake-length-cached-9", `,"n":2`)},
		"messages":           {messagesPath, message("claude-opus-4-8", "")},
		"messages_stream":    {messagesPath, message("fake-tokens-4-thinking-1", `,"stream":true`)},
		"messages_tools":     {messagesPath, message("fake", messagesTools)},
		"messages_malformed": {messagesPath, message("fake-fault-malformed-after-1-times-2", `,"stream":true`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := newClient(t, fake.Config{}).mustAsk(tt.path, tt.body)
			file := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(file, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("reply (-want +got):\n%s", diff)
			}
		})
	}
}

// textOf puts together what a stream said, and how it ended.
func textOf(t *testing.T, path string, stream []byte) (text, end string) {
	t.Helper()
	var b strings.Builder
	chunk := func(c messages.Chunk) {
		if c.Kind == messages.ChunkText {
			b.WriteString(c.Text)
		}
	}
	var chats openai.ChatDecoder
	var blocks anthropic.Decoder
	events := sse.NewReader(bytes.NewReader(stream), 1<<20)
	for {
		event, err := events.Next()
		if errors.Is(err, io.EOF) {
			return b.String(), "cut"
		}
		if err != nil {
			t.Fatal(err)
		}
		done := false
		if path == chatPath {
			done, err = chats.Decode(event.Data, chunk)
		} else {
			done, err = blocks.Decode(event.Name, event.Data, chunk)
		}
		switch {
		case err != nil && messages.CodeOf(err) != messages.CodeInternal:
			return b.String(), "error"
		case done:
			return b.String(), "done"
		}
	}
}

func TestBothFormatsEchoOneHistoryAlike(t *testing.T) {
	t.Parallel()
	items := []messages.Item{
		messages.TextMessage(messages.RoleSystem, "Be brief."),
		messages.TextMessage(messages.RoleUser, "one"),
		messages.TextMessage(messages.RoleUser, "two"),
		messages.TextMessage(messages.RoleAssistant, "three"),
		{Kind: messages.ItemToolCall, CallID: "c.1", Name: "look", Args: `{ "at": "x" }`},
		{Kind: messages.ItemToolOutput, CallID: "c.1", Parts: []messages.Part{messages.TextPart("seen")}},
		messages.TextMessage(messages.RoleSystem, "Be polite."),
		messages.TextMessage(messages.RoleUser, "What now,  friend?\n"),
	}
	want := fake.Echo(items)
	if !strings.HasPrefix(want, "[3/") || !strings.HasSuffix(want, "] What now,  friend?\n") {
		t.Errorf("echo: %q", want)
	}
	call := &messages.Call{Items: items, Stream: true}
	c := newClient(t, fake.Config{})
	for path, encode := range map[string]func([]byte, string, *messages.Call) ([]byte, error){
		chatPath: openai.AppendChatRequest, messagesPath: anthropic.AppendRequest,
	} {
		body, err := encode(nil, "fake", call)
		if err != nil {
			t.Fatal(err)
		}
		got, end := textOf(t, path, c.mustAsk(path, string(body)))
		if got != want || end != "done" {
			t.Errorf("%s said %q and was %s, want %q", path, got, end, want)
		}
	}
}

func TestEchoTellsHistoriesApart(t *testing.T) {
	t.Parallel()
	say := messages.TextMessage
	seen := make(map[string]string)
	for name, items := range map[string][]messages.Item{
		"whole":        {say(messages.RoleUser, "a"), say(messages.RoleAssistant, "b"), say(messages.RoleUser, "c")},
		"without one":  {say(messages.RoleUser, "a"), say(messages.RoleUser, "c")},
		"swapped":      {say(messages.RoleUser, "b"), say(messages.RoleAssistant, "a"), say(messages.RoleUser, "c")},
		"other role":   {say(messages.RoleUser, "a"), say(messages.RoleUser, "b"), say(messages.RoleUser, "c")},
		"joined":       {say(messages.RoleUser, "a"), say(messages.RoleAssistant, "b"), say(messages.RoleUser, "c"), say(messages.RoleSystem, "s")},
		"cut":          {say(messages.RoleUser, "a"), say(messages.RoleAssistant, ""), say(messages.RoleUser, "c")},
		"a space more": {say(messages.RoleUser, "a "), say(messages.RoleAssistant, "b"), say(messages.RoleUser, "c")},
	} {
		echo := fake.Echo(items)
		if other, ok := seen[echo]; ok && name != "cut" && other != "cut" {
			t.Errorf("%s and %s have the same echo %q", name, other, echo)
		}
		seen[echo] = name
	}
}

func TestToolsAreCalledWhenAskedFor(t *testing.T) {
	t.Parallel()
	const tools = `,"tools":[{"type":"function","function":{"name":"look"}},{"type":"function","function":{"name":"hello"}}]`
	for name, tt := range map[string]struct {
		model, rest string
		want        string // a tool's name, or none
	}{
		"by name in the last message": {"gpt", tools, `"name":"hello"`},
		"by choice of one":            {"gpt", tools + `,"tool_choice":{"type":"function","function":{"name":"look"}}`, `"name":"look"`},
		"by choice of any":            {"gpt", tools + `,"tool_choice":"required"`, `"name":"look"`},
		"by the model's name":         {"fake-tools-1", tools, `"name":"look"`},
		"never by choice":             {"gpt", tools + `,"tool_choice":"none"`, ""},
		"never without tools":         {"fake-tools-1", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := string(newClient(t, fake.Config{}).mustAsk(chatPath, chat(tt.model, tt.rest)))
			called := strings.Contains(got, `"tool_calls":[`)
			if called != (tt.want != "") || !strings.Contains(got, tt.want) {
				t.Errorf("want %q in %s", tt.want, got)
			}
		})
	}
}

func TestFaultsOfStreams(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		terms string
		text  string
		end   string
		cut   bool // the body ends before its last chunk
	}{
		"none":      {"tokens-3", "[1/%s] hello there", "done", false},
		"cut":       {"fault-cut-after-2", "[1/%s] hello ", "cut", true},
		"at once":   {"fault-cut", "", "cut", true},
		"eof":       {"fault-eof-after-2", "[1/%s] hello ", "cut", false},
		"error":     {"fault-error-after-1", "[1/%s] ", "error", false},
		"malformed": {"fault-malformed-after-1-times-3", "[1/%s] hello there", "done", false},
		"slow":      {"fault-slowbyte-interval-1us", "[1/%s] hello there", "done", false},
		"no usage":  {"fault-nousage", "[1/%s] hello there", "done", false},
	} {
		for path, body := range map[string]string{
			chatPath:     chat("fake-"+tt.terms, `,"stream":true`),
			messagesPath: message("fake-"+tt.terms, `,"stream":true`),
		} {
			t.Run(name+path, func(t *testing.T) {
				t.Parallel()
				c := newClient(t, fake.Config{})
				status, stream, err := c.ask(path, body)
				if status != http.StatusOK || (err != nil) != tt.cut {
					t.Fatalf("status %d, %v", status, err)
				}
				text, end := textOf(t, path, stream)
				_, sum := fake.Fingerprint([]messages.Item{messages.TextMessage(messages.RoleUser, "hello there")})
				want := strings.ReplaceAll(tt.text, "%s", fmt.Sprintf("%016x", sum))
				if text != want || end != tt.end {
					t.Errorf("said %q and was %s, want %q and %s", text, end, want, tt.end)
				}
				if n := c.server.Calls(); n.Aborted != 0 || n.Running != 0 {
					t.Errorf("counts: %+v", n)
				}
			})
		}
	}
}

func TestFaultsBeforeAReply(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		terms  string
		status int // 0: none came
		retry  string
		says   string
	}{
		"a status":      {"fault-503", 503, "", "server_error"},
		"a limit":       {"fault-429-retry-2", 429, "2", "rate_limit_error"},
		"a wrong key":   {"fault-401", 401, "", "authentication_error"},
		"a page":        {"fault-garbage", 200, "", "<html>"},
		"refuse":        {"fault-refuse", 0, "", ""},
		"reset":         {"fault-reset", 0, "", ""},
		"a cut body":    {"fault-malformed", 200, "", `{"id":`},
		"an error":      {"fault-error", 500, "", "server_error"},
		"a broken body": {"fault-cut", -1, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, fake.Config{})
			response, err := c.do(t.Context(), http.MethodPost, c.server.URL()+chatPath, chat("fake-"+tt.terms, ""))
			if tt.status == 0 {
				if err == nil {
					t.Errorf("there was an answer: %s", response.Status)
					_ = response.Body.Close()
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			body, err := io.ReadAll(response.Body)
			if broken := tt.status < 0; (err != nil) != broken {
				t.Fatalf("%v: %s", err, body)
			}
			if tt.status > 0 && (response.StatusCode != tt.status || response.Header.Get("Retry-After") != tt.retry || !strings.Contains(string(body), tt.says)) {
				t.Errorf("%s, Retry-After %q: %s", response.Status, response.Header.Get("Retry-After"), body)
			}
			if n := c.server.Calls(); n.Faults != 1 {
				t.Errorf("counts: %+v", n)
			}
		})
	}
}

// What does not end ends when the client leaves, and the server sees it leave.
func TestFaultsThatOutlastTheClient(t *testing.T) {
	t.Parallel()
	for _, terms := range []string{"fault-hang", "fault-stall-after-1", "fault-endless-after-2-interval-1ms", "delay-1h", "tokens-5-interval-1h"} {
		for _, stream := range []string{"true", "false"} {
			t.Run(terms+"/stream="+stream, func(t *testing.T) {
				t.Parallel()
				c := newClient(t, fake.Config{})
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				left := make(chan struct{})
				go func() { // ends with the request, which ends with ctx
					defer close(left)
					response, err := c.do(ctx, http.MethodPost, c.server.URL()+chatPath, chat("fake-"+terms, `,"stream":`+stream))
					if err == nil {
						_, _ = io.Copy(io.Discard, response.Body)
						_ = response.Body.Close()
					}
				}()
				await(t, func() bool { return c.server.Calls().Running == 1 })
				leave()
				<-left
				await(t, func() bool { n := c.server.Calls(); return n.Running == 0 && n.Aborted == 1 })
			})
		}
	}
}

// await looks until cond holds.
func await(t *testing.T, cond func() bool) {
	t.Helper()
	deadline, tick := time.NewTimer(patience), time.NewTicker(time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatal("it did not come to that")
		}
	}
}

func TestCloseEndsWhatRuns(t *testing.T) {
	t.Parallel()
	c := newClient(t, fake.Config{})
	ended := make(chan error, 1)
	go func() { // Close ends it
		_, _, err := c.ask(chatPath, chat("fake-fault-hang", ""))
		ended <- err
	}()
	await(t, func() bool { return c.server.Calls().Running == 1 })
	if err := c.server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("the call was answered")
	}
	if err := c.server.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}

func TestIntervalPacesAStream(t *testing.T) {
	t.Parallel()
	c := newClient(t, fake.Config{})
	began := time.Now()
	response, err := c.do(t.Context(), http.MethodPost, c.server.URL()+chatPath, chat("fake-delay-20ms-interval-20ms", `,"stream":true`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewReader(response.Body)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	first := time.Since(began)
	if _, err := io.Copy(io.Discard, lines); err != nil {
		t.Fatal(err)
	}
	if all := time.Since(began); first < 20*time.Millisecond || all < 60*time.Millisecond || all-first < 30*time.Millisecond {
		t.Errorf("the first word came after %s, the last after %s", first, all)
	}
}

func TestFaultsBefallSomeCallsOnly(t *testing.T) {
	t.Parallel()
	for terms, want := range map[string][]int{
		"fault-500-first-2": {500, 500, 200, 200},
		"fault-500-every-2": {200, 500, 200, 500},
		"fault-500":         {500, 500, 500, 500},
	} {
		c := newClient(t, fake.Config{})
		got := make([]int, 0, len(want))
		for range want {
			status, _, err := c.ask(chatPath, chat("fake-"+terms, ""))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, status)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", terms, diff)
		}
	}
}

func TestSwitchOverridesTheModelUntilRestored(t *testing.T) {
	t.Parallel()
	c := newClient(t, fake.Config{Behaviour: fake.Behaviour{Tokens: 1}})
	status := func(model string) int {
		t.Helper()
		status, _, err := c.ask(chatPath, chat(model, ""))
		if err != nil {
			t.Fatal(err)
		}
		return status
	}
	admin := strings.TrimSuffix(c.server.URL(), "/v1")
	do := func(method, path, body string, want int) {
		t.Helper()
		response, err := c.do(t.Context(), method, admin+path, body)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s %s: %s", method, path, response.Status)
		}
	}
	do(http.MethodPost, "/fault", `{"behaviour":"fault-500","model":"gpt-4o"}`, 200)
	do(http.MethodPost, "/fault", `{"behaviour":"fault-529-first-1"}`, 200)
	do(http.MethodPost, "/fault", `{"behaviour":"fault-of-mine"}`, 400)
	if got := []int{status("gpt-4o"), status("other"), status("other")}; !cmp.Equal(got, []int{500, 529, 200}) {
		t.Errorf("switched on: %v", got)
	}
	do(http.MethodDelete, "/fault", "", 200)
	do(http.MethodDelete, "/fault?model=gpt-4o", "", 200)
	if got := []int{status("gpt-4o"), status("fake-fault-503")}; !cmp.Equal(got, []int{200, 503}) {
		t.Errorf("restored: %v", got)
	}
}

func TestHeaderOverridesTheModel(t *testing.T) {
	t.Parallel()
	c := newClient(t, fake.Config{})
	c.header.Set("x-fake", "fault-502")
	if status, _, err := c.ask(messagesPath, message("fake-fault-429", "")); err != nil || status != 502 {
		t.Errorf("status %d, %v", status, err)
	}
	c.header.Set("x-fake", "fault-none")
	if status, _, err := c.ask(messagesPath, message("fake-fault-429", "")); err != nil || status != 200 {
		t.Errorf("status %d, %v", status, err)
	}
}

func TestCallsAreCounted(t *testing.T) {
	t.Parallel()
	c := newClient(t, fake.Config{})
	c.mustAsk(chatPath, chat("a", `,"stream":true`))
	c.header = http.Header{"X-Api-Key": {"sk-ant"}}
	c.mustAsk(messagesPath, message("b", ""))
	c.mustAsk(messagesPath, message("b", ""))
	response, err := c.do(t.Context(), http.MethodGet, strings.TrimSuffix(c.server.URL(), "v1")+"calls", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var got fake.Counts
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := fake.Counts{
		Calls: 3, Streams: 1, Connections: got.Connections,
		ByModel: map[string]int64{"a": 1, "b": 2},
		ByKey:   map[string]int64{"sk-test": 1, "sk-ant": 2},
		ByPath:  map[string]int64{"/v1/chat/completions": 1, "/v1/messages": 2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	c.server.ResetCalls()
	if n := c.server.Calls(); n.Calls != 0 || len(n.ByKey) != 0 {
		t.Errorf("after reset: %+v", n)
	}
}

func TestDropClosesIdleConnections(t *testing.T) {
	t.Parallel()
	c := newClient(t, fake.Config{})
	c.mustAsk(chatPath, chat("a", ""))
	if n := c.server.Calls().Connections; n != 1 {
		t.Fatalf("%d connections", n)
	}
	c.server.Drop()
	if n := c.server.Calls().Connections; n != 0 {
		t.Errorf("%d connections are left", n)
	}
	c.http.CloseIdleConnections()
	c.mustAsk(chatPath, chat("a", ""))
}

func TestModelsAreListedInBothFormats(t *testing.T) {
	t.Parallel()
	c := newClient(t, fake.Config{Models: []string{"one", "two"}})
	for version, want := range map[string]string{
		"":           `{"object":"list","data":[{"id":"one","object":"model","created":1750000000,"owned_by":"fake"},{"id":"two","object":"model","created":1750000000,"owned_by":"fake"}],"first_id":"one","last_id":"two","has_more":false}`,
		"2023-06-01": `{"data":[{"type":"model","id":"one","display_name":"one","created_at":"2025-06-15T15:06:40Z"},{"type":"model","id":"two","display_name":"two","created_at":"2025-06-15T15:06:40Z"}],"has_more":false,"first_id":"one","last_id":"two"}`,
	} {
		c.header.Del("anthropic-version")
		if version != "" {
			c.header.Set("anthropic-version", version)
		}
		response, err := c.do(t.Context(), http.MethodGet, c.server.URL()+"/models", "")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if diff := cmp.Diff(want, string(body)); diff != "" || err != nil {
			t.Errorf("models for version %q, %v (-want +got):\n%s", version, err, diff)
		}
	}
}

func TestRequestsThatNobodyCanAnswer(t *testing.T) {
	t.Parallel()
	c := newClient(t, fake.Config{})
	for name, tt := range map[string]struct {
		path, body string
		status     int
		says       string
	}{
		"no JSON":          {chatPath, `{`, 400, "invalid_request_error"},
		"no max_tokens":    {messagesPath, `{"model":"m"}`, 400, "max_tokens is missing"},
		"a term of no use": {messagesPath, message("fake-tokens-many", ""), 400, "no number"},
		"another path":     {"/embeddings", `{}`, 404, "/v1/embeddings"},
	} {
		status, body, err := c.ask(tt.path, tt.body)
		if err != nil || status != tt.status || !strings.Contains(string(body), tt.says) {
			t.Errorf("%s: status %d, %v: %s", name, status, err, body)
		}
	}
}
