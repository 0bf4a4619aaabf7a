package http

import (
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"example.com/parley/messages"
)

// exchange is one request and what becomes of it. It outlives the handler when
// the answer is a stream; nothing in it aliases the request's buffers.
type exchange struct {
	id        messages.TurnID // names the request, its turn and its response
	begun     time.Time
	method    string
	endpoint  string // the route's pattern, as docs/api.md writes it
	received  int    // bytes of the body
	address   string // of the client, as far as proxies are trusted
	principal messages.Principal
	claim     *claim // of the Idempotency-Key; nil without one
	handedOff bool   // to a stream, which finishes the exchange at its end
}

// begin names the request and tells the client so.
func begin(ctx *fasthttp.RequestCtx, endpoint string) *exchange {
	x := &exchange{
		id: NewRequestID(), begun: time.Now(), method: methodOf(ctx), endpoint: endpoint,
		received: len(ctx.Request.Body()),
	}
	ctx.Response.Header.Set("x-request-id", x.id.String())
	if own := ctx.Request.Header.Peek("x-request-id"); isText(own, maxClientID) {
		ctx.Response.Header.SetBytesV("x-client-request-id", own)
	}
	return x
}

// methodOf returns the method in a string that outlives the request.
func methodOf(ctx *fasthttp.RequestCtx) string {
	method := ctx.Method()
	for _, known := range fiber.DefaultMethods {
		if string(method) == known {
			return known
		}
	}
	return "other"
}

// use is who uses a model, for limits.
func (x *exchange) use(model string) messages.LimitUse {
	return messages.LimitUse{Tenant: x.principal.Tenant, Key: x.principal.Key, Model: model, Address: x.address}
}
