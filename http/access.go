package http

import (
	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// access says who may come in by a route: the scopes that a tenant's key needs,
// or that no key is asked for. It is the one place where that is said.
type access uint32

const (
	member access = 0       // any key of a tenant
	public access = 1 << 31 // anybody
	socket access = 1 << 30 // also with a ticket; it opens a WebSocket, over which turns come

	chat          = access(messages.ScopeChat)
	responses     = access(messages.ScopeResponses)
	conversations = access(messages.ScopeConversations)
	embeddings    = access(messages.ScopeEmbeddings)
	cache         = access(messages.ScopeCache)
	usage         = access(messages.ScopeUsage)
)

// scopes are those that a key needs.
func (a access) scopes() messages.Scopes { return messages.Scopes(a &^ (public | socket)) } // #nosec G115 -- the rest are scopes

// permit lets in those whose role and scopes the route takes. Who may only read
// gets what is asked for with GET.
func (r *route) permit(who *messages.Principal) error {
	switch {
	case who.Role == messages.KeyAdmin:
		return &messages.Failure{
			Code: messages.CodePermission, What: "this key is an administrator's and opens no tenant's data",
			Do: "use it on the admin listener, and a member's key here", NoRetry: true,
		}
	case who.Role == messages.KeyReadOnly && (r.method != fiber.MethodGet || r.access&socket != 0):
		return &messages.Failure{
			Code: messages.CodePermission, What: "this key may only read", Do: "use a member's key for turns and changes", NoRetry: true,
		}
	case who.Role != messages.KeyMember && who.Role != messages.KeyReadOnly:
		return &messages.Failure{
			Code: messages.CodePermission, What: "this key has a role that this server does not know", Do: "have an operator change it", NoRetry: true,
		}
	default:
		return needScopes(who, r.access.scopes())
	}
}

// needScopes refuses a key that lacks one of the scopes.
func needScopes(who *messages.Principal, wanted messages.Scopes) error {
	if who.Scopes.Has(wanted) {
		return nil
	}
	return &messages.Failure{
		Code: messages.CodePermission, What: "this key lacks a scope: " + (wanted &^ who.Scopes).String(),
		Do: "use a key that has it, or have an operator add it: parley key change --scopes", NoRetry: true,
	}
}

// Endpoint is a line of the surface, as others may see it.
type Endpoint struct {
	Method  string
	Pattern string // {id} is a segment, {id...} all the rest
	Public  bool   // it asks for no key
	Scopes  messages.Scopes
}

// Endpoints lists the whole surface, in the order of docs/api.md.
func (s *Server) Endpoints() []Endpoint {
	routes := s.routes()
	all := make([]Endpoint, len(routes))
	for i := range routes {
		r := &routes[i]
		all[i] = Endpoint{Method: r.method, Pattern: r.pattern, Public: r.access == public, Scopes: r.access.scopes()}
	}
	return all
}
