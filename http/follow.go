package http

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// followed is a response that some request asked for. It is whole in the store, or
// still comes.
type followed struct {
	record messages.TurnRecord
	stored messages.TurnStatus // what the store has as the record's; empty where there is none
	view   messages.View       // nil where it is whole; whoever has it leaves
}

// follow finds a response by its name. What runs is asked first and the store
// after it, so that no end is missed in between.
func (s *Server) follow(tenant messages.TenantID, name string) (f followed, err error) {
	ctx, release := s.storeContext()
	defer release()
	f.record, err = s.turn(ctx, tenant, name)
	if f.stored = f.record.Status; err != nil || f.stored != messages.TurnRunning {
		return f, err
	}
	m := messages.NewFollowTurn(f.record.Ref, f.record.ID)
	if err := s.conversations.FollowTurn(m); err != nil {
		return f, err
	}
	select {
	case following := <-m.Reply:
		if f.view = following.View; f.view != nil || following.Err != nil {
			return f, following.Err
		}
	case <-ctx.Done():
		m.GiveUp()
		return f, &messages.Failure{
			Code: messages.CodeOverloaded, What: "nobody could say in time whether the response still runs", Do: "ask again", Cause: ctx.Err(),
		}
	}
	f.record, f.stored, err = s.ended(ctx, &f.record)
	return f, err
}

// endPatience is how long the end of a turn that does not run any more may take to
// be stored, where its actor was replaced under it.
const (
	endPatience = time.Second
	endPause    = 50 * time.Millisecond
)

// ended reads a turn again that does not run any more. One whose end nobody wrote
// went down with its process, or with the store: its conversation will find that
// out when it wakes, and whoever reads it sooner is told the same; stored is what the
// store says.
func (s *Server) ended(ctx context.Context, r *messages.TurnRecord) (record messages.TurnRecord, stored messages.TurnStatus, err error) {
	for patience := time.Now().Add(endPatience); ; {
		record, err = s.library.Turn(ctx, r.Ref.Tenant, r.ID)
		if stored = record.Status; err != nil || stored != messages.TurnRunning {
			return record, stored, err
		}
		if time.Now().After(patience) {
			record.Status, record.Reason = messages.TurnPartial, messages.ReasonServerRestart
			return record, stored, nil
		}
		select {
		case <-time.After(endPause):
		case <-ctx.Done():
		}
	}
}

// soFar takes all that has come of the reply into what is given for it, and
// returns the end where that has come as well.
func soFar(v messages.View, take func(messages.Chunk)) (end *messages.TurnOutcome) {
	for {
		chunk, came := v.Next()
		if !came {
			return nil
		}
		take(chunk)
		if chunk.Kind == messages.ChunkEnd {
			return chunk.End
		}
	}
}

// lostSight tells whether what is seen of a turn ends here while that may go on, and why.
// It is so for whoever looks on, and for the turn's own client, by way of a node that does
// not reach its owner any more.
func lostSight(c *messages.Chunk) error {
	if c.Kind == messages.ChunkEnd && c.End.Status == messages.TurnRunning {
		return c.End.Err
	}
	return nil
}

// sendRunning answers with what there is of a response that still comes.
func (s *Server) sendRunning(c *fiber.Ctx, f *followed) error {
	var reply messages.Reply
	end := soFar(f.view, func(chunk messages.Chunk) { reply.Add(chunk) })
	f.view.Leave()
	if end != nil {
		ctx, release := s.storeContext()
		defer release()
		record, _, err := s.ended(ctx, &f.record)
		if err != nil {
			return err
		}
		return s.sendStored(c, &record)
	}
	f.record.Served = reply.Served
	output := reply.Items(f.record.ID, f.record.Inputs, 0, messages.ItemIncomplete)
	sendJSON(c, func(dst []byte) []byte { return openai.AppendResponse(dst, &f.record, output) })
	return nil
}

// sendStored answers with a response as the store has it.
func (s *Server) sendStored(c *fiber.Ctx, record *messages.TurnRecord) error {
	ctx, release := s.storeContext()
	defer release()
	output, err := s.outputOf(ctx, record)
	if err != nil {
		return err
	}
	sendJSON(c, func(dst []byte) []byte { return openai.AppendResponse(dst, record, output) })
	return nil
}
