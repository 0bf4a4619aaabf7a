package http_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

// pageOrigin is where a browser is.
const pageOrigin = "https://chat.example.com"

// reached is a core at an address, as an edge node sees it.
type reached struct {
	address string
	asked   atomic.Int32
	wanted  atomic.Value // of the last reply
	old     atomic.Bool  // what is known is too old
	away    atomic.Bool
	conns   chan net.Conn // that Dial made
}

func reach(address string) *reached { return &reached{address: address, conns: make(chan net.Conn, 8)} }

// at has the world be an edge node of the core.
func (r *reached) at() option { return func(w *world) { w.core = r } }

func (r *reached) RoundTrip(request *http.Request) (*http.Response, error) {
	r.asked.Add(1)
	if r.away.Load() {
		return nil, messages.CutOff(nil)
	}
	request.URL.Scheme, request.URL.Host = "http", r.address
	return (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
}

func (r *reached) Dial(ctx context.Context) (net.Conn, error) {
	if r.away.Load() {
		return nil, messages.CutOff(nil)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", r.address)
	if err == nil {
		r.conns <- conn
	}
	return conn, err
}

func (r *reached) Standing() error {
	if r.old.Load() {
		return messages.CutOff(nil)
	}
	return nil
}

func (r *reached) Want(tenant messages.TenantID, entry messages.CacheEntryID) {
	r.wanted.Store(fmt.Sprintf("%s %s", tenant, entry))
}

func (r *reached) Name() string { return "nearby" }

// caches answers nobody but who asks for something that is cached.
func caches(chunks ...messages.Chunk) conversations {
	return func(m *messages.StartTurn) error {
		if m.Spec.Keep || !strings.Contains(m.Spec.Input[0].Text(), "cached") {
			m.Refuse(messages.NotCached())
			return nil
		}
		go speak(m, chunks)
		return nil
	}
}

func TestAnEdgeNodeAsksTheCoreForWhatItHasNot(t *testing.T) {
	t.Parallel()
	core := reach(serve(t, says(hello()...)).address)
	edge := serve(t, caches(hello()...), core.at())
	const cached = `{"model":"demo","messages":[{"role":"user","content":"cached"}]}`
	for name, test := range map[string]struct {
		method, path, body string
		headers            []string
		forwarded          bool
	}{
		"what is cached":               {body: cached},
		"what is cached, as a stream":  {body: streamed(cached)},
		"what is not":                  {body: question, forwarded: true},
		"what is not, as a stream":     {body: streamed(question), forwarded: true},
		"under a key":                  {body: cached, headers: []string{"Idempotency-Key", "k"}, forwarded: true},
		"to be stored":                 {body: strings.Replace(cached, "{", `{"store":true,`, 1), forwarded: true},
		"a response that is not kept":  {path: "/v1/responses", body: `{"model":"demo","store":false,"input":"cached"}`},
		"a response that is":           {path: "/v1/responses", body: `{"model":"demo","input":"cached"}`, forwarded: true},
		"models":                       {method: http.MethodGet, path: "/v1/models", forwarded: true},
		"what the core itself refuses": {method: http.MethodGet, path: "/v1/responses/resp_none", forwarded: true},
	} {
		method, path := http.MethodPost, "/v1/chat/completions"
		if test.method != "" {
			method = test.method
		}
		if test.path != "" {
			path = test.path
		}
		before := core.asked.Load()
		got := edge.do(method, path, test.body, test.headers...)
		if forwarded := core.asked.Load() > before; forwarded != test.forwarded || got.header.Get("x-parley-edge") != "nearby" || len(got.header.Values("x-request-id")) != 1 {
			t.Errorf("%s: forwarded %t, %d %v %s", name, forwarded, got.status, got.header, got.body)
		}
		if ok := got.status == http.StatusOK; ok == strings.HasSuffix(path, "none") {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if got := edge.do(http.MethodPost, "/v1/chat/completions", question, "Authorization", "Bearer pk_wrong_canary-secret"); got.status != http.StatusUnauthorized {
		t.Errorf("a wrong key: %d", got.status)
	}
	core.away.Store(true)
	if got := edge.do(http.MethodPost, "/v1/chat/completions", question); got.status != 503 || got.errorOf(t).Code != "edge_cut_off" || got.header.Get("Retry-After") == "" {
		t.Errorf("without the core: %d %v %s", got.status, got.header, got.body)
	}
	if got := edge.do(http.MethodPost, "/v1/chat/completions", cached); got.status != http.StatusOK {
		t.Errorf("what is cached, without the core: %d %s", got.status, got.body)
	}
	core.old.Store(true)
	if got := edge.do(http.MethodPost, "/v1/chat/completions", cached); got.status != 503 || got.errorOf(t).Code != "edge_cut_off" {
		t.Errorf("what is cached and too old: %d %s", got.status, got.body)
	}
}

// scriptedCore answers with what a function writes.
func scriptedCore(t *testing.T, answer http.HandlerFunc) *reached {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return reach(server.Listener.Addr().String())
}

// Half an event would be taken for a whole one, and a stream that just ends for one
// that has ended.
func TestAForwardedStreamThatBreaksOffSaysSoBehindWholeEvents(t *testing.T) {
	t.Parallel()
	const event = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":7}\n\n"
	core := scriptedCore(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("x-parley-conversation", "conv_1")
		w.Header().Set("x-request-id", strings.Repeat("ab", 16))
		_, _ = io.WriteString(w, event+event[:40])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	edge := serve(t, caches(), core.at())
	got := edge.do(http.MethodPost, "/v1/responses", `{"model":"demo","stream":true,"input":"x"}`)
	rest, whole := strings.CutPrefix(got.body, event)
	if !whole || !strings.HasPrefix(rest, "event: error\n") || !strings.Contains(rest, `"edge_cut_off"`) ||
		!strings.Contains(rest, `"response_id":"resp_`+strings.Repeat("ab", 16)+`"`) || !strings.Contains(rest, `"starting_after":7`) || !strings.HasSuffix(rest, "\n\n") {
		t.Errorf("the stream is\n%s", got.body)
	}
}

func TestAClientThatLeavesEndsItsRequestToTheCore(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{}, 2)
	core := scriptedCore(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		if strings.HasSuffix(r.URL.Path, "responses") {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, ": ping\n\n")
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
		ended <- struct{}{}
	})
	edge := serve(t, caches(), core.at())
	response := edge.open(http.MethodPost, "/v1/responses", `{"model":"demo","stream":true,"input":"x"}`)
	if line, err := bufio.NewReader(response.Body).ReadString('\n'); err != nil || line != ": ping\n" {
		t.Fatalf("%q, %v", line, err)
	}
	_ = response.Body.Close()
	ctx, leave := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer leave()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, edge.url+"/v1/chat/completions", strings.NewReader(question))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+memberKey)
	if response, err := client.Do(request); err == nil {
		_ = response.Body.Close()
		t.Error("it was answered")
	}
	for range 2 {
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			t.Fatal("the core still answers")
		}
	}
}

