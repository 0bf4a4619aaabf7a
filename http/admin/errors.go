package admin

import (
	"errors"
	"log/slog"

	"github.com/gofiber/fiber/v2"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

const requestID = "x-request-id"

// nameRequest gives every request an id, which the log has too.
func nameRequest(c *fiber.Ctx) error {
	c.Set(requestID, parleyhttp.NewRequestID().String())
	return c.Next()
}

// showError writes a failure in the shape that the other listener has. Whoever
// asks here is an operator, but may not be who reads the log: causes go there.
func (s *Server) showError(c *fiber.Ctx, err error) error {
	failure := failureOf(err)
	if failure.Code == messages.CodeBodyTooLarge {
		parleyhttp.Linger(c.Context().Conn())
	}
	if failure.Cause != nil {
		s.deps.Log.Error("an admin request failed", slog.String("request", c.GetRespHeader(requestID)),
			slog.String("path", c.Route().Path), slog.String("code", string(failure.Code)), slog.Any("error", failure.Cause))
	}
	parleyhttp.Show(c, failure)
	return nil
}

// failureOf puts what the router and the parser say into the words of all
// errors. They repeat what was sent, so their own are not used.
func failureOf(err error) *messages.Failure {
	known, ok := errors.AsType[*fiber.Error](err)
	if !ok {
		return messages.AsFailure(err)
	}
	switch known.Code {
	case fiber.StatusNotFound:
		return refused(messages.CodeRouteNotFound, "there is nothing at this address", "docs/api.md lists what this listener has")
	case fiber.StatusMethodNotAllowed:
		return refused(messages.CodeMethodNotAllowed, "this address does not take this method", "use one of those that the Allow header lists")
	case fiber.StatusRequestEntityTooLarge:
		return refused(messages.CodeBodyTooLarge, "the body is larger than any that this listener needs", "send less")
	case fiber.StatusRequestHeaderFieldsTooLarge:
		return refused(messages.CodeHeadersTooLarge, "the headers are larger than this listener takes", "send fewer or shorter headers")
	case fiber.StatusInternalServerError:
		return messages.AsFailure(err)
	default:
		return refused(messages.CodeInvalidRequest, "this is no well-formed HTTP request", "see docs/api.md for what this listener takes")
	}
}

// notHere refuses what is not for an edge node to do.
func notHere(*fiber.Ctx) error {
	return refused(messages.CodeRouteNotFound, "this is an edge node, on which nothing is administered", "ask a server of the core")
}

func refused(code messages.Code, what, do string) *messages.Failure {
	return &messages.Failure{Code: code, What: what, Do: do, NoRetry: true}
}
