package canned

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
	"example.com/parley/messages/wire/sse"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T) *Server {
	t.Helper()
	s, err := Start(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// post returns the head of a reply, and its body.
func post(t *testing.T, s *Server, body string) (http.Header, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Address()+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	reply, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reply.Body.Close() }()
	said, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply.Header, said
}

func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestPlainReplyIsAChatCompletion(t *testing.T) {
	t.Parallel()
	_, body := post(t, start(t), `{"model":"gpt-fake","stream":false}`)
	chunks, err := openai.DecodeChatReply(body)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	for _, c := range chunks {
		text += c.Text
	}
	if len(strings.Fields(text)) != Tokens {
		t.Errorf("it says %q", text)
	}
}

func TestStreamIsWholeAndHasAChunkAToken(t *testing.T) {
	t.Parallel()
	header, body := post(t, start(t), `{"model":"gpt-fake","stream":true}`)
	if kind := header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("it is a %s", kind)
	}
	events := sse.NewReader(bytes.NewReader(body), 1<<20)
	var decoder openai.ChatDecoder
	tokens, usage, done := 0, false, false
	for !done {
		event, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		done, err = decoder.Decode(event.Data, func(c messages.Chunk) {
			switch c.Kind {
			case messages.ChunkText:
				tokens++
			case messages.ChunkUsage:
				usage = c.Usage.Output == Tokens
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if tokens != Tokens || !usage {
		t.Errorf("%d tokens, usage %t", tokens, usage)
	}
}

func TestRequestsOfOneConnectionAreAnsweredInOrder(t *testing.T) {
	t.Parallel()
	c := dial(t, start(t))
	large := strings.Repeat("x", 100_000)
	one := "POST / HTTP/1.1\r\ncontent-length: " + strconv.Itoa(len(large)) + "\r\n\r\n" + large
	sent := make(chan error, 1)
	go func() { // ends when all is sent, or the test closes the connection
		_, err := io.WriteString(c, "GET / HTTP/1.1\r\n\r\n"+one+one+"GET / HTTP/1.1\r\n\r\n")
		sent <- err
	}()
	reader := bufio.NewReader(c)
	for i, kind := range []string{"text/plain", "application/json", "application/json", "text/plain"} {
		reply, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, reply.Body); err != nil || reply.Header.Get("Content-Type") != kind {
			t.Errorf("reply %d is a %s: %v", i, reply.Header.Get("Content-Type"), err)
		}
		_ = reply.Body.Close() // it was read
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

func TestModelsNameSaysHowLongItTakes(t *testing.T) {
	t.Parallel()
	for request, want := range map[string][2]time.Duration{
		`{"model":"gpt-fake"}`:                            {},
		`{"model":"gpt-fake-delay-100ms"}`:                {100 * time.Millisecond, 0},
		`{"model":"gpt-fake-delay-1s-interval-5ms"}`:      {time.Second, 5 * time.Millisecond},
		`{"model":"gpt-fake","user":"a delay-ed message`:  {},
		`{"model":"gpt-fake","user":"the end is delay-1s`: {},
	} {
		if got := [2]time.Duration{said([]byte(request), "delay-"), said([]byte(request), "interval-")}; got != want {
			t.Errorf("%s: %v, want %v", request, got, want)
		}
	}
	began := time.Now()
	post(t, start(t), `{"model":"gpt-fake-delay-50ms"}`)
	if took := time.Since(began); took < 50*time.Millisecond {
		t.Errorf("it took %s", took)
	}
}

func TestNonsenseEndsTheConnection(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, sent := range []string{"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"} {
		c := dial(t, s)
		if _, err := io.WriteString(c, sent); err != nil {
			t.Fatal(err)
		}
		if answer, err := io.ReadAll(c); err != nil || len(answer) > 0 {
			t.Errorf("%q was answered %q, %v", sent, answer, err)
		}
	}
}

func TestPortInUseIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := Start(t.Context(), start(t).Address()); err == nil {
		t.Error("two servers listen on one port")
	}
}

func TestStreamHasAsManyTimesAsAreWanted(t *testing.T) {
	t.Parallel()
	before := time.Now()
	_, body := post(t, start(t), `{"model":"gpt-fake-tokens-30-interval-1ms-clock","stream":true}`)
	events := sse.NewReader(bytes.NewReader(body), 1<<20)
	var decoder openai.ChatDecoder
	var times []string
	for done := false; !done; {
		event, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if done, err = decoder.Decode(event.Data, func(c messages.Chunk) {
			if c.Kind == messages.ChunkText {
				times = append(times, strings.TrimSpace(c.Text))
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	if len(times) != 30 {
		t.Fatalf("there are %d tokens: %v", len(times), times)
	}
	last := before.UnixMicro() - 1
	for _, text := range times[1 : len(times)-1] { // the first comes with the head, and the last with the end
		at, err := strconv.ParseInt(text, 10, 64)
		if err != nil || at < last || at > time.Now().UnixMicro() {
			t.Errorf("%q is no time: %v", text, err)
		}
		last = at
	}
}
