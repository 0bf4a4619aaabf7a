package http

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"example.com/parley/messages"
)

// serve is the way of every request that a route was found for.
func (s *Server) serve(r route) fiber.Handler {
	return func(c *fiber.Ctx) error {
		x := begin(c.Context(), r.pattern)
		if r.access == public {
			s.answer(c, x, r.handle)
			s.finish(c, x)
			return nil
		}
		if !s.running.enter() {
			s.showError(c, x, shuttingDown())
			c.Context().SetConnectionClose()
			s.finish(c, x)
			return nil
		}
		admit := s.admit
		if s.core != nil {
			admit = s.admitAtEdge
		}
		s.answer(c, x, func(c *fiber.Ctx, x *exchange) error { return admit(c, x, r) })
		if !x.handedOff {
			s.running.leave()
			s.finish(c, x)
		}
		return nil
	}
}

// answer carries the handler out and shows how it failed, be it by a panic.
func (s *Server) answer(c *fiber.Ctx, x *exchange, handle func(*fiber.Ctx, *exchange) error) {
	defer func() {
		if p := recover(); p != nil {
			s.showError(c, x, panicked(p))
		}
		c.Set("openai-processing-ms", strconv.FormatInt(time.Since(x.begun).Milliseconds(), 10))
	}()
	if err := handle(c, x); err != nil {
		s.showError(c, x, err)
	}
}

// admit lets in who may come in.
func (s *Server) admit(c *fiber.Ctx, x *exchange, r route) (err error) {
	x.address = s.clientAddress(c)
	if x.principal, err = s.authenticate(c, &r, x.address); err != nil {
		return err
	}
	if asksForATurn(&r) {
		if err := s.look(c, x); err != nil {
			return err
		}
	}
	if encoding := c.Request().Header.ContentEncoding(); len(encoding) > 0 && string(encoding) != "identity" {
		return &messages.Failure{
			Code: messages.CodeUnsupported, What: "the body is compressed", Do: "send it as it is", NoRetry: true,
		}
	}
	if err := checkPath(c, r.pattern); err != nil {
		return err
	}
	if answered, err := s.claimKey(c, x); answered || err != nil {
		return err
	}
	return s.carryOut(c, x, r)
}

// carryOut handles a request, and settles its claim unless a stream will.
func (s *Server) carryOut(c *fiber.Ctx, x *exchange, r route) (err error) {
	defer func() { // also of a panic
		switch {
		case x.handedOff:
		case errors.Is(err, errLeft):
			x.claim.leave()
		default:
			x.claim.release() // which does nothing to one whose reply is kept
		}
	}()
	if err = r.handle(c, x); err == nil && !x.handedOff {
		x.claim.keepWhole(c.Response())
	}
	return err
}

// finish counts an exchange whose answer is complete in memory.
func (s *Server) finish(c *fiber.Ctx, x *exchange) {
	status := c.Response().StatusCode()
	s.metrics.observe(x, status)
	s.logAccess(x, status, len(c.Response().Body()))
}

// panicked is the error of a panic; its stack is for the log alone.
func panicked(p any) error {
	return fmt.Errorf("panic: %v\n%s", p, debug.Stack())
}

// showUnmatched answers what no route is there for. It implements
// fiber.ErrorHandler, and has nothing else to show: handlers' errors do not
// come here.
func (s *Server) showUnmatched(c *fiber.Ctx, err error) error {
	x := begin(c.Context(), unmatched)
	shown := noSuchRoute()
	if known, ok := errors.AsType[*fiber.Error](err); ok && known.Code == fiber.StatusMethodNotAllowed {
		shown = wrongMethod()
	}
	s.showError(c, x, shown)
	s.finish(c, x)
	return nil
}

// onlyMethods keeps from the router the methods that it answers in a shape of
// its own.
func (s *Server) onlyMethods(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if slices.Contains(fiber.DefaultMethods, string(ctx.Method())) {
			next(ctx)
			return
		}
		s.showBare(ctx, messages.AsFailure(wrongMethod()))
	}
}

// showMalformed answers what is no request. What was wrong is said, what was
// sent is not repeated.
func (s *Server) showMalformed(ctx *fasthttp.RequestCtx, err error) {
	ctx.Response.Reset()
	if errors.Is(err, fasthttp.ErrBodyTooLarge) {
		Linger(ctx.Conn())
	}
	s.showBare(ctx, s.malformed(err))
}

// showBare answers what never became an exchange, in the shape of all errors.
func (s *Server) showBare(ctx *fasthttp.RequestCtx, f *messages.Failure) {
	x := begin(ctx, unmatched)
	s.noteFailure(x, f)
	status := appearanceOf(f).status
	ctx.SetStatusCode(status)
	ctx.SetContentType(fiber.MIMEApplicationJSON)
	ctx.SetBody(errorBody(f))
	ctx.SetConnectionClose()
	s.metrics.observe(x, status)
	s.logAccess(x, status, len(ctx.Response.Body()))
}

// malformed says what was wrong with what is no request.
func (s *Server) malformed(err error) *messages.Failure {
	var timeout interface{ Timeout() bool }
	var small *fasthttp.ErrSmallBuffer
	switch {
	case errors.As(err, &small):
		return headersTooLarge(s.cfg.MaxHeaders)
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return bodyTooLarge(s.cfg.MaxBody)
	case errors.As(err, &timeout) && timeout.Timeout():
		return tooSlow()
	default:
		return notHTTP()
	}
}
