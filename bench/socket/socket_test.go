package socket

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// answering returns the address of a server that answers one handshake, writes what
// it is told, and hands over what comes behind.
func answering(t *testing.T, head string, frames []byte) (address string, said <-chan string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	heard := make(chan string, 1)
	go func() { // ends with the client's connection
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // a test's
		in := bufio.NewReader(conn)
		if _, err := http.ReadRequest(in); err != nil {
			return
		}
		_, _ = conn.Write(append([]byte(head+"\r\n"), frames...))
		rest, _ := io.ReadAll(in)
		heard <- string(rest)
	}()
	return listener.Addr().String(), heard
}

const upgraded = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"

func frame(first byte, payload string) []byte {
	if len(payload) < 126 {
		return append([]byte{first, byte(len(payload))}, payload...)
	}
	return append([]byte{first, 126, byte(len(payload) >> 8), byte(len(payload))}, payload...)
}

func deflate(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err = errors.Join(err, w.Flush()); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

func TestConnectionReadsMessagesAndAnswersPings(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long ", 100)
	address, said := answering(t, upgraded+"Sec-WebSocket-Extensions: permessage-deflate\r\n", bytes.Join([][]byte{
		frame(final|opText, "one"), frame(final|opPing, "here"), frame(final|opText, long),
		frame(final|compressed|opText, deflate(t, long)), frame(final|compressed|opText, deflate(t, "two")), frame(final|opClose, "\x03\xe9bye"),
	}, nil))
	c, err := Dial(t.Context(), Options{Address: address, From: "127.0.0.3", Deflate: true})
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(10 * time.Second))
	for _, want := range []string{"one", long, long, "two"} {
		if got, err := c.Next(); string(got) != want || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	}
	_, err = c.Next()
	if closed, ok := IsClosed(err); !ok || closed.Code != 1001 || closed.Reason != "bye" {
		t.Errorf("closed with %v", err)
	}
	if err := c.Send("three"); err != nil {
		t.Error(err)
	}
	c.Close()
	if rest := <-said; !strings.Contains(rest, "here") || !strings.HasSuffix(rest, "three") {
		t.Errorf("the server heard %q", rest)
	}
}

func TestRefusalSaysWhenToComeAgain(t *testing.T) {
	t.Parallel()
	address, _ := answering(t, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 0\r\n", nil)
	_, err := Dial(t.Context(), Options{Address: address})
	refused, ok := errors.AsType[*RefusedError](err)
	if !ok || refused.Status != http.StatusServiceUnavailable || refused.RetryAfter != 2*time.Second {
		t.Errorf("got %v", err)
	}
}

func TestBrokenConnectionIsNoErrorOfTheReader(t *testing.T) {
	t.Parallel()
	address, _ := answering(t, upgraded, frame(final|opText, stream[0]))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r := NewReader()
	c, ended, err := r.Hear(ctx, Options{Address: address}, Create("m", "hi", ""), 1)
	if err != nil || ended || r.ID != "resp_1" {
		t.Fatalf("ended %t, %v, %+v", ended, err, r)
	}
	c.Reset()
}
