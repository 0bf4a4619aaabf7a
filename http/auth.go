package http

import (
	"bytes"
	"net/netip"
	"strings"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// Tries counts wrong keys by address, and says when an address had too many.
// actors/tenant implements it.
type Tries interface {
	Allowed(address string) error // CodeTooManyTries
	Failed(address string)
}

// authenticate finds out for whom a request is, and whether its route is open to
// them.
func (s *Server) authenticate(c *fiber.Ctx, r *route, address string) (messages.Principal, error) {
	identify := s.identify
	if r.access&socket != 0 {
		identify = s.greet
	}
	principal, err := identify(c, address)
	if err != nil {
		return messages.Principal{}, err
	}
	if err := r.permit(&principal); err != nil {
		return messages.Principal{}, err
	}
	return principal, nil
}

// identify finds out whose key a request has. An address that had too many tries
// is let in with keys that are known: behind one address there may be many who do
// not err.
func (s *Server) identify(c *fiber.Ctx, address string) (messages.Principal, error) {
	key := PresentedKey(c)
	if err := s.tries.Allowed(address); err != nil {
		if principal, known := s.keys.Recall(key); known {
			return principal, nil
		}
		return messages.Principal{}, err
	}
	if key == "" {
		return messages.Principal{}, noKey(c)
	}
	principal, err := s.keys.Authenticate(s.cut, key) // not the request's own context, which is used again for the next
	if messages.CodeOf(err) == messages.CodeInvalidKey {
		s.tries.Failed(address)
	}
	return principal, err
}

// noKey tells how a key is sent. One in the address is not looked at: addresses
// are written down by every proxy on the way.
func noKey(c *fiber.Ctx) error {
	f := &messages.Failure{
		Code: messages.CodeInvalidKey, What: "the request has no key",
		Do: "send one as Authorization: Bearer <key>, or as x-api-key", NoRetry: true,
	}
	if bytes.Contains(c.Request().URI().QueryString(), []byte("pk_")) {
		f.What = "the request has its key in the address, where others can read it"
		f.Do = "replace that key, and send the new one as Authorization: Bearer <key>"
	}
	return f
}

// PresentedKey returns a copy of the key that a request has, wherever its client
// put it; empty where it has none.
func PresentedKey(c *fiber.Ctx) string {
	const scheme = "bearer "
	header := &c.Request().Header
	if value := header.Peek(fiber.HeaderAuthorization); len(value) > len(scheme) && bytes.EqualFold(value[:len(scheme)], []byte(scheme)) {
		return string(bytes.TrimSpace(value[len(scheme):]))
	}
	return string(header.Peek("x-api-key"))
}

// clientAddress is whose tries and requests are counted. What a proxy says of its client
// counts only where the operator trusts the proxy: the last address that no
// trusted proxy has is the client's.
func (s *Server) clientAddress(c *fiber.Ctx) string {
	peer := c.Context().RemoteIP().String()
	if _, vouched := c.Context().Conn().(*edgeConn); vouched {
		if named, err := netip.ParseAddr(string(c.Request().Header.Peek(fiber.HeaderXForwardedFor))); err == nil {
			return named.String()
		}
		return peer
	}
	if len(s.trusted) == 0 || !s.trusts(peer) {
		return peer
	}
	hops := forwardedFor(c)
	for i := len(hops) - 1; i >= 0; i-- {
		hop := strings.TrimSpace(hops[i])
		if _, err := netip.ParseAddr(hop); err != nil {
			break
		}
		if !s.trusts(hop) {
			return hop
		}
	}
	return peer
}

// forwardedFor returns a copy of the hops, the client's first. Some proxies
// append to the header that there is, some add another behind it.
func forwardedFor(c *fiber.Ctx) []string {
	lines := c.Request().Header.PeekAll(fiber.HeaderXForwardedFor)
	return strings.Split(string(bytes.Join(lines, []byte(","))), ",")
}

func (s *Server) trusts(address string) bool {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	for _, network := range s.trusted {
		if network.Contains(ip.Unmap()) {
			return true
		}
	}
	return false
}
