package http_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

// short gives turns a second.
func short(w *world) { w.config.TurnTimeout = time.Second }

func TestWhatThereIsNotIsAnsweredInOpenAIsShape(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	for name, test := range map[string]struct {
		method, path string
		status       int
		code         string
	}{
		"no route":                {"GET", "/v1/engines", 404, "route_not_found"},
		"no route without a key":  {"GET", "/", 404, "route_not_found"},
		"another spelling":        {"GET", "/V1/models", 404, "route_not_found"},
		"a method it lacks":       {"PUT", "/v1/chat/completions", 405, "method_not_allowed"},
		"a method for reading":    {"GET", "/v1/chat/completions", 405, "method_not_allowed"},
		"a method of no standard": {"BREW", "/v1/models", 405, "method_not_allowed"},
	} {
		got := w.do(test.method, test.path, "")
		if got.status != test.status || got.errorOf(t).Code != test.code {
			t.Errorf("%s: status %d: %s", name, got.status, got.body)
		}
		if got.header.Get("X-Request-Id") == "" {
			t.Errorf("%s: no x-request-id", name)
		}
	}
}

func TestAClientsOwnRequestIDComesBack(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	for sent, want := range map[string]string{
		"trace-7/a": "trace-7/a", "": "", "two words": "", strings.Repeat("a", 128): strings.Repeat("a", 128), strings.Repeat("a", 129): "", "caf\u00e9": "",
	} {
		got := w.do("POST", "/v1/chat/completions", question, "X-Request-Id", sent)
		if got.header.Get("X-Client-Request-Id") != want {
			t.Errorf("%q came back as %q", sent, got.header.Get("X-Client-Request-Id"))
		}
		if id, ok := messages.ParseTurnID(got.header.Get("X-Request-Id")); !ok || time.Since(id.Time()) > time.Minute {
			t.Errorf("x-request-id is %q", got.header.Get("X-Request-Id"))
		}
		if got.header.Get("Openai-Processing-Ms") == "" {
			t.Error("no openai-processing-ms")
		}
	}
}

// ask writes bytes as they are and reads what comes back until the server closes
// the connection or says nothing for a while.
func (w *world) ask(raw string) string {
	w.tb.Helper()
	conn, err := (&net.Dialer{}).DialContext(w.tb.Context(), "tcp", w.address)
	if err != nil {
		w.tb.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, raw); err != nil {
		w.tb.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	all, _ := io.ReadAll(conn)
	return string(all)
}

func TestSmugglingIsRefused(t *testing.T) {
	t.Parallel()
	turns, asked := counting(says(hello()...))
	w := serve(t, turns)
	const hidden = "0\r\n\r\nPOST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + memberKey + "\r\nContent-Length: 2\r\n\r\n{}"
	head := "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + memberKey + "\r\n"
	for name, headers := range map[string]string{
		"both lengths":           fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n", len(hidden)),
		"both, the other way":    fmt.Sprintf("Transfer-Encoding: chunked\r\nContent-Length: %d\r\n", len(hidden)),
		"two lengths":            "Content-Length: 5\r\nContent-Length: 6\r\n",
		"a length with a sign":   "Content-Length: +5\r\n",
		"an unknown encoding":    "Transfer-Encoding: xchunked\r\n",
		"a blank before a colon": "Content-Length : 5\r\n",
	} {
		got := w.ask(head + headers + "\r\n" + hidden)
		if !strings.HasPrefix(got, "HTTP/1.1 4") || strings.Count(got, "HTTP/1.1") != 1 {
			t.Errorf("%s: %q", name, got)
		}
		if !strings.Contains(strings.ToLower(got), "x-request-id: 0") {
			t.Errorf("%s: no x-request-id: %q", name, got)
		}
		if !strings.Contains(got, `{"error":{`) || !strings.Contains(strings.ToLower(got), "connection: close") {
			t.Errorf("%s is not refused in OpenAI's shape, with an end: %q", name, got)
		}
	}
	if asked.Load() != 0 {
		t.Errorf("%d turns ran", asked.Load())
	}
}

func TestARequestThatTakesTooLongIsRefused(t *testing.T) {
	t.Parallel()
	w := serve(t, says(), configured(func(c *parleyhttp.Config) { c.ReadTimeout = time.Second }))
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", w.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	got, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 400") {
		t.Errorf("%v: %q", err, got)
	}
}

