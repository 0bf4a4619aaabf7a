package provider_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"example.com/parley/actors/provider"
	"example.com/parley/messages"
)

// fastServer answers at once: with 20 chunks where it is asked to stream.
func fastServer(b *testing.B) string {
	b.Helper()
	var stream strings.Builder
	for i := range 20 {
		fmt.Fprintf(&stream, "data: %s\n\n", delta(fmt.Sprintf("word%d ", i)))
	}
	fmt.Fprintf(&stream, "data: %s\n\ndata: %s\n\ndata: [DONE]\n\n", chatFinish, chatUsage)
	listener, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		if strings.Contains(string(ctx.PostBody()), `"stream":true`) {
			ctx.SetContentType("text/event-stream")
			ctx.SetBodyStream(strings.NewReader(stream.String()), -1)
			return
		}
		ctx.SetContentType("application/json")
		ctx.SetBodyString(chatWhole)
	}}
	go func() { _ = server.Serve(listener) }() // ends with Shutdown
	b.Cleanup(func() { _ = server.Shutdown() })
	return "http://" + listener.Addr().String() + "/v1"
}

func benchmarkCall(b *testing.B, stream bool) {
	p := newProviders(b, provider.Settings{BaseURL: fastServer(b)})
	items := []messages.Item{messages.TextMessage(messages.RoleUser, "hello")}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		for pb.Next() {
			a, err := p.Open(ctx, messages.Target{Provider: "p", Model: "m"}, &messages.Call{Stream: stream, Items: items})
			if err != nil {
				b.Error(err)
				return
			}
			for err == nil {
				_, err = a.Next()
			}
			if err != io.EOF { //nolint:errorlint // the contract is the value itself
				b.Error(err)
			}
			_ = a.Close()
		}
	})
}

// BenchmarkWhole and BenchmarkStream include the server's half, which runs in
// the same process.
func BenchmarkWhole(b *testing.B) { benchmarkCall(b, false) }

func BenchmarkStream(b *testing.B) { benchmarkCall(b, true) }
