package canned

import (
	"bufio"
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

func post(t *testing.T, s *Server, body string) *http.Response {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	reply, err := client.Post("http://"+s.Address()+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reply.Body.Close() })
	return reply
}

func TestPlainReplyIsAChatCompletion(t *testing.T) {
	t.Parallel()
	body, err := io.ReadAll(post(t, start(t), `{"model":"gpt-fake","stream":false}`).Body)
	if err != nil {
		t.Fatal(err)
	}
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
	reply := post(t, start(t), `{"model":"gpt-fake","stream":true}`)
	if kind := reply.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("it is a %s", kind)
	}
	events := sse.NewReader(reply.Body, 1<<20)
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
	s := start(t)
	c, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	large := strings.Repeat("x", 100_000)
	one := "POST / HTTP/1.1\r\ncontent-length: " + strconv.Itoa(len(large)) + "\r\n\r\n" + large
	go io.WriteString(c, "GET / HTTP/1.1\r\n\r\n"+one+one+"GET / HTTP/1.1\r\n\r\n")
	reader := bufio.NewReader(c)
	for i, kind := range []string{"text/plain", "application/json", "application/json", "text/plain"} {
		reply, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, reply.Body); err != nil || reply.Header.Get("Content-Type") != kind {
			t.Errorf("reply %d is a %s: %v", i, reply.Header.Get("Content-Type"), err)
		}
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
		c, err := net.Dial("tcp", s.Address())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, sent)
		if answer, err := io.ReadAll(c); err != nil || len(answer) > 0 {
			t.Errorf("%q was answered %q, %v", sent, answer, err)
		}
		c.Close()
	}
}

func TestPortInUseIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := Start(t.Context(), start(t).Address()); err == nil {
		t.Error("two servers listen on one port")
	}
}
