package http

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// conversationHeader names the conversation that a turn is kept in.
const conversationHeader = "x-parley-conversation"

// createConversation answers POST /v1/conversations. The id is a function of
// the request's: tried again under its Idempotency-Key, it creates nothing new.
func (s *Server) createConversation(c *fiber.Ctx, x *exchange) error {
	request, err := openai.DecodeConversationCreate(c.Request().Body())
	if err != nil {
		return err
	}
	id := x.creates()
	ctx, release := s.storeContext()
	defer release()
	created, err := s.library.CreateConversation(ctx, messages.Conversation{
		Ref:      messages.ConversationRef{Tenant: x.principal.Tenant, Conversation: messages.NewConversationID(id)},
		Metadata: request.Metadata, Created: id.Time(),
	}, id, request.Items)
	if err != nil {
		return err
	}
	sendConversation(c, &created)
	return nil
}

// listConversations answers GET /v1/conversations, which OpenAI lacks.
func (s *Server) listConversations(c *fiber.Ctx, x *exchange) error {
	page, err := pageOf(c)
	if err != nil {
		return err
	}
	ctx, release := s.storeContext()
	defer release()
	found, more, err := s.library.Conversations(ctx, x.principal.Tenant, page)
	if err != nil {
		return err
	}
	sendJSON(c, func(dst []byte) []byte { return openai.AppendConversations(dst, found, more) })
	return nil
}

// getConversation answers GET /v1/conversations/{id}.
func (s *Server) getConversation(c *fiber.Ctx, x *exchange) error {
	ctx, release := s.storeContext()
	defer release()
	found, err := s.library.Conversation(ctx, refOf(c, x))
	if err != nil {
		return err
	}
	sendConversation(c, &found)
	return nil
}

// updateConversation answers POST /v1/conversations/{id}.
func (s *Server) updateConversation(c *fiber.Ctx, x *exchange) error {
	metadata, err := openai.DecodeConversationUpdate(c.Request().Body())
	if err != nil {
		return err
	}
	ctx, release := s.storeContext()
	defer release()
	updated, err := s.library.UpdateConversation(ctx, refOf(c, x), metadata)
	if err != nil {
		return err
	}
	sendConversation(c, &updated)
	return nil
}

// deleteConversation answers DELETE /v1/conversations/{id}.
func (s *Server) deleteConversation(c *fiber.Ctx, x *exchange) error {
	ref := refOf(c, x)
	ctx, release := s.storeContext()
	defer release()
	if _, err := s.library.Conversation(ctx, ref); err != nil {
		return err
	}
	drop := &messages.DropConversation{Ref: ref, Reply: make(chan messages.Edited, 1)}
	if _, err := s.edited(s.conversations.DropConversation(drop), drop.Reply); err != nil {
		return err
	}
	sendJSON(c, func(dst []byte) []byte { return openai.AppendConversationDeleted(dst, ref.Conversation) })
	return nil
}

func sendConversation(c *fiber.Ctx, conversation *messages.Conversation) {
	sendJSON(c, func(dst []byte) []byte { return openai.AppendConversation(dst, conversation) })
}

// refOf names the conversation of the path, for the tenant whose key came with
// it.
func refOf(c *fiber.Ctx, x *exchange) messages.ConversationRef {
	return messages.ConversationRef{
		Tenant: x.principal.Tenant, Conversation: messages.ConversationID(strings.Clone(c.Params("id"))),
	}
}

// editPatience is how long a conversation may take to change itself: it does
// so between two turns.
const editPatience = 30 * time.Second

// edited waits for a conversation's answer to a message that was sent with the
// error sent.
func (s *Server) edited(sent error, reply <-chan messages.Edited) ([]messages.StoredItem, error) {
	if sent != nil {
		return nil, sent
	}
	patience := time.NewTimer(editPatience)
	defer patience.Stop()
	select {
	case e := <-reply:
		return e.Items, e.Err
	case <-s.cut.Done():
		return nil, shuttingDown()
	case <-patience.C:
		return nil, &messages.Failure{
			Code: messages.CodeDeadline, What: "the conversation did not answer in time, it may be in a turn",
			Do: "send the request again when that has ended",
		}
	}
}