func TestAReplyThatTheCoreHadCachedIsFetched(t *testing.T) {
	t.Parallel()
	core := scriptedCore(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("x-parley-cache", "semantic")
		w.Header().Set("x-parley-cache-entry", "ce_1")
		_, _ = io.WriteString(w, "{}")
	})
	edge := serve(t, caches(), core.at())
	edge.do(http.MethodPost, "/v1/chat/completions", question)
	if wanted := core.wanted.Load(); wanted != "acme ce_1" {
		t.Errorf("%v is fetched", wanted)
	}
}

// A session at an edge node stays when the core's does not, and a ticket opens one as
// its key does.
func TestASessionAtAnEdgeNodeOutlivesTheCores(t *testing.T) {
	t.Parallel()
	origins := configured(func(c *parleyhttp.Config) { c.Sessions.Origins = []string{pageOrigin} })
	never := conversations(func(m *messages.StartTurn) error {
		m.Answer(messages.TurnStarted{})
		m.Show(opened())
		m.Show(text("Hel"))
		return nil
	})
	core := reach(serve(t, never).address)
	edge := serve(t, caches(), core.at(), origins)
	ticket := edge.do(http.MethodPost, "/v1/realtime-tickets", `{"origin":"`+pageOrigin+`"}`)
	_, name, _ := strings.Cut(ticket.body, `"protocol":"`)
	name, _, _ = strings.Cut(name, `"`)
	conn, response, err := (&websocket.Dialer{Subprotocols: []string{name}}).DialContext(t.Context(), "ws://"+edge.address+"/v1/responses", http.Header{"Origin": {pageOrigin}})
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	defer conn.Close() //nolint:errcheck // the test is over
	say := func(lane string) {
		t.Helper()
		if err := conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"type":"response.create","stream_id":%q,"model":"demo","store":false,"input":"x"}`, lane)); err != nil {
			t.Fatal(err)
		}
	}
	hear := func(parts ...string) {
		t.Helper()
		for {
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			_, message, err := conn.ReadMessage()
			if err != nil {
				t.Fatalf("%v, before %q", err, parts)
			}
			has := true
			for _, part := range parts {
				has = has && strings.Contains(string(message), part)
			}
			if has {
				return
			}
		}
	}
	say("one")
	hear(`"response.output_text.delta"`, `"one"`)
	_ = (<-core.conns).Close()
	hear(`"type":"error"`, `"edge_cut_off"`, `"stream_id":"one"`, "response.resume")
	core.away.Store(true)
	say("two")
	hear(`"type":"error"`, `"edge_cut_off"`, `"stream_id":"two"`)
	core.away.Store(false)
	say("three")
	hear(`"response.output_text.delta"`, `"three"`)
}

// The core counts requests by the addresses that edge nodes name.
func TestAnEdgeNodeNamesItsClients(t *testing.T) {
	t.Parallel()
	addresses := make(chan string, 1)
	core := serve(t, func(m *messages.StartTurn) error {
		addresses <- m.Spec.Address
		go speak(m, hello())
		return nil
	})
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- core.server.ServeEdges(ctx, ln) }()
	for address, vouched := range map[string]bool{core.address: false, ln.Addr().String(): true} {
		core.url = "http://" + address
		core.do(http.MethodPost, "/v1/chat/completions", question, "X-Forwarded-For", "203.0.113.7")
		if got := <-addresses; (got == "203.0.113.7") != vouched {
			t.Errorf("at %s the client is %s", address, got)
		}
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
