package http_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

// dial opens a connection and writes a request to it.
func (w *world) dial(body string, headers ...string) net.Conn {
	w.tb.Helper()
	return w.dialTo("/v1/chat/completions", body, headers...)
}

func (w *world) dialTo(path, body string, headers ...string) net.Conn {
	w.tb.Helper()
	conn, err := (&net.Dialer{}).DialContext(w.tb.Context(), "tcp", w.address)
	if err != nil {
		w.tb.Fatal(err)
	}
	w.tb.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, strings.Replace(rawRequest(body, headers...), "/v1/chat/completions", path, 1)); err != nil {
		w.tb.Fatal(err)
	}
	return conn
}

// rawRequest asks for a chat completion. Headers are whole lines.
func rawRequest(body string, headers ...string) string {
	headers = append(headers, "Host: x", "Authorization: Bearer "+memberKey, fmt.Sprintf("Content-Length: %d", len(body)))
	return "POST /v1/chat/completions HTTP/1.1\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n" + body
}

// holding accepts turns, says the chunks, and then nothing more until the
// client has left. It tells when that was learnt.
func holding(chunks ...messages.Chunk) (conversations, <-chan *messages.StartTurn, <-chan time.Time) {
	begun, left := make(chan *messages.StartTurn, 16), make(chan time.Time, 16)
	return func(m *messages.StartTurn) error {
		go func() {
			defer m.CloseChunks()
			started := messages.TurnStarted{}
			if m.Spec.Keep {
				started.Conversation = m.Spec.Conversation
			}
			m.Answer(started)
			for _, chunk := range chunks {
				m.Show(chunk)
			}
			begun <- m
			<-m.Client.Done()
			left <- time.Now()
		}()
		return nil
	}, begun, left
}

func TestATurnLearnsWithinASecondThatItsClientLeft(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body   string
		chunks []messages.Chunk
	}{
		"before the first chunk":        {question, nil},
		"in the middle of a plain one":  {question, []messages.Chunk{opened(), text("a")}},
		"before a stream's first chunk": {streamed(question), nil},
		"in the middle of a stream":     {streamed(question), []messages.Chunk{opened(), text("a")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turns, begun, left := holding(test.chunks...)
			w := serve(t, turns)
			conn := w.dial(test.body)
			<-begun
			if strings.Contains(test.body, "stream") && test.chunks != nil {
				if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			leaving := time.Now()
			_ = conn.Close()
			select {
			case learnt := <-left:
				if took := learnt.Sub(leaving); took > 1500*time.Millisecond {
					t.Errorf("it took %s", took)
				}
			case <-time.After(5 * time.Second):
				t.Error("it was never learnt")
			}
		})
	}
}

func TestASecondRequestIsNoDeparture(t *testing.T) {
	t.Parallel()
	answered := make(chan struct{})
	w := serve(t, func(m *messages.StartTurn) error {
		go func() {
			select {
			case <-answered:
			case <-m.Client.Done():
			}
			speak(m, hello())
		}()
		return nil
	})
	conn := w.dial(question)
	if _, err := io.WriteString(conn, rawRequest(question)); err != nil { // pipelined
		t.Fatal(err)
	}
	time.AfterFunc(700*time.Millisecond, func() { close(answered) }) // several looks later
	replies := bufio.NewReader(conn)
	for range 2 {
		got, err := http.ReadResponse(replies, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(got.Body)
		if err != nil || got.StatusCode != http.StatusOK {
			t.Fatalf("status %d, %v: %s", got.StatusCode, err, body)
		}
		_ = got.Body.Close()
	}
}

func TestASilentStreamIsPinged(t *testing.T) {
	t.Parallel()
	turns, begun, _ := holding(opened())
	w := serve(t, turns)
	lines := w.stream(streamed(question))
	<-begun
	line, err := lines.ReadString('\n')
	if err != nil || line != ": ping\n" {
		t.Errorf("the first line is %q, %v", line, err)
	}
}

func TestAClientThatDoesNotReadIsCut(t *testing.T) {
	t.Parallel()
	left := make(chan struct{})
	w := serve(t, func(m *messages.StartTurn) error {
		go func() {
			defer m.CloseChunks()
			m.Answer(messages.TurnStarted{})
			m.Show(opened())
			for m.Show(text(strings.Repeat("x", 32<<10))) {
			}
			close(left)
		}()
		return nil
	}, configured(func(c *parleyhttp.Config) { c.WriteStall = 300 * time.Millisecond }))
	w.dial(streamed(question))
	select {
	case <-left:
	case <-time.After(10 * time.Second):
		t.Error("it was never cut")
	}
}

func TestAStreamsDeadlineEndsWithIt(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...), configured(func(c *parleyhttp.Config) { c.WriteStall = 200 * time.Millisecond }))
	conn := w.dial(streamed(question))
	replies := bufio.NewReader(conn)
	readStream := func() {
		t.Helper()
		got, err := http.ReadResponse(replies, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(got.Body); err != nil || !strings.Contains(string(body), "[DONE]") {
			t.Fatalf("%v: %s", err, body)
		}
		_ = got.Body.Close()
	}
	readStream()
	<-time.After(400 * time.Millisecond) // the connection rests for longer than a write may take
	if _, err := io.WriteString(conn, rawRequest(question)); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadResponse(replies, nil)
	if err != nil {
		t.Fatalf("the connection did not outlive the stream: %v", err)
	}
	_ = got.Body.Close()
}

func TestAPanicInAStreamCutsThatStreamAlone(t *testing.T) {
	t.Parallel()
	read := make(chan struct{})
	w := serve(t, func(m *messages.StartTurn) error {
		go func() {
			defer m.CloseChunks()
			m.Answer(messages.TurnStarted{})
			m.Show(opened())
			m.Show(text("a"))
			<-read
			m.Show(messages.Chunk{Kind: messages.ChunkOpened}) // which serves nobody, as no turn says
		}()
		return nil
	})
	lines := w.stream(streamed(question))
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	close(read)
	if rest, err := io.ReadAll(lines); err == nil {
		t.Errorf("the stream ended as if it were whole: %q", rest)
	}
	if got := w.do("GET", "/healthz", ""); got.status != http.StatusOK {
		t.Errorf("the server is not well behind it: %d", got.status)
	}
	if !strings.Contains(w.logged.String(), "panic: ") {
		t.Errorf("the log does not tell: %s", w.logged)
	}
}
