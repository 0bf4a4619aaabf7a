package provider_test

import (
	"cmp"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"example.com/parley/actors/provider"
	"example.com/parley/messages"
	"example.com/parley/messages/parking"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a provider's server, played by the test.
type fake struct {
	*httptest.Server
	connections atomic.Int64 // that it ever accepted
	gone        chan struct{}
	authority   string // the file with its certificate; empty without TLS

	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
}

// newFake starts a server that answers with handler.
func newFake(t *testing.T, handler http.HandlerFunc) *fake {
	t.Helper()
	f := newUnstarted(handler)
	f.Start()
	t.Cleanup(f.Close)
	return f
}

// newSecured is newFake with TLS, where secured.
func newSecured(t *testing.T, secured bool, handler http.HandlerFunc) *fake {
	t.Helper()
	if !secured {
		return newFake(t, handler)
	}
	f := newUnstarted(handler)
	f.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections that are cut
	f.StartTLS()
	t.Cleanup(f.Close)
	f.authority = filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw})
	if err := os.WriteFile(f.authority, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	return f
}

func newUnstarted(handler http.HandlerFunc) *fake {
	f := &fake{gone: make(chan struct{}, 64)}
	f.Server = httptest.NewUnstartedServer(f.remember(handler))
	f.Config.ConnState = f.watch
	return f
}

func (f *fake) watch(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		f.connections.Add(1)
	}
}

func (f *fake) remember(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		f.mu.Lock()
		f.requests, f.bodies = append(f.requests, r), append(f.bodies, string(body))
		f.mu.Unlock()
		handler(w, r)
	}
}

// last is the last request with its body.
func (f *fake) last() (*http.Request, string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests[len(f.requests)-1], f.bodies[len(f.bodies)-1]
}

// settings point a provider at the fake.
func (f *fake) settings(kind provider.Kind) provider.Settings {
	s := provider.Settings{Kind: kind, BaseURL: f.URL, APIKey: secretKey, CAFile: f.authority}
	if kind == provider.KindOpenAI {
		s.BaseURL += "/v1"
	}
	return s
}

// secretKey must show up in no error.
const secretKey = "very-secret-0123456789"

// newProviders configures one provider, which is called p. It has time for a
// connection, since the machine that tests may have other things to do.
func newProviders(tb testing.TB, s provider.Settings) *provider.Providers {
	tb.Helper()
	return newParking(tb, s, nil)
}

// newParking is newProviders with a poller, whose goroutine waits for the network.
func newParking(tb testing.TB, s provider.Settings, poller *parking.Poller) *provider.Providers {
	tb.Helper()
	s.Connect = cmp.Or(s.Connect, time.Minute)
	p, err := provider.New(provider.Config{"p": s}, provider.Deps{Poller: poller, Registerer: prometheus.NewRegistry()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.Close)
	return p
}

// newPoller returns one that runs until the test has ended.
func newPoller(tb testing.TB) *parking.Poller {
	tb.Helper()
	p, err := parking.NewPoller()
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	tb.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
	})
	return p
}

// call asks the provider p for m.
func call(ctx context.Context, p *provider.Providers, stream bool) reply {
	return read(p.Open(ctx, messages.Target{Provider: "p", Model: "m"}, &messages.Call{
		Stream: stream, Items: []messages.Item{messages.TextMessage(messages.RoleUser, "hello")},
	}))
}

// reply is an answer as a client would see it.
type reply struct {
	served messages.Served
	text   string
	finish messages.FinishReason
	usage  *messages.Usage
	chunks []messages.Chunk
	err    error
}

// resumed is who reads an answer that was parked.
type resumed chan struct{}

// Resume implements parking.Waiter.
func (r resumed) Resume() { r <- struct{}{} }

// await waits for an answer as a turn does, and tells whether it was parked.
func await(answer provider.Answer) (parked bool) {
	w := make(resumed, 1)
	if parked = answer.(interface{ Await(w parking.Waiter) bool }).Await(w); parked {
		<-w
	}
	return parked
}

// read takes an answer to its end, and awaits each chunk as a turn does.
func read(answer provider.Answer, err error) (r reply) {
	if err != nil {
		return reply{err: err}
	}
	defer answer.Close() //nolint:errcheck // there is nothing to be lost
	for {
		await(answer)
		c, err := answer.Next()
		if errors.Is(err, io.EOF) {
			return r
		}
		if err != nil {
			r.err = err
			return r
		}
		r.chunks = append(r.chunks, c)
		switch c.Kind {
		case messages.ChunkOpened:
			r.served = *c.Served
		case messages.ChunkFinish:
			r.finish = c.Finish
		case messages.ChunkUsage:
			r.usage = c.Usage
		default:
			r.text += c.Text
		}
	}
}

// events answers with a stream of the given lines, each flushed by itself.
func events(lines ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, line := range lines {
			_, _ = io.WriteString(w, line+"\n\n")
			w.(http.Flusher).Flush()
		}
	}
}

// data are OpenAI's events.
func data(payloads ...string) http.HandlerFunc {
	lines := make([]string, len(payloads))
	for i, payload := range payloads {
		lines[i] = "data: " + payload
	}
	return events(lines...)
}

// delta is a piece of text in OpenAI's format.
func delta(text string) string {
	return fmt.Sprintf(`{"id":"c1","model":"m-2025","choices":[{"index":0,"delta":{"content":%q},"finish_reason":null}]}`, text)
}

const (
	chatFinish = `{"id":"c1","model":"m-2025","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`
	chatUsage  = `{"id":"c1","model":"m-2025","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}`
	chatDone   = `[DONE]`
	chatWhole  = `{"id":"c1","object":"chat.completion","model":"m-2025","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}`
)

// answer is a whole reply, or an error.
func answer(status int, contentType, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func hello() http.HandlerFunc {
	return data(delta("Hel"), delta("lo"), chatFinish, chatUsage, chatDone)
}

// promptly is the second that is promised, and what a busy machine adds to it.
const promptly = 3 * time.Second

// within fails when something takes longer than it may.
func within(t *testing.T, limit time.Duration, what string, do func()) {
	t.Helper()
	before := time.Now()
	do()
	if took := time.Since(before); took > limit {
		t.Errorf("%s took %s, want at most %s", what, took, limit)
	}
}

// checkFailure checks that an error is one that a person may see.
func checkFailure(t *testing.T, err error, code messages.Code) messages.Failure {
	t.Helper()
	f := messages.AsFailure(err)
	if f.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	if f.What == "" || f.Do == "" {
		t.Errorf("%s says what %q and do %q", code, f.What, f.Do)
	}
	if said := fmt.Sprintf("%v %+v", err, f); strings.Contains(said, secretKey) {
		t.Errorf("the key is in %s", said)
	}
	return *f
}
