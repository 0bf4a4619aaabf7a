package http

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// addItems answers POST /v1/conversations/{id}/items.
func (s *Server) addItems(c *fiber.Ctx, x *exchange) error {
	items, err := openai.DecodeItemsAdd(c.Request().Body())
	if err != nil {
		return err
	}
	ref := refOf(c, x)
	ctx, release := s.storeContext()
	defer release()
	if _, err := s.library.Conversation(ctx, ref); err != nil { // nobody is woken for what there is not
		return err
	}
	add := &messages.AddItems{Ref: ref, Request: x.creates(), Items: items, Reply: make(chan messages.Edited, 1)}
	added, err := s.edited(s.conversations.AddItems(add), add.Reply)
	if err != nil {
		return err
	}
	sendJSON(c, func(dst []byte) []byte { return openai.AppendItems(dst, added, false) })
	return nil
}

// listItems answers GET /v1/conversations/{id}/items.
func (s *Server) listItems(c *fiber.Ctx, x *exchange) error {
	page, err := pageOf(c)
	if err != nil {
		return err
	}
	ctx, release := s.storeContext()
	defer release()
	found, more, err := s.library.Items(ctx, refOf(c, x), page)
	if err != nil {
		return err
	}
	sendJSON(c, func(dst []byte) []byte { return openai.AppendItems(dst, found, more) })
	return nil
}

// getItem answers GET /v1/conversations/{id}/items/{item}.
func (s *Server) getItem(c *fiber.Ctx, x *exchange) error {
	ctx, release := s.storeContext()
	defer release()
	found, err := s.library.Item(ctx, refOf(c, x), itemOf(c))
	if err != nil {
		return err
	}
	sendJSON(c, func(dst []byte) []byte { return openai.AppendItem(dst, &found.Item) })
	return nil
}

// deleteItem answers DELETE /v1/conversations/{id}/items/{item} with the
// conversation, as OpenAI does.
func (s *Server) deleteItem(c *fiber.Ctx, x *exchange) error {
	ref := refOf(c, x)
	ctx, release := s.storeContext()
	defer release()
	conversation, err := s.library.Conversation(ctx, ref)
	if err != nil {
		return err
	}
	if _, err := s.library.Item(ctx, ref, itemOf(c)); err != nil {
		return err
	}
	erase := &messages.EraseItem{Ref: ref, Item: itemOf(c), Reply: make(chan messages.Edited, 1)}
	if _, err := s.edited(s.conversations.EraseItem(erase), erase.Reply); err != nil {
		return err
	}
	sendConversation(c, &conversation)
	return nil
}

func itemOf(c *fiber.Ctx) messages.ItemID { return messages.ItemID(strings.Clone(c.Params("item"))) }