func TestReadinessFollowsItsChecks(t *testing.T) {
	t.Parallel()
	var fault error
	w := serve(t, says(), func(w *world) {
		w.checks = []parleyhttp.Check{{Name: "store", Probe: func(context.Context) error { return fault }}}
	})
	if got := w.do("GET", "/readyz", ""); got.status != http.StatusOK {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	fault = errors.New("dial canary-address: refused")
	for _, path := range []string{"/readyz", "/health/readiness"} {
		got := w.do("GET", path, "")
		if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "store") || strings.Contains(got.body, "canary-address") {
			t.Errorf("%s: status %d: %s", path, got.status, got.body)
		}
	}
	for _, path := range []string{"/healthz", "/health/liveliness"} {
		if got := w.do("GET", path, ""); got.status != http.StatusOK {
			t.Errorf("%s: status %d: %s", path, got.status, got.body)
		}
	}
	if got := w.do("HEAD", "/healthz", ""); got.status != http.StatusOK || got.body != "" {
		t.Errorf("HEAD: status %d: %s", got.status, got.body)
	}
}

func TestADrainLetsAStreamFinish(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	w := serve(t, func(m *messages.StartTurn) error {
		go func() {
			defer m.CloseChunks()
			m.Answer(messages.TurnStarted{})
			m.Show(opened())
			m.Show(text("Hel"))
			<-more
			for _, c := range []messages.Chunk{text("lo"), finish(), end()} {
				m.Show(c)
			}
		}()
		return nil
	})
	lines := w.stream(streamed(question))
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	w.stop()
	eventually(t, "the server is not ready", func() bool { return w.do("GET", "/readyz", "").status == http.StatusServiceUnavailable })
	refused := w.do("POST", "/v1/chat/completions", question)
	if refused.status != http.StatusServiceUnavailable || refused.header.Get("X-Should-Retry") != "true" || refused.header.Get("Retry-After") != "1" {
		t.Errorf("new work: %d %v %s", refused.status, refused.header, refused.body)
	}
	close(more)
	if rest, err := io.ReadAll(lines); err != nil || !strings.HasSuffix(string(rest), "data: [DONE]\n\n") {
		t.Errorf("%v: %q", err, rest)
	}
	w.end()
}

