package http

import (
	"context"
	"io"
	"log/slog"
	"net"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"example.com/parley/messages"
)

// The parts behind the edge, at no cost.
type (
	promptTurns struct {
		Conversations
		chunks []messages.Chunk
	}
	anyKey  struct{}
	noTries struct{}
)

func (p promptTurns) Send(m *messages.StartTurn) error {
	m.Answer(messages.TurnStarted{})
	for _, chunk := range p.chunks {
		m.Chunks <- chunk
	}
	close(m.Chunks)
	return nil
}

func (anyKey) Recall(string) (messages.Principal, bool) { return messages.Principal{}, false }

func (anyKey) Authenticate(context.Context, string) (messages.Principal, error) {
	return messages.Principal{Tenant: "acme", Key: "k", Role: messages.KeyMember}, nil
}

func (noTries) Allowed(string) error { return nil }
func (noTries) Failed(string)        {}

// BenchmarkChat is what the edge adds to a chat completion, from the parsed
// request to the last byte of the answer, without the socket.
func BenchmarkChat(b *testing.B) {
	const question = `"model":"demo","messages":[{"role":"user","content":"What is the capital of France?"}]}`
	chunks := []messages.Chunk{
		{Kind: messages.ChunkOpened, Served: &messages.Served{Provider: "demo", Model: "demo-1"}},
		{Kind: messages.ChunkText, Text: "The capital "},
		{Kind: messages.ChunkText, Text: "of France is Paris."},
		{Kind: messages.ChunkFinish, Finish: messages.FinishStop},
		{Kind: messages.ChunkUsage, Usage: &messages.Usage{Input: 9, Output: 8}},
		{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnComplete}},
	}
	server, err := NewServer(DefaultConfig(), Deps{
		Conversations: promptTurns{chunks: chunks}, Keys: anyKey{}, Tries: noTries{},
		Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("whole", func(b *testing.B) { server.benchmark(b, "{"+question) })
	b.Run("stream", func(b *testing.B) { server.benchmark(b, `{"stream":true,`+question) })
}

func (s *Server) benchmark(b *testing.B, body string) {
	conn, other := net.Pipe()
	b.Cleanup(func() { _, _ = conn.Close(), other.Close() })
	var ctx fasthttp.RequestCtx
	ctx.Init2(conn, nil, true)
	ctx.Request.Header.SetMethod(fasthttp.MethodPost)
	ctx.Request.SetRequestURI("/v1/chat/completions")
	ctx.Request.Header.Set("Authorization", "Bearer pk_1_2")
	ctx.Request.SetBodyString(body)
	b.ReportAllocs()
	for b.Loop() {
		s.wire.Handler(&ctx)
		if stream := ctx.Response.BodyStream(); stream != nil {
			if _, err := io.Copy(io.Discard, stream); err != nil {
				b.Fatal(err)
			}
		}
		if ctx.Response.StatusCode() != fasthttp.StatusOK {
			b.Fatalf("status %d: %s", ctx.Response.StatusCode(), ctx.Response.Body())
		}
		ctx.Response.Reset() // closes the stream
	}
}
