package fake

import (
	"bytes"
	"crypto/tls"
	"net"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// answer plays one call.
func (s *Server) answer(ctx *fasthttp.RequestCtx, f format) {
	c, e, err := f.decode(ctx.PostBody(), s.newID())
	if err != nil {
		s.refuse(ctx, f, fasthttp.StatusBadRequest, what(err))
		return
	}
	n := s.calls.began(string(ctx.Path()), keyOf(ctx), &c)
	b, err := s.behaviour(c.model, string(ctx.Request.Header.Peek("x-fake")), n)
	if err != nil {
		s.calls.ended(false)
		s.refuse(ctx, f, fasthttp.StatusBadRequest, err.Error())
		return
	}
	if b.Fault.Kind != FaultNone {
		s.calls.faulted()
	}
	client := connOf(ctx)
	if !s.pause(client, b.Delay) {
		s.leave(ctx)
		return
	}
	if s.failAtOnce(ctx, f, &b, client) {
		return
	}
	p := &player{server: s, conn: client, behaviour: b, encoder: e, chunks: play(&b, &c)}
	if c.stream {
		p.stream(ctx)
	} else {
		p.send(ctx)
	}
}

// leave ends a call without an answer: nobody is there to read it, or the server
// closes.
func (s *Server) leave(ctx *fasthttp.RequestCtx) {
	s.calls.ended(true)
	hangUp(ctx, func(c net.Conn) { _ = c.Close() })
}

// hangUp makes fasthttp hand over the connection without answering.
func hangUp(ctx *fasthttp.RequestCtx, end func(net.Conn)) {
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(end)
}

// failAtOnce plays the faults that leave no reply, and tells whether there was one.
func (s *Server) failAtOnce(ctx *fasthttp.RequestCtx, f format, b *Behaviour, client *conn) bool {
	switch b.Fault.Kind {
	case FaultStatus:
		if b.Fault.RetryAfter > 0 {
			ctx.Response.Header.Set("Retry-After", strconv.Itoa(int(b.Fault.RetryAfter/time.Second)))
		}
		s.refuse(ctx, f, b.Fault.Status, "a fault of the fake, as it was told")
	case FaultRefuse:
		hangUp(ctx, func(c net.Conn) { _ = c.Close() })
	case FaultReset:
		hangUp(ctx, func(net.Conn) { client.reset() })
	case FaultHang:
		s.pause(client, -1)
		s.leave(ctx)
		return true
	case FaultGarbage:
		ctx.SetContentType("text/html")
		ctx.SetBodyString("<html><body>502 Bad Gateway</body></html>")
	default:
		return false
	}
	s.calls.ended(false)
	return true
}

func keyOf(ctx *fasthttp.RequestCtx) string {
	if key := ctx.Request.Header.Peek("x-api-key"); len(key) > 0 {
		return string(key)
	}
	key, _ := bytes.CutPrefix(ctx.Request.Header.Peek("Authorization"), []byte("Bearer "))
	return string(key)
}

// connOf returns the connection as the listener made it.
func connOf(ctx *fasthttp.RequestCtx) *conn {
	below := ctx.Conn()
	if secured, ok := below.(*tls.Conn); ok {
		below = secured.NetConn()
	}
	c, _ := below.(*conn)
	return c
}