func TestADrainCutsWhatDoesNotFinish(t *testing.T) {
	t.Parallel()
	turns, begun, left := holding(opened(), text("Hel"))
	w := serve(t, turns, configured(func(c *parleyhttp.Config) { c.DrainTimeout = 100 * time.Millisecond }))
	events := w.stream(streamed(question))
	plain := make(chan reply, 1)
	go func() { plain <- w.do("POST", "/v1/responses", `{"model":"demo","input":"hi"}`) }()
	<-begun
	<-begun
	w.stop()
	body, err := io.ReadAll(events)
	if err != nil || !strings.Contains(string(body), `"code":"shutting_down"`) || strings.Contains(string(body), "[DONE]") {
		t.Errorf("%v: %s", err, body)
	}
	if got := <-plain; got.status != http.StatusServiceUnavailable || got.errorOf(t).Code != "shutting_down" {
		t.Errorf("the plain one: %d %s", got.status, got.body)
	}
	<-left
	<-left
	w.end()
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	w.do("POST", "/v1/chat/completions", question)
	w.do("POST", "/v1/chat/completions", streamed(question))
	w.do("POST", "/v1/chat/completions", "{")
	w.do("GET", "/v1/conversations/conv_canary-id", "")
	w.do("GET", "/somewhere/canary-path", "")
	w.do("BREW", "/v1/models", "")
	eventually(t, "the stream is counted", func() bool {
		n, err := testutil.GatherAndCount(w.registry, "chatbot_request_duration_seconds")
		return err == nil && n == 5
	})
	text := w.scrape()
	for _, want := range []string{
		`chatbot_request_duration_seconds_count{endpoint="/v1/chat/completions",method="POST",status="200"} 2`,
		`chatbot_request_duration_seconds_count{endpoint="/v1/chat/completions",method="POST",status="400"} 1`,
		`chatbot_request_duration_seconds_count{endpoint="/v1/conversations/{id}",method="GET",status="404"} 1`,
		`chatbot_request_duration_seconds_count{endpoint="unmatched",method="GET",status="404"} 1`,
		`chatbot_request_duration_seconds_count{endpoint="unmatched",method="other",status="405"} 1`,
		`chatbot_errors_total{code="invalid_json"} 1`,
		`chatbot_errors_total{code="route_not_found"} 1`,
		`chatbot_active_streams 0`,
		`chatbot_active_websockets 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
}

func TestTheLogTellsWhatTheClientIsNotTold(t *testing.T) {
	t.Parallel()
	broken := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("nobody listens")}
	for name, test := range map[string]struct {
		failure messages.Failure
		told    int // lines about three of them
	}{
		"the store, once a second":         {messages.Failure{Code: messages.CodeStoreUnavailable, Cause: errors.New("the-cause")}, 1},
		"a full disk":                      {messages.Failure{Code: messages.CodeStoreFull, Cause: errors.New("the-cause")}, 1},
		"a network":                        {messages.Failure{Code: messages.CodeProviderFailed, Cause: fmt.Errorf("the-cause: %w", broken)}, 1},
		"our own mistakes, each":           {messages.Failure{Code: messages.CodeInternal, Cause: errors.New("the-cause")}, 3},
		"not what a provider said of them": {messages.Failure{Code: messages.CodeProviderKey, Cause: errors.New("the-cause")}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := serve(t, func(*messages.StartTurn) error { return &test.failure })
			begun := time.Now()
			for range 3 {
				if got := w.do("POST", "/v1/chat/completions", question); strings.Contains(got.body, "the-cause") {
					t.Errorf("the client is told: %s", got.body)
				}
			}
			if told := strings.Count(w.logged.String(), "the-cause"); told != test.told && time.Since(begun) < time.Second {
				t.Errorf("%d lines, want %d:\n%s", told, test.told, w.logged)
			}
		})
	}
}

func TestAnExchangeIsNotedByItsNamesAndSizes(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	for _, body := range []string{question, streamed(question)} {
		got := w.do("POST", "/v1/chat/completions", body)
		want := fmt.Sprintf("msg=answered request=%s method=POST endpoint=/v1/chat/completions tenant=acme key=member received_bytes=%d sent_bytes=%d status=200",
			got.header.Get("X-Request-Id"), len(body), len(got.body))
		eventually(t, want, func() bool { return strings.Contains(w.logged.String(), want) })
	}
}

func TestNothingThatIsSecretIsLoggedOrCounted(t *testing.T) {
	t.Parallel()
	w := serve(t, func(m *messages.StartTurn) error {
		switch m.Spec.Model {
		case "panics":
			panic("boom")
		case "fails":
			return errors.New("the disk is full")
		default:
			go speak(m, []messages.Chunk{opened(), text("canary-answer"), brokenBy(&messages.Failure{Code: messages.CodeProviderFailed, What: "x"})})
			return nil
		}
	})
	for _, model := range []string{"panics", "fails", "breaks"} {
		body := strings.Replace(question, "demo", model, 1)
		w.do("POST", "/v1/chat/completions", body, "Idempotency-Key", "canary-idempotency")
		w.do("POST", "/v1/chat/completions", streamed(body))
		w.do("POST", "/v1/chat/completions", body+"canary-trailer")
		w.do("POST", "/v1/canary-path?canary-query=1", body)
		w.do("GET", "/v1/models", "", "Authorization", "Bearer wrong-canary-secret")
	}
	w.ask("POST /v1/canary-path HTTP/1.1\r\nHost: canary-host\r\nContent-Length: canary-length\r\n\r\ncanary-body")
	w.ask("canary-garbage\r\n\r\n")
	if text := w.logged.String() + w.scrape(); strings.Contains(text, "canary") {
		t.Errorf("what is secret is in the log or the metrics:\n%s", text)
	}
}

// A shutdown may come before the serving has begun.
func TestServerThatIsStoppedAtOnceStops(t *testing.T) {
	t.Parallel()
	for range 20 {
		serve(t, says()).end()
	}
}
