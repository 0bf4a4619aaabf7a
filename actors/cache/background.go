package cache

import (
	"context"
	"time"

	"github.com/google/uuid"

	"example.com/parley/messages"
)

// Turns carries out turns. actors.System implements it.
type Turns interface {
	// Send starts a turn. An error says that it was refused.
	Send(turn *messages.StartTurn) error
}

// told is what came of a turn that nobody waits for.
type told struct {
	outcome messages.CacheOutcome
	cost    messages.NanoDollars
	text    string // its beginning
	err     error  // why it did not end as it should
}

const (
	longestVerdict = 64 // bytes of a reply that are of interest, or a little more

	refusals    = 3           // after which a request is given up
	refusedWait = time.Second // where the refusal names no time
)

// askUnseen runs a turn for the cache alone, behind those that people wait for. One
// that is refused is tried again.
func askUnseen(ctx context.Context, turns Turns, spec messages.TurnSpec, patience time.Duration) (t told) {
	spec.Priority, spec.Stream, spec.Keep = messages.PriorityBatch, false, false
	for range refusals {
		spec.ID, spec.Deadline = messages.TurnID(uuid.Must(uuid.NewV7())), time.Now().Add(patience)
		t = askOnce(ctx, turns, spec)
		failure := messages.AsFailure(t.err)
		if t.err == nil || failure.RetryAfter == 0 && failure.Code != messages.CodeTooManyTurns && failure.Code != messages.CodeOverloaded {
			return t
		}
		select {
		case <-time.After(max(failure.RetryAfter, refusedWait)):
		case <-ctx.Done():
			return t
		}
	}
	return t
}

func askOnce(ctx context.Context, turns Turns, spec messages.TurnSpec) (t told) {
	turn := messages.NewStartTurn(ctx, spec)
	if err := turns.Send(turn); err != nil {
		return told{err: err}
	}
	select {
	case started := <-turn.Reply:
		if started.Err != nil {
			return told{err: started.Err}
		}
	case <-ctx.Done():
		return told{err: context.Cause(ctx)}
	}
	for chunk := range turn.Chunks { // the turn closes them, at its deadline at the latest
		switch chunk.Kind {
		case messages.ChunkOpened:
			if chunk.Served.Cache != nil {
				t.outcome = *chunk.Served.Cache
			}
		case messages.ChunkText:
			if len(t.text) < longestVerdict {
				t.text += chunk.Text
			}
		case messages.ChunkEnd:
			t.cost, t.err = chunk.End.Cost, chunk.End.Err
		}
	}
	return t
}
