package http

import (
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// greet lets a WebSocket in. Any web page can have a browser open one, with
// whatever the browser would send along; so a page is let in by its origin, and
// with a ticket or a key, of which a browser sends neither by itself. Who sends no
// origin is no browser, and has a key.
func (s *Server) greet(c *fiber.Ctx, address string) (messages.Principal, error) {
	origin := string(c.Request().Header.Peek(fiber.HeaderOrigin))
	if origin != "" && !s.allowsOrigin(origin) {
		return messages.Principal{}, wrongOrigin()
	}
	text := presentedTicket(c)
	if text == "" {
		return s.identify(c, address)
	}
	if err := s.tries.Allowed(address); err != nil {
		return messages.Principal{}, err
	}
	found, err := s.tickets.redeem(text, origin, time.Now())
	if err != nil {
		s.tries.Failed(address)
	}
	if found.key != "" { // the core is shown what the ticket stands for
		c.Request().Header.Set(fiber.HeaderAuthorization, "Bearer "+found.key)
	}
	return found.who, err
}

func (s *Server) allowsOrigin(origin string) bool {
	return slices.Contains(s.cfg.Sessions.Origins, origin)
}

func wrongOrigin() error {
	return &messages.Failure{
		Code: messages.CodeOrigin, What: "pages of this origin may not connect",
		Do: "have the operator add it to http.sessions.origins", NoRetry: true,
	}
}
