package http

import (
	"bytes"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// createChatCompletion answers POST /v1/chat/completions.
func (s *Server) createChatCompletion(c *fiber.Ctx, x *exchange) error {
	request, err := openai.DecodeChatRequest(c.Request().Body())
	if err != nil {
		return err
	}
	spec, err := s.chatTurn(c, x, request)
	if err != nil {
		return err
	}
	a, record, err := s.obtain(c, x, spec)
	if messages.CodeOf(err) == messages.CodeConversationAbsent {
		return blame(err, conversationHeader)
	}
	if err != nil {
		return err
	}
	id, created := x.id, x.begun
	if record != nil {
		id, created = record.ID, record.Created
	}
	if request.Stream {
		return s.sendStream(c, x, a, &openai.ChatStream{
			ID: id, Model: spec.Model, Created: created, IncludeUsage: request.IncludeUsage,
		})
	}
	return s.sendWhole(c, a, &wholeChat{id: id, model: spec.Model, created: created})
}

// chatTurn says what turn a request asks for. It is kept only where the client
// asks for that.
func (s *Server) chatTurn(c *fiber.Ctx, x *exchange, request *openai.ChatRequest) (messages.TurnSpec, error) {
	spec, err := s.newTurn(c, x)
	if err != nil {
		return spec, err
	}
	spec.Model, spec.Input, spec.Options, spec.Stream = request.Model, request.Input, request.Options, request.Stream
	if err = checkPlain("model", spec.Model); err != nil {
		return spec, err
	}
	named := messages.ConversationID(c.Request().Header.Peek(conversationHeader))
	switch {
	case named != "":
		err = continueConversation(x, &spec, named, conversationHeader)
	case request.Store != nil && *request.Store:
		keepApart(&spec)
	default:
		spec.Passthrough = &messages.Passthrough{Format: messages.FormatOpenAIChat, Body: bytes.Clone(c.Request().Body())}
	}
	if err == nil && spec.Keep && spec.Options.N > 1 {
		err = invalid("n", "n is above 1 in a turn that is kept, which has one answer", "ask for one, or leave out store and x-parley-conversation")
	}
	return spec, err
}

// wholeChat is a chat completion in one piece.
type wholeChat struct {
	openai.ChatReply
	id      messages.TurnID
	model   string
	created time.Time
}

// Append implements whole.
func (w *wholeChat) Append(dst []byte) []byte { return w.AppendJSON(dst, w.id, w.model, w.created) }
