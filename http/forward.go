package http

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// maxWhole is the longest reply that is read before it is passed on. A longer one, or
// one whose length nobody knows, is passed on as it comes.
const maxWhole = 1 << 20

// ofOneHop are headers that are between two neighbours alone, or made anew by each.
var ofOneHop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true, "Proxy-Connection": true, "Te": true, "Trailer": true,
	"Transfer-Encoding": true, "Upgrade": true, "Content-Length": true, "Host": true, "Date": true, "Server": true,
	fiber.HeaderXForwardedFor: true,
}

// forward has the core answer a request, with its client's own key.
func (s *Server) forward(c *fiber.Ctx, x *exchange) error {
	ctx, cancel := context.WithCancelCause(s.cut)
	f := &forwarded{
		server: s, x: x, ctx: c.Context(), cancel: cancel, last: -1, ring: s.watch.ringOf(x),
		waiting: waiter{conn: c.Context().Conn(), cancel: cancel, since: x.begun, deadline: x.begun.Add(s.cfg.TurnTimeout + lastWord)},
	}
	f.ring.add(&f.waiting)
	err := f.send(c, ctx)
	if !x.handedOff {
		f.letGo()
	}
	if cause := context.Cause(ctx); err != nil && cause != nil && cause != context.Canceled { //nolint:errorlint // as it is set by letGo
		return cause
	}
	return err
}

// send sends the request and begins its answer.
func (f *forwarded) send(c *fiber.Ctx, ctx context.Context) (err error) { //nolint:revive // the context is the request's to the core
	request, err := coreRequest(ctx, c, f.x.address)
	if err != nil {
		return err
	}
	if f.response, err = f.server.core.RoundTrip(request); err != nil { //nolint:bodyclose // letGo closes it
		if f.server.cut.Err() != nil {
			return shuttingDown()
		}
		return err
	}
	f.server.learnHit(f.x.principal.Tenant, f.response.Header)
	if n := f.response.ContentLength; n >= 0 && n <= maxWhole {
		return f.sendWhole(c, int(n))
	}
	return f.sendOn(c)
}

// coreRequest is a client's request as the core gets it. Nothing of it aliases the
// client's.
func coreRequest(ctx context.Context, c *fiber.Ctx, address string) (*http.Request, error) {
	in := c.Request()
	target := "https://core" + string(in.URI().RequestURI())
	request, err := http.NewRequestWithContext(ctx, string(in.Header.Method()), target, bytes.NewReader(bytes.Clone(in.Body())))
	if err != nil {
		return nil, &messages.Failure{Code: messages.CodeInvalidRequest, What: "the address cannot be forwarded", Do: "check it", NoRetry: true, Cause: err}
	}
	request.Header = coreHeader(c, address)
	if request.ContentLength == 0 {
		request.Body = http.NoBody
	}
	return request, nil
}

// coreHeader is what a client's headers say to the core.
func coreHeader(c *fiber.Ctx, address string) http.Header {
	header := make(http.Header, 8)
	for name, value := range c.Request().Header.All() {
		if key := http.CanonicalHeaderKey(string(name)); !ofOneHop[key] {
			header.Add(key, string(value))
		}
	}
	header.Set(fiber.HeaderXForwardedFor, address)
	if header.Get("User-Agent") == "" {
		header["User-Agent"] = nil // the library would give one of its own
	}
	return header
}

// learnHit has a reply fetched that the core had cached: the next who asks is answered
// here.
func (s *Server) learnHit(tenant messages.TenantID, header http.Header) {
	outcome := messages.CacheOutcome{Tier: messages.CacheTier(header.Get(cacheHeader))}
	if entry := header.Get(cacheEntryHeader); outcome.Hit() && entry != "" {
		s.core.Want(tenant, messages.CacheEntryID(entry))
	}
}

// showHead begins the client's answer as the core began its own. What was to be said
// of a try to answer it here is not.
func (f *forwarded) showHead(c *fiber.Ctx) {
	out := &c.Context().Response
	out.Reset()
	out.SetStatusCode(f.response.StatusCode)
	for name, values := range f.response.Header {
		if ofOneHop[name] {
			continue
		}
		for _, value := range values {
			out.Header.Add(name, value)
		}
	}
	c.Set(edgeHeader, f.server.core.Name())
}

// sendWhole passes on a reply in one piece.
func (f *forwarded) sendWhole(c *fiber.Ctx, length int) error {
	body := make([]byte, length)
	if _, err := io.ReadFull(f.response.Body, body); err != nil {
		return messages.CutOff(err)
	}
	f.showHead(c)
	c.Context().Response.SetBodyRaw(body)
	return nil
}

// sendOn passes on a reply as it comes.
func (f *forwarded) sendOn(c *fiber.Ctx) error {
	f.showHead(c)
	f.isEvents = strings.HasPrefix(f.response.Header.Get(fiber.HeaderContentType), eventStream)
	out := &c.Context().Response
	for name := range f.response.Trailer {
		_ = out.Header.AddTrailer(name) // one that is forbidden there is left out
	}
	if err := f.extend(); err != nil {
		return errClientLeft()
	}
	f.x.handedOff = true
	f.server.metrics.Streams.Inc()
	out.SetBodyStream(f, -1)
	return nil
}
