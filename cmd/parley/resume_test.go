package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// fromEnvironment is a number that a longer run sets.
func fromEnvironment(t *testing.T, variable string, usual int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// seeded returns what a test draws from, and has the seed in its output.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(fromEnvironment(t, "PARLEY_TEST_SEED", int(rand.Uint32()))) // #nosec G115,G404 -- drawn, not guessed at
	t.Logf("seed %d: set PARLEY_TEST_SEED to draw the same", seed)
	return rand.New(rand.NewPCG(seed, 0)) // #nosec G404 -- a test's
}

// prose is a text of so many words, some of which have characters of several bytes.
func prose(words int) string {
	var b strings.Builder
	for i := range words {
		fmt.Fprintf(&b, "w%d %s ", i, []string{"and", "né", "日本", "😀"}[i%4])
	}
	return strings.TrimSpace(b.String())
}

// heardEvent is an event of a response's stream.
type heardEvent struct {
	Type          string
	Sequence      int64  `json:"sequence_number"`
	Delta         string `json:"delta"`
	Code          string
	ResponseID    string `json:"response_id"`
	StartingAfter int64  `json:"starting_after"`
	Response      struct {
		ID      string
		Status  string
		Details struct{ Reason string } `json:"incomplete_details"`
		Output  []struct{ Content []struct{ Text string } }
	}
}

// isLast tells whether nothing follows.
func (e *heardEvent) isLast() bool {
	return e.Type == "response.completed" || e.Type == "response.incomplete" || e.Type == "response.failed"
}

func (e *heardEvent) text() (text string) {
	for _, item := range e.Response.Output {
		for _, part := range item.Content {
			text += part.Text
		}
	}
	return text
}

// listener reads one response over any number of connections, and checks what
// comes as it comes.
type listener struct {
	p      *process
	key    string
	id     string
	cursor int64 // of the last event
	said   strings.Builder
	kinds  []string // of the events that are no deltas, with their numbers
	last   *heardEvent
	faults []string
}

func newListener(p *process, key string) *listener { return &listener{p: p, key: key, cursor: -1} }

// text is that of all deltas.
func (l *listener) text() string { return l.said.String() }

func (l *listener) fault(format string, args ...any) {
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

// open begins the response, or reads on where the last connection was cut.
func (l *listener) open(ctx context.Context, body string) (*http.Response, error) {
	method, path := http.MethodPost, "/v1/responses"
	if l.id != "" {
		method, body, path = http.MethodGet, "", "/v1/responses/"+l.id+"?stream=true"
		if l.cursor >= 0 {
			path += "&starting_after=" + strconv.FormatInt(l.cursor, 10)
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, l.p.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+l.key)
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err == nil && response.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		err = fmt.Errorf("%s %s: %d %s", method, path, response.StatusCode, said)
	}
	return response, err
}

// hear takes at most so many events from a connection, and cuts it. It returns
// whether the response has ended.
func (l *listener) hear(ctx context.Context, body string, most int) (ended bool, err error) {
	response, err := l.open(ctx, body)
	if err != nil {
		return false, err
	}
	defer response.Body.Close() //nolint:errcheck // that is how it is cut
	if l.id == "" {
		l.id = "resp_" + response.Header.Get("X-Request-Id")
	}
	lines := bufio.NewReader(response.Body)
	for n := 0; n < most; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return false, nil // it was cut from the other side
		}
		data, is := strings.CutPrefix(line, "data: ")
		if !is {
			continue
		}
		var e heardEvent
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return false, err
		}
		if e.Type == "error" {
			if e.ResponseID != l.id || e.StartingAfter != l.cursor || e.Sequence != l.cursor {
				l.fault("cut behind %d with %+v", l.cursor, e)
			}
			return false, nil
		}
		l.take(&e)
		n++
		if l.last != nil {
			return true, nil
		}
	}
	return false, nil
}

// take checks that the event is the next one.
func (l *listener) take(e *heardEvent) {
	if e.isLast() {
		l.last = e
	}
	switch {
	case e.Delta != "":
		if want := l.cursor + int64(len(e.Delta)); e.Sequence != want {
			l.fault("a delta of %d bytes behind number %d has number %d", len(e.Delta), l.cursor, e.Sequence)
		}
		l.said.WriteString(e.Delta)
	case e.isLast() && e.Response.Details.Reason == "server_restart" && e.Sequence <= l.cursor:
		return // what was shown reached further than what was stored
	default:
		if e.Sequence != l.cursor+1 {
			l.fault("%s behind number %d has number %d", e.Type, l.cursor, e.Sequence)
		}
		l.kinds = append(l.kinds, fmt.Sprintf("%d %s", e.Sequence, e.Type))
	}
	l.cursor = e.Sequence
}

// request asks the built-in model to repeat a text.
func request(t *testing.T, text, more string) string {
	t.Helper()
	input, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return `{"model":"simulated/echo","stream":true,"input":` + string(input) + more + `}`
}

