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

		{get, "/healthz", public, s.healthy},
		{get, "/readyz", public, s.ready},
		{get, "/health/liveliness", public, s.healthy}, // the name that users of LiteLLM know
		{get, "/health/readiness", public, s.ready},
	}
}

// mount puts the surface in place.
func (s *Server) mount(app *fiber.App) {
	for _, r := range s.routes() {
		s.metrics.addEndpoint(r.method, r.pattern)
		app.Add(r.method, fiberPattern(r.pattern), s.serve(r))
	}
}

// fiberPattern writes a pattern as the router wants it.
func fiberPattern(pattern string) string {
	return strings.NewReplacer("{id...}", "*", "{id}", ":id", "{item}", ":item").Replace(pattern)
}
