package admin

import (
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

// Drains is what has the clients' listener take no more work. http.Server
// implements it.
type Drains interface {
	Drain(patience time.Duration) parleyhttp.Draining
	Undrain() (parleyhttp.Draining, error)
	Draining() parleyhttp.Draining
}

// longestDrain is as in the configuration.
const longestDrain = 10 * time.Minute

// drainView is a drain on the wire.
type drainView struct {
	Object  string `json:"object"` // "drain"
	State   string `json:"state"`  // serving, draining or ending
	Until   *int64 `json:"until"`  // seconds since 1970, when what is left is cut; null while it serves
	Running int    `json:"running"`
}

func viewDrain(d parleyhttp.Draining) drainView {
	v := drainView{Object: "drain", State: "serving", Running: d.Running}
	if d.Until.IsZero() {
		return v
	}
	until := d.Until.Unix()
	v.State, v.Until = "draining", &until
	if d.Final {
		v.State = "ending"
	}
	return v
}

func (s *Server) showDrain(c *fiber.Ctx) error { return c.JSON(viewDrain(s.deps.Drains.Draining())) }

// drain has the server end once nothing runs. It can be undone until then.
func (s *Server) drain(c *fiber.Ctx) error {
	patience, err := drainPatience(c)
	if err != nil {
		return err
	}
	before := viewDrain(s.deps.Drains.Draining())
	return s.showDrained(c, "server.drain", before, s.deps.Drains.Drain(patience))
}

func (s *Server) undrain(c *fiber.Ctx) error {
	before := viewDrain(s.deps.Drains.Draining())
	after, err := s.deps.Drains.Undrain()
	if err != nil {
		return err
	}
	return s.showDrained(c, "server.resume", before, after)
}

func (s *Server) showDrained(c *fiber.Ctx, action string, before drainView, after parleyhttp.Draining) error {
	v := viewDrain(after)
	s.note(c, messages.AuditChange{Action: action, Object: "server", Before: before, After: v})
	s.deps.Log.Info("an operator changed whether the server takes work", slog.String("request", c.GetRespHeader(requestID)), slog.String("state", v.State))
	return c.JSON(v)
}

// drainPatience reads {"timeout": "60s"}; without it, or without a body, the
// configuration says how long.
func drainPatience(c *fiber.Ctx) (patience time.Duration, err error) {
	if len(c.Body()) == 0 {
		return 0, nil
	}
	var body struct {
		Timeout *string `json:"timeout"` // as durations in the configuration
	}
	if err := decode(c, &body); err != nil || body.Timeout == nil {
		return 0, err
	}
	if patience, err = time.ParseDuration(*body.Timeout); err != nil || patience <= 0 || patience > longestDrain {
		return 0, &messages.Failure{
			Code: messages.CodeInvalidRequest, What: "timeout is no duration up to 10m", Param: "timeout",
			Do: "give one such as 60s, or leave it out for what the configuration says",
		}
	}
	return patience, nil
}