// readAtOnce reads a stored response from its beginning.
func (l *listener) readAtOnce(ctx context.Context) (*listener, error) {
	whole := newListener(l.p, l.key)
	whole.id = l.id
	_, err := whole.hear(ctx, "", 1<<30)
	return whole, err
}

// check compares what was pieced together with the text, and with what the store
// has.
func (l *listener) check(ctx context.Context, text string) []string {
	if l.text() != text {
		l.fault("the text is %d bytes, want %d", len(l.text()), len(text))
	}
	if l.last == nil || l.last.Type != "response.completed" || l.last.text() != text {
		l.fault("it ends with %+v", l.last)
	}
	whole, err := l.readAtOnce(ctx)
	if err != nil {
		l.fault("read at once: %v", err)
	} else if whole.text() != l.text() || !slices.Equal(whole.kinds, l.kinds) {
		l.fault("read at once it is\n%v, in pieces\n%v", whole.kinds, l.kinds)
	}
	return append(l.faults, whole.faults...)
}

func TestStreamsSurviveForcedDisconnects(t *testing.T) {
	t.Parallel()
	random := seeded(t)
	wanted := int64(fromEnvironment(t, "PARLEY_TEST_DISCONNECTS", 300))
	p := start(t, launch{env: []string{"PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=2ms"}})
	const readers = 8
	var cuts atomic.Int64
	var group sync.WaitGroup
	for reader := range readers {
		own := rand.New(rand.NewPCG(random.Uint64(), 1)) // #nosec G404 -- a test's
		group.Go(func() {
			for n := 0; cuts.Load() < wanted; n++ {
				text := prose(20 + own.IntN(60))
				body := request(t, text, []string{"", `,"background":true`}[own.IntN(2)])
				l := newListener(p, p.key)
				for ended := false; !ended; {
					var err error
					if ended, err = l.hear(t.Context(), body, 1+own.IntN(12)); err != nil {
						t.Error(err)
						return
					}
					if !ended {
						cuts.Add(1)
						time.Sleep(time.Duration(own.IntN(40)) * time.Millisecond)
					}
				}
				for _, fault := range l.check(t.Context(), text) {
					t.Errorf("reader %d, response %d: %s", reader, n, fault)
				}
			}
		})
	}
	group.Wait()
	t.Logf("%d disconnects", cuts.Load())
	if got := p.metrics(); !strings.Contains(got, `chatbot_resumes_total{source="turn"}`) || strings.Contains(got, `chatbot_resumes_total{source="turn"} 0`) {
		t.Error("nobody resumed from a turn that ran")
	}
	p.terminate()
}

func TestStreamsSurviveAKilledServer(t *testing.T) {
	t.Parallel()
	for name, shown := range map[string]string{"shown before it is stored": "false", "shown once it is stored": "true"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := seeded(t)
			env := []string{"PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=4ms", "PARLEY_STREAM_SHOW_AFTER_COMMIT=" + shown}
			p := start(t, launch{env: env})
			key := p.key
			for range fromEnvironment(t, "PARLEY_TEST_KILLS", 3) {
				p = killedUnderReaders(t, p, key, env, random, shown == "true")
			}
			p.terminate()
		})
	}
}

// killedUnderReaders kills the server while responses are read, starts it again on
// its data, and has them read on.
func killedUnderReaders(t *testing.T, p *process, key string, env []string, random *rand.Rand, durable bool) *process {
	t.Helper()
	text := prose(400)
	listeners := make([]*listener, 8)
	var group sync.WaitGroup
	for i := range listeners {
		l := newListener(p, key)
		listeners[i] = l
		group.Go(func() {
			if _, err := l.hear(t.Context(), request(t, text, ""), 1<<30); err != nil && l.id != "" {
				t.Error(err)
			}
		})
	}
	time.Sleep(150*time.Millisecond + time.Duration(random.IntN(700))*time.Millisecond)
	p.kill()
	group.Wait()
	p = start(t, launch{data: p.data, env: env})
	for i, l := range listeners {
		if l.cursor < 0 {
			continue // it had not begun, and nothing was acknowledged
		}
		l.p = p
		seen := len(l.text())
		ended, err := l.hear(t.Context(), "", 1<<30)
		if err != nil || !ended {
			t.Fatalf("number %d, behind %d: ended %t, %v", i, l.cursor, ended, err)
		}
		kept := l.last.text()
		switch {
		case l.last.Response.Status == "completed" && kept == text: // it had ended before
		case l.last.Response.Details.Reason != "server_restart" || !strings.HasPrefix(text, kept):
			t.Errorf("number %d ends with %+v", i, l.last)
		case durable && len(kept) < seen:
			t.Errorf("number %d: %d bytes are left of %d, which were shown once they were stored", i, len(kept), seen)
		case len(kept) >= seen && l.text() != kept:
			t.Errorf("number %d: pieced together it has %d bytes, the store %d", i, len(l.text()), len(kept))
		}
		for _, fault := range l.faults {
			t.Errorf("number %d: %s", i, fault)
		}
	}
	return p
}

func TestManyReadOneStreamAndASlowOneHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	p := start(t, launch{env: []string{"PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=20us", "PARLEY_HTTP_WRITE_STALL=1s"}})
	text := prose(60_000)
	first := newListener(p, p.key)
	body := request(t, text, `,"background":true`)
	if _, err := first.hear(t.Context(), body, 1); err != nil {
		t.Fatal(err)
	}
	slow := dialSlowly(t, p, first.id)
	defer slow.Close() //nolint:errcheck // nobody reads it
	const readers = 5
	var group sync.WaitGroup
	for range readers {
		group.Go(func() {
			l := newListener(p, p.key)
			l.id = first.id
			for ended, cuts := false, 0; !ended; cuts++ {
				var err error
				if ended, err = l.hear(t.Context(), "", 1<<30); err != nil || cuts > 20 {
					t.Errorf("cut %d times: %v", cuts, err)
					return
				}
			}
			for _, fault := range l.check(t.Context(), text) {
				t.Error(fault)
			}
		})
	}
	group.Wait()
	eventually(t, "the slow reader to be cut", func() bool { return !strings.Contains(p.metrics(), "chatbot_slow_readers_total 0") })
	p.terminate()
}

// dialSlowly asks for a stream and does not read it. Small segments and a small
// window keep the kernel from holding the whole stream for it: over loopback it would
// hold 2.5 MB.
func dialSlowly(t *testing.T, p *process, id string) net.Conn {
	t.Helper()
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		return errors.Join(raw.Control(func(fd uintptr) {
			err = errors.Join(syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10),
				syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 536))
		}), err)
	}}
	conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "GET /v1/responses/%s?stream=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", id, p.key); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestResponseInTheBackgroundIsPolledAndCancelled(t *testing.T) {
	t.Parallel()
	p := start(t, launch{env: []string{"PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=10ms", "PARLEY_CONVERSATION_GONE_GRACE=0s"}})
	short := strings.Replace(request(t, prose(20), `,"background":true`), `"stream":true,`, "", 1)
	long := strings.Replace(request(t, prose(5000), `,"background":true`), `"stream":true,`, "", 1)
	begun, running := p.post("/v1/responses", p.key, short), p.post("/v1/responses", p.key, long)
	if begun.status != http.StatusOK || !strings.Contains(begun.body, `"status":"in_progress"`) || !strings.Contains(begun.body, `"background":true`) {
		t.Fatalf("got %d %s", begun.status, begun.body)
	}
	eventually(t, "the short one to end", func() bool {
		return strings.Contains(p.get("/v1/responses/"+begun.id(t), p.key).body, `"status":"completed"`)
	})
	var soFar reply
	eventually(t, "the long one to say something", func() bool {
		soFar = p.get("/v1/responses/"+running.id(t), p.key)
		return strings.Contains(soFar.body, "w3")
	})
	if !strings.Contains(soFar.body, `"status":"in_progress"`) || !strings.Contains(soFar.body, `"background":true`) {
		t.Errorf("while it runs: %s", soFar.body)
	}
	for range 2 {
		cancelled := p.post("/v1/responses/"+running.id(t)+"/cancel", p.key, "")
		if cancelled.status != http.StatusOK || !strings.Contains(cancelled.body, `"status":"cancelled"`) || !strings.Contains(cancelled.body, "w3") {
			t.Errorf("cancelled: %d %s", cancelled.status, cancelled.body)
		}
	}
	if again := p.post("/v1/responses/"+begun.id(t)+"/cancel", p.key, ""); !strings.Contains(again.body, `"status":"completed"`) {
		t.Errorf("one that has ended is %d %s", again.status, again.body)
	}
	p.terminate()
}

func TestChatCompletionIsReadOnByItsName(t *testing.T) {
	t.Parallel()
	p := start(t, launch{env: []string{"PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=5ms"}})
	text := prose(100)
	stream := p.open(p.key, fmt.Sprintf(`{"model":"simulated/echo","stream":true,"store":true,"messages":[{"role":"user","content":%q}]}`, text))
	line, err := bufio.NewReader(stream.Body).ReadString('\n')
	_ = stream.Body.Close()
	var chunk struct{ ID string }
	if err = errors.Join(err, json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &chunk)); err != nil {
		t.Fatal(err)
	}
	l := newListener(p, p.key)
	l.id = chunk.ID
	if ended, err := l.hear(t.Context(), "", 1<<30); err != nil || !ended {
		t.Fatalf("ended %t: %v", ended, err)
	}
	for _, fault := range l.check(t.Context(), text) {
		t.Error(fault)
	}
	p.terminate()
}
