package http

import (
	"context"
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
	if s.running.isClosing() {
		return shuttingDown()
	}
	ctx, release := context.WithTimeout(context.Background(), checkPatience)
	defer release()
	for _, check := range s.checks {
		if err := check.Probe(ctx); err != nil {
			return &messages.Failure{
				Code: messages.CodeStoreUnavailable, What: "the server is not ready: " + check.Name + " does not work",
				Do: "wait; it goes on by itself when that is over", Cause: err,
			}
		}
	}
	return c.SendString("ready\n")
}
