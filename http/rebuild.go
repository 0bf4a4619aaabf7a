package http

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// rebuilt returns the turn of an earlier try, put together again from the
// store; nil where there is none that can be shown as an answer. Its chunks wait
// already, so that it is sent like any other.
func (s *Server) rebuilt(c *fiber.Ctx, x *exchange) (*answer, *messages.TurnRecord, error) {
	if x.claim == nil || x.claim.earlier.IsZero() {
		return nil, nil, nil
	}
	if x.claim.joins {
		return s.joined(c, x)
	}
	ctx, release := s.storeContext()
	defer release()
	f, err := s.follow(x.principal.Tenant, openai.ResponseID(x.claim.earlier))
	switch {
	case messages.CodeOf(err) == messages.CodeResponseAbsent, err == nil && f.view == nil && !isWhole(&f.record):
		return nil, nil, x.claim.restart(ctx, f.stored)
	case err != nil:
		return nil, nil, err
	case f.view != nil: // the node that was asked first is gone, and not that which answers
		return s.joinedTo(c, x, &f)
	}
	return s.repeated(ctx, x, &f.record)
}

// joined returns the turn of an earlier try that has not answered yet. One that
// came to nothing meanwhile frees the key for the next try.
func (s *Server) joined(c *fiber.Ctx, x *exchange) (*answer, *messages.TurnRecord, error) {
	f, err := s.follow(x.principal.Tenant, openai.ResponseID(x.claim.earlier))
	switch {
	case err != nil:
		return nil, nil, err
	case f.view != nil:
		return s.joinedTo(c, x, &f)
	case !isWhole(&f.record):
		return nil, nil, keyInUse()
	}
	ctx, release := s.storeContext()
	defer release()
	return s.repeated(ctx, x, &f.record)
}

// joinedTo answers with a turn that runs. The key stays with it.
func (s *Server) joinedTo(c *fiber.Ctx, x *exchange, f *followed) (*answer, *messages.TurnRecord, error) {
	x.claim.joins, x.claim.settled, x.claim.long = true, true, true
	c.Set("idempotent-replayed", "true")
	return s.looking(c, x, f), &f.record, nil
}

// isWhole tells whether a turn came to an end that is no failure.
func isWhole(r *messages.TurnRecord) bool {
	switch r.Status {
	case messages.TurnComplete:
		return true
	case messages.TurnPartial:
		return r.Reason == messages.ReasonMaxTokens || r.Reason == messages.ReasonContentFilter
	default:
		return false
	}
}

// outputOf reads what the model said in a turn.
func (s *Server) outputOf(ctx context.Context, record *messages.TurnRecord) ([]messages.Item, error) {
	stored, err := s.library.TurnItems(ctx, record.Ref.Tenant, record.ID)
	if err != nil {
		return nil, err
	}
	var output []messages.Item
	for i := range stored {
		if stored[i].Output {
			output = append(output, stored[i].Item)
		}
	}
	return output, nil
}

// repeated is an answer whose chunks all wait.
func (s *Server) repeated(ctx context.Context, x *exchange, record *messages.TurnRecord) (*answer, *messages.TurnRecord, error) {
	output, err := s.outputOf(ctx, record)
	if err != nil {
		return nil, nil, err
	}
	chunks := chunksOf(record, output)
	client, cancel := context.WithCancelCause(context.Background())
	a := &answer{
		server: s, model: record.Model, cancel: cancel, ring: s.watch.ringOf(x), served: record.Served, first: chunks[0],
		started: messages.TurnStarted{Conversation: record.Ref.Conversation, Private: record.Private},
		turn:    &messages.StartTurn{Spec: new(messages.TurnSpec), Client: client, Chunks: make(chan messages.Chunk, len(chunks))},
	}
	a.waiting.deadline = x.begun.Add(s.cfg.TurnTimeout)
	for _, chunk := range chunks[1:] {
		a.turn.Chunks <- chunk
	}
	return a, record, nil
}

// chunksOf is the stream that a stored turn could have come as.
func chunksOf(record *messages.TurnRecord, output []messages.Item) []messages.Chunk {
	served, usage := record.Served, record.Usage
	chunks := append([]messages.Chunk{{Kind: messages.ChunkOpened, Served: &served}}, messages.ItemChunks(output)...)
	return append(
		chunks,
		messages.Chunk{Kind: messages.ChunkFinish, Finish: record.Finish},
		messages.Chunk{Kind: messages.ChunkUsage, Usage: &usage},
		messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: record.Status, Reason: record.Reason, Ended: record.Ended}},
	)
}
