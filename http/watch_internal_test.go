package http

import (
	"log/slog"
	"net"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"example.com/parley/messages"
)

// panickyTurns fails in a way that nobody expects.
type panickyTurns struct{ Conversations }

func (panickyTurns) Send(*messages.StartTurn) error { panic("boom") }

// A connection must not be looked at once its request is over.
func TestAPanicLeavesNobodyWatched(t *testing.T) {
	t.Parallel()
	server, err := NewServer(DefaultConfig(), Deps{
		Conversations: panickyTurns{}, Keys: anyKey{}, Tries: noTries{}, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, other := net.Pipe()
	defer func() { _, _ = conn.Close(), other.Close() }()
	var ctx fasthttp.RequestCtx
	ctx.Init2(conn, nil, true)
	ctx.Request.Header.SetMethod(fasthttp.MethodPost)
	ctx.Request.SetRequestURI("/v1/chat/completions")
	ctx.Request.Header.Set("Authorization", "Bearer pk_1_2")
	ctx.Request.SetBodyString(`{"model":"demo","messages":[{"role":"user","content":"hi"}]}`)
	server.wire.Handler(&ctx)
	if ctx.Response.StatusCode() != fasthttp.StatusInternalServerError {
		t.Fatalf("status %d: %s", ctx.Response.StatusCode(), ctx.Response.Body())
	}
	for i := range server.watch.rings {
		if head := &server.watch.rings[i].head; head.next != head {
			t.Error("the request is still watched")
		}
	}
}
