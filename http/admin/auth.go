package admin

import (
	"net"

	"github.com/gofiber/fiber/v2"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

// operator lets admin keys in.
func (s *Server) operator(c *fiber.Ctx) error {
	if err := s.authenticate(c); err != nil {
		return err
	}
	return c.Next()
}

// observer lets in who may read metrics: on loopback anybody, elsewhere an
// admin key unless the operator opened them.
func (s *Server) observer(c *fiber.Ctx) error {
	if s.cfg.OpenMetrics || s.isLocal() {
		return c.Next()
	}
	return s.operator(c)
}

// isLocal tells whether only this machine reaches the listener.
func (s *Server) isLocal() bool {
	host, _, err := net.SplitHostPort(s.cfg.Listen)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (s *Server) authenticate(c *fiber.Ctx) error {
	address, key := c.IP(), parleyhttp.PresentedKey(c)
	if err := s.deps.Tries.Allowed(address); err != nil {
		if who, known := s.deps.Keys.Recall(key); known && who.Role == messages.KeyAdmin {
			c.Locals(principalLocal, who)
			return nil // another one at this address errs
		}
		return err
	}
	if key == "" {
		return &messages.Failure{
			Code: messages.CodeInvalidKey, What: "the request has no key", Do: "send an admin key as Authorization: Bearer <key>", NoRetry: true,
		}
	}
	ctx, release := s.bounded()
	defer release()
	principal, err := s.deps.Keys.Authenticate(ctx, key)
	if err != nil {
		if messages.CodeOf(err) == messages.CodeInvalidKey {
			s.deps.Tries.Failed(address)
		}
		return err
	}
	if principal.Role != messages.KeyAdmin {
		return &messages.Failure{
			Code: messages.CodePermission, What: "this key is a tenant's and opens nothing here",
			Do: "use an admin key: `parley key create --admin` makes one", NoRetry: true,
		}
	}
	c.Locals(principalLocal, principal)
	return nil
}
