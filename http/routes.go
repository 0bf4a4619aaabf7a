package http

import (
	"strings"

	"github.com/gofiber/fiber/v2"
)

// route is one line of the surface.
type route struct {
	method  string
	pattern string // {id} is a segment, {id...} all the rest
	access  access
	handle  func(*fiber.Ctx, *exchange) error
}

// access says who may come in.
type access uint8

const (
	member access = iota // with a tenant's key
	public
)

// routes is the whole surface, in the order of docs/api.md.
func (s *Server) routes() []route {
	const get, post, remove = fiber.MethodGet, fiber.MethodPost, fiber.MethodDelete
	return []route{
		{post, "/v1/chat/completions", member, s.createChatCompletion},
		{post, "/v1/chat/completions/batch", member, s.createBatch},
		{get, "/v1/chat/completions/batch/{id}", member, s.getBatch},
		{remove, "/v1/chat/completions/batch/{id}", member, s.cancelBatch},
		{get, "/v1/models", member, s.listModels},
		{get, "/v1/models/{id...}", member, s.getModel},

		{post, "/v1/responses", member, s.createResponse},
		{get, "/v1/responses/{id}", member, s.getResponse},
		{remove, "/v1/responses/{id}", member, s.deleteResponse},
		{get, "/v1/responses/{id}/input_items", member, s.listInput},

		{post, "/v1/conversations", member, s.createConversation},
		{get, "/v1/conversations", member, s.listConversations},
		{get, "/v1/conversations/{id}", member, s.getConversation},
		{post, "/v1/conversations/{id}", member, s.updateConversation},
		{remove, "/v1/conversations/{id}", member, s.deleteConversation},
		{post, "/v1/conversations/{id}/items", member, s.addItems},
		{get, "/v1/conversations/{id}/items", member, s.listItems},
		{get, "/v1/conversations/{id}/items/{item}", member, s.getItem},
		{remove, "/v1/conversations/{id}/items/{item}", member, s.deleteItem},

		{post, "/v1/embeddings", member, s.createEmbeddings},

		{get, "/v1/usage", member, s.getUsage},

		{remove, "/v1/cache/entries/{id}", member, s.dropCacheEntry},
		{get, "/v1/cache/stats", member, s.getCacheStats},
		{post, "/v1/cache/warm", member, s.warmCache},
		{get, "/v1/cache/warm/{id}", member, s.getWarming},
		{remove, "/v1/cache/warm/{id}", member, s.cancelWarming},

		{get, "/healthz", public, s.healthy},
		{get, "/readyz", public, s.ready},
		{get, "/health/liveliness", public, s.healthy}, // the name that users of LiteLLM know
		{get, "/health/readiness", public, s.ready},
	}
}

// asksForATurn tells whether a route's requests may be refused for want of room. A
// batch is not: its turns wait for it.
func asksForATurn(r *route) bool {
	return r.method == fiber.MethodPost && (r.pattern == "/v1/chat/completions" || r.pattern == "/v1/responses")
}

// mount puts the surface in place.
func (s *Server) mount(app *fiber.App) {
	for _, r := range s.routes() {
		s.metrics.addEndpoint(r.method, r.pattern)
		app.Add(r.method, fiberPattern(r.pattern), s.serve(r))
		if r.access == public { // load balancers ask for the head alone
			r.method = fiber.MethodHead
			s.metrics.addEndpoint(r.method, r.pattern)
			app.Add(r.method, fiberPattern(r.pattern), s.serve(r))
		}
	}
}

// fiberPattern writes a pattern as the router wants it.
func fiberPattern(pattern string) string {
	return strings.NewReplacer("{id...}", "*", "{id}", ":id", "{item}", ":item").Replace(pattern)
}
