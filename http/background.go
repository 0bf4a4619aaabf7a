package http

import (
	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// sendFromBackground answers for a turn that goes on whoever leaves: at once, or
// as one of those who look on.
func (s *Server) sendFromBackground(c *fiber.Ctx, x *exchange, record *messages.TurnRecord, stream bool) error {
	switch {
	case stream:
		_, err := s.streamResponse(c, x, openai.ResponseID(record.ID), fromBeginning)
		return err
	case record.Status != messages.TurnRunning: // a key brought it back
		return s.sendStored(c, record)
	}
	sendJSON(c, func(dst []byte) []byte { return openai.AppendResponse(dst, record, nil) })
	return nil
}

// cancelResponse answers POST /v1/responses/{id}/cancel with the response as it is
// then: cancelled, with what it had said, or as it had ended before.
func (s *Server) cancelResponse(c *fiber.Ctx, x *exchange) error {
	ctx, release := s.storeContext()
	defer release()
	record, err := s.turn(ctx, x.principal.Tenant, c.Params("id"))
	if err != nil {
		return err
	}
	if record.Status == messages.TurnRunning {
		m := messages.NewCancelTurn(record.Ref, record.ID)
		if err := s.conversations.CancelTurn(m); err != nil {
			return err
		}
		select {
		case cancelled := <-m.Reply:
			if cancelled.Err != nil {
				return cancelled.Err
			}
		case <-ctx.Done():
			return notEndedYet()
		}
		if record, _, err = s.ended(ctx, &record); err != nil {
			return err
		}
	}
	return s.sendStored(c, &record)
}

func notEndedYet() error {
	return &messages.Failure{
		Code: messages.CodeStoreUnavailable, What: "the end of the turn could not be stored in time", Do: "ask again; cancelling may be repeated",
	}
}
