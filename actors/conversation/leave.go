package conversation

import (
	"context"
	"errors"

	"example.com/parley/messages"
)

// A turn in the background outlives its owner where its request asks for that: a
// process that ends, or has to give the conversation's shard away, leaves it as it is
// in the store, and whoever has the conversation next takes it up.

// isLeft tells whether the turn was cut since its conversation goes elsewhere, and is
// to go on there.
func (t *turn) isLeft(outcome *messages.TurnOutcome) bool {
	return t.spec.Outlives() && t.kept != nil && messages.CodeOf(outcome.Err) == messages.CodeRestarted && t.deps.leaves(t.spec.Ref())
}

// leaves tells whether this node gives the conversation up. One whose actor is
// restarted stays.
func (d *Deps) leaves(ref messages.ConversationRef) bool {
	return d.Leaving.Load() || d.ShardEpoch != nil && d.ShardEpoch(ref) == 0
}

// leave settles what the turn has cost so far, and nothing else. Who looks on is told
// to look again.
func (t *turn) leave(ctx context.Context, done *turnDone, outcome messages.TurnOutcome) *turnDone {
	done.err = errors.Join(t.kept.leave(ctx), t.settleRows(ctx), outcome.Err)
	t.outcome = messages.TurnOutcome{Status: messages.TurnRunning, Err: outcome.Err}
	t.request.Settle(t.total().Total())
	return done
}
