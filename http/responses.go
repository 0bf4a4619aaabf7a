package http

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// createResponse answers POST /v1/responses.
func (s *Server) createResponse(c *fiber.Ctx, x *exchange) error {
	request, err := openai.DecodeResponsesRequest(c.Request().Body())
	if err != nil {
		return err
	}
	spec, err := s.responseTurn(c, x, request)
	if err != nil {
		return err
	}
	a, record, err := s.obtain(c, x, spec)
	if err != nil {
		return err
	}
	if record == nil {
		record = recordOf(&spec, a.started)
	}
	if request.Background {
		a.release()
		return s.sendFromBackground(c, x, record, request.Stream)
	}
	if request.Stream {
		return s.sendStream(c, x, a, openai.NewResponseStream(record))
	}
	return s.sendWhole(c, a, &wholeResponse{record: *record})
}

// responseTurn says what turn a request asks for.
func (s *Server) responseTurn(c *fiber.Ctx, x *exchange, request *openai.ResponsesRequest) (spec messages.TurnSpec, err error) {
	if spec, err = s.newTurn(c, x); err != nil {
		return spec, err
	}
	if err = describe(&spec, request); err != nil {
		return spec, err
	}
	err = s.place(x, &spec, messages.ConversationID(request.Conversation), request.PreviousResponseID, request.Store == nil || *request.Store)
	spec.Background = request.Background
	spec.Stream = spec.Stream || spec.Outlives() // a reply that comes piece by piece need not begin anew
	if err == nil && spec.Background && !spec.Keep {
		err = invalid("background", "a response that is not stored cannot be made in the background: nobody could read it", "leave store out, or background")
	}
	return spec, err
}

// place says where a turn goes on from, and where it is kept.
func (s *Server) place(x *exchange, spec *messages.TurnSpec, conversation messages.ConversationID, previous string, store bool) (err error) {
	switch {
	case conversation != "":
		err = continueConversation(x, spec, conversation, "conversation")
	case previous != "":
		err = s.continueResponse(spec, previous)
	default:
		keepApart(spec)
	}
	if !store {
		keepNothing(spec)
	}
	return err
}

// continueResponse lets a turn go on from a stored one.
func (s *Server) continueResponse(spec *messages.TurnSpec, id string) error {
	ctx, release := s.storeContext()
	defer release()
	record, err := s.turn(ctx, spec.Tenant, id)
	if err != nil {
		return blame(err, "previous_response_id")
	}
	if record.Status == messages.TurnRunning {
		return invalid("previous_response_id", "the previous response has not ended yet", "wait until it has")
	}
	spec.Conversation, spec.Keep = record.Ref.Conversation, true
	spec.After, spec.AfterSeq = record.ID, record.LastSeq()
	return nil
}

// keepNothing leaves a turn what it reads, and writes nothing of it.
func keepNothing(spec *messages.TurnSpec) {
	if spec.Create {
		spec.Conversation = ""
	}
	spec.Keep, spec.Create, spec.Private = false, false, false
}

// recordOf describes a turn that has just begun. One that is kept nowhere has no
// conversation to show, though it may have read one.
func recordOf(spec *messages.TurnSpec, started messages.TurnStarted) *messages.TurnRecord {
	return &messages.TurnRecord{
		ID: spec.ID, Ref: messages.ConversationRef{Tenant: spec.Tenant, Conversation: started.Conversation},
		Private: started.Private || started.Conversation == "", Key: spec.Key, After: spec.After,
		Status: messages.TurnRunning, Model: spec.Model, Instructions: spec.Instructions, Options: spec.Options,
		Background: spec.Background, Inputs: len(spec.Input), Created: spec.ID.Time(),
	}
}

// wholeResponse is a response in one piece.
type wholeResponse struct {
	reply  messages.Reply
	record messages.TurnRecord
}

// Add implements whole.
func (w *wholeResponse) Add(c messages.Chunk) {
	w.reply.Add(c)
	if c.Kind == messages.ChunkEnd {
		w.record.Status, w.record.Reason, w.record.Ended = c.End.Status, c.End.Reason, c.End.Ended
		w.record.Served, w.record.Finish, w.record.Usage = w.reply.Served, w.reply.Finish, w.reply.Usage
	}
}

// Append implements whole.
func (w *wholeResponse) Append(dst []byte) []byte {
	status := messages.ItemComplete
	if w.record.Status != messages.TurnComplete {
		status = messages.ItemIncomplete
	}
	return openai.AppendResponse(dst, &w.record, w.reply.Items(w.record.ID, w.record.Inputs, 0, status))
}

// deleteResponse answers DELETE /v1/responses/{id}.
func (s *Server) deleteResponse(c *fiber.Ctx, x *exchange) error {
	ctx, release := s.storeContext()
	defer release()
	record, err := s.turn(ctx, x.principal.Tenant, c.Params("id"))
	if err != nil {
		return err
	}
	erase := &messages.EraseTurn{Ref: record.Ref, Turn: record.ID, Reply: make(chan messages.Edited, 1)}
	if _, err := s.edited(s.conversations.EraseTurn(erase), erase.Reply); err != nil {
		return err
	}
	sendJSON(c, func(dst []byte) []byte { return openai.AppendResponseDeleted(dst, record.ID) })
	return nil
}

// listInput answers GET /v1/responses/{id}/input_items. What a turn brought is
// bounded by its request, so it is read whole.
func (s *Server) listInput(c *fiber.Ctx, x *exchange) error {
	page, err := pageOf(c)
	if err != nil {
		return err
	}
	ctx, release := s.storeContext()
	defer release()
	record, err := s.turn(ctx, x.principal.Tenant, c.Params("id"))
	if err != nil {
		return err
	}
	items, err := s.library.TurnItems(ctx, x.principal.Tenant, record.ID)
	if err != nil {
		return err
	}
	found, more := inputsOn(items, page)
	sendJSON(c, func(dst []byte) []byte { return openai.AppendItems(dst, found, more) })
	return nil
}

// inputsOn returns the inputs that are on a page.
func inputsOn(items []messages.StoredItem, page messages.Page) (found []messages.StoredItem, more bool) {
	seen := page.After == ""
	for i := range items {
		item := &items[i]
		if !page.Asc {
			item = &items[len(items)-1-i]
		}
		switch {
		case item.Output:
		case !seen:
			seen = string(item.ID) == page.After
		case len(found) == page.Limit:
			return found, true
		default:
			found = append(found, *item)
		}
	}
	return found, false
}

// turn reads a turn by its response's name.
func (s *Server) turn(ctx context.Context, tenant messages.TenantID, name string) (messages.TurnRecord, error) {
	id, ok := openai.ParseResponseID(name)
	if !ok {
		return messages.TurnRecord{}, &messages.Failure{
			Code: messages.CodeResponseAbsent, What: "there is no such response", Do: "check the id, which begins with resp_",
		}
	}
	return s.library.Turn(ctx, tenant, id)
}
