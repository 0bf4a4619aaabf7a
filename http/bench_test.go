package http_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

// prompt answers at once, in the caller's goroutine: what is measured is the
// edge alone.
func prompt(chunks []messages.Chunk) conversations {
	return func(m *messages.StartTurn) error {
		m.Answer(messages.TurnStarted{})
		for _, chunk := range chunks {
			m.Chunks <- chunk
		}
		close(m.Chunks)
		return nil
	}
}

// BenchmarkChat is a request over one connection that is kept alive, its client
// included: a raw socket that costs next to nothing.
func BenchmarkChat(b *testing.B) {
	for name, body := range map[string]string{"whole": question, "stream": streamed(question)} {
		b.Run(name, func(b *testing.B) {
			ln, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			server, err := parleyhttp.NewServer(parleyhttp.DefaultConfig(), parleyhttp.Deps{
				Conversations: scripted{prompt(hello()), newLibrary()}, Library: newLibrary(), IdempotencyKeys: newClaims(),
				Keys: keys{}, Tries: &tries{}, Catalogue: catalogue{}, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				b.Fatal(err)
			}
			ctx, stop := context.WithCancel(b.Context())
			stopped := make(chan error, 1)
			go func() { stopped <- server.Run(ctx, ln) }()
			defer func() {
				stop()
				<-stopped
			}()
			ask(b, ln.Addr().String(), rawRequest(body))
		})
	}
}

func ask(b *testing.B, address, request string) {
	conn, err := (&net.Dialer{}).DialContext(b.Context(), "tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	raw, replies := []byte(request), bufio.NewReader(conn)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(raw); err != nil {
			b.Fatal(err)
		}
		got, err := http.ReadResponse(replies, nil) // costs some 20 allocations, see BenchmarkClient
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, got.Body); err != nil {
			b.Fatal(err)
		}
	}
}
