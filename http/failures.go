package http

import (
	"errors"
	"fmt"
	"time"

	"example.com/parley/messages"
)

// errLeft is the cause of what fails because its client left. A turn that
// somebody else cancelled has the same code, and another cause.
var errLeft = errors.New("the client left")

func errClientLeft() error {
	return &messages.Failure{
		Code: messages.CodeCancelled, What: "the client left before its answer came", Do: "send the request again", Cause: errLeft,
	}
}

func errNoAnswer() error {
	return &messages.Failure{
		Code: messages.CodeDeadline, What: "the answer did not end in the time that a turn has",
		Do: "ask for less at once, or have the operator raise http.turn_timeout",
	}
}

func shuttingDown() error {
	return &messages.Failure{
		Code: messages.CodeShuttingDown, What: "the server is shutting down", Do: "send the request again", RetryAfter: soon,
	}
}

// NotReady says how far a drain is to whoever asks for readiness.
func NotReady(d Draining) error {
	f := *messages.AsFailure(shuttingDown())
	f.What = fmt.Sprintf("the server takes no more work: %d requests run, which are cut at %s", d.Running, d.Until.UTC().Format(time.RFC3339))
	return &f
}

func noSuchRoute() error {
	return &messages.Failure{
		Code: messages.CodeRouteNotFound, What: "there is nothing at this address",
		Do: "docs/api.md lists all there is; mind the /v1 in a client's base URL", NoRetry: true,
	}
}

func wrongMethod() error {
	return &messages.Failure{
		Code: messages.CodeMethodNotAllowed, What: "this address does not take this method",
		Do: "use one of those that the Allow header lists", NoRetry: true,
	}
}

func bodyTooLarge(limit int) *messages.Failure {
	return &messages.Failure{
		Code: messages.CodeBodyTooLarge, What: fmt.Sprintf("the body is larger than %d bytes", limit),
		Do: "send less, or have the operator raise http.max_body", NoRetry: true,
	}
}

func headersTooLarge(limit int) *messages.Failure {
	return &messages.Failure{
		Code: messages.CodeHeadersTooLarge, What: fmt.Sprintf("the request's line and headers are larger than %d bytes", limit),
		Do: "send fewer or shorter headers", NoRetry: true,
	}
}

func invalid(param, what, do string) error {
	return &messages.Failure{Code: messages.CodeInvalidRequest, What: what, Do: do, Param: param}
}

func tooSlow() *messages.Failure {
	return &messages.Failure{
		Code: messages.CodeInvalidRequest, What: "the request did not arrive in time",
		Do: "send it again, faster",
	}
}

func notHTTP() *messages.Failure {
	return &messages.Failure{
		Code: messages.CodeInvalidRequest, What: "this is no well-formed HTTP request",
		Do: "mind that Content-Length and Transfer-Encoding exclude each other", NoRetry: true,
	}
}

func readTooSlowly() error {
	return &messages.Failure{
		Code: messages.CodeSlowReader, What: "the stream was read too slowly, and was cut", Do: "read the rest from the stored response",
	}
}
