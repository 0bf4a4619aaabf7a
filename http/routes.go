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

// Some patterns that are asked for elsewhere.
const (
	chatPattern   = "/v1/chat/completions"
	ticketPattern = "/v1/realtime-tickets"
)

// routes is the whole surface, in the order of docs/api.md.
func (s *Server) routes() []route {
	const get, post, remove = fiber.MethodGet, fiber.MethodPost, fiber.MethodDelete
	return []route{
		{post, chatPattern, chat, s.createChatCompletion},
		{post, "/v1/chat/completions/batch", chat, s.createBatch},
		{get, "/v1/chat/completions/batch/{id}", chat, s.getBatch},
		{remove, "/v1/chat/completions/batch/{id}", chat, s.cancelBatch},
		{get, "/v1/models", member, s.listModels},
		{get, "/v1/models/{id...}", member, s.getModel},

		{post, "/v1/responses", responses, s.createResponse},
		{get, "/v1/responses", responses | socket, s.openSession},
		{get, "/v1/responses/{id}", responses, s.getResponse},
		{remove, "/v1/responses/{id}", responses, s.deleteResponse},
		{post, "/v1/responses/{id}/cancel", responses, s.cancelResponse},
		{get, "/v1/responses/{id}/input_items", responses, s.listInput},

		{post, "/v1/conversations", conversations, s.createConversation},
		{get, "/v1/conversations", conversations, s.listConversations},
		{get, "/v1/conversations/{id}", conversations, s.getConversation},
		{post, "/v1/conversations/{id}", conversations, s.updateConversation},
		{remove, "/v1/conversations/{id}", conversations, s.deleteConversation},
		{post, "/v1/conversations/{id}/items", conversations, s.addItems},
		{get, "/v1/conversations/{id}/items", conversations, s.listItems},
		{get, "/v1/conversations/{id}/items/{item}", conversations, s.getItem},
		{remove, "/v1/conversations/{id}/items/{item}", conversations, s.deleteItem},

		{post, ticketPattern, responses, s.createTicket},

		{post, "/v1/embeddings", embeddings, s.createEmbeddings},

		{get, "/v1/usage", usage, s.getUsage},
		{get, "/v1/budget", usage, s.getBudget},

		{remove, "/v1/cache/entries/{id}", cache, s.dropCacheEntry},
		{get, "/v1/cache/stats", cache, s.getCacheStats},
		{post, "/v1/cache/warm", cache | chat, s.warmCache},
		{get, "/v1/cache/warm/{id}", cache, s.getWarming},
		{remove, "/v1/cache/warm/{id}", cache, s.cancelWarming},

		{get, "/healthz", public, s.healthy},
		{get, "/readyz", public, s.ready},
		{get, "/health/liveliness", public, s.healthy}, // the name that users of LiteLLM know
		{get, "/health/readiness", public, s.ready},
	}
}

// asksForATurn tells whether a route's requests may be refused for want of room. A
// batch is not: its turns wait for it.
func asksForATurn(r *route) bool {
	return r.method == fiber.MethodPost && (r.pattern == chatPattern || r.pattern == socketPattern)
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
