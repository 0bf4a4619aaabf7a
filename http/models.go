package http

import (
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages/wire/openai"
)

// listModels answers GET /v1/models: with those that the key may ask for.
func (s *Server) listModels(c *fiber.Ctx, x *exchange) error {
	cards := s.catalogue.Models(x.principal.Allowed)
	sendJSON(c, func(dst []byte) []byte { return openai.AppendModels(dst, cards) })
	return nil
}

// getModel answers GET /v1/models/{id...}. Names have slashes, which clients
// send as they are or escaped.
func (s *Server) getModel(c *fiber.Ctx, x *exchange) error {
	name := strings.Clone(c.Params("*"))
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	card, err := s.catalogue.Model(name, x.principal.Allowed)
	if err != nil {
		return err
	}
	sendJSON(c, func(dst []byte) []byte { return openai.AppendModel(dst, &card) })
	return nil
}
