package http

import (
	"context"
	"errors"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// Check tells whether a part of the server can work. Who asks is told the name
// alone.
type Check struct {
	Name  string
	Probe func(ctx context.Context) error
}

// checkPatience bounds all checks together: those who ask for readiness give
// up after a second or two.
const checkPatience = time.Second

// healthy answers GET /healthz: the process lives and serves.
func (s *Server) healthy(c *fiber.Ctx, _ *exchange) error { return c.SendString("ok\n") }

// ready answers GET /readyz: the server can take work, and is to be sent some.
func (s *Server) ready(c *fiber.Ctx, _ *exchange) error {
	if d := s.Draining(); !d.Until.IsZero() {
		return NotReady(d)
	}
	if err := Ready(s.checks); err != nil {
		return err
	}
	return c.SendString("ready\n")
}

// Ready makes the checks, and says of the first that fails what is wrong: in its
// own words, where those are for people.
func Ready(checks []Check) error {
	ctx, release := context.WithTimeout(context.Background(), checkPatience)
	defer release()
	for _, check := range checks {
		err := check.Probe(ctx)
		if err == nil {
			continue
		}
		f := &messages.Failure{
			Code: messages.CodeStoreUnavailable, What: "the server is not ready: there is a fault in " + check.Name,
			Do: "wait; it goes on by itself when that is over", Cause: err,
		}
		if said, ok := errors.AsType[*messages.Failure](err); ok {
			f.Code, f.What, f.Do = said.Code, "the server is not ready: "+said.What, said.Do
		}
		return f
	}
	return nil
}
