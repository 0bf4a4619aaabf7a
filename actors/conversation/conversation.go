// Package conversation runs turns. A conversation is an actor while it has
// something to do: it carries out one piece of work at a time, in order, under
// one epoch. A turn that is kept nowhere needs no conversation and runs in a
// [Pool].
//
// The actors decide and goroutines wait: the half of a turn that reads from
// providers and writes to the store is in turn.go and the files it names, and
// both kinds of actor run the same.
package conversation

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// maxWaiting is how many requests may wait for the running one. A person never
// queues more; a script should get 429.
const maxWaiting = 8

// Conversation is the actor. A shard spawns it, with Props.
type Conversation struct {
	deps *Deps

	// Owned by Receive.
	memory *memory // nil while asleep: the store knows
	busy   *busy   // nil while there is nothing to do
	heard  uint64  // requests since it was spawned, or restarted
}

// busy is what a conversation is at.
type busy struct {
	ref     messages.ConversationRef // the conversation's own
	work    any                      // the request that is being carried out
	waking  bool                     // the store was asked; nobody answers the work meanwhile
	cancel  context.CancelCauseFunc  // of the work's goroutine, which answers the work unless it is waking
	waiting []any                    // requests behind it, oldest first
	turn    *turn                    // the work, where it is a turn that was begun
	ending  []*messages.CancelTurn   // who wants it ended, and is answered when it has
	looking []*messages.FollowTurn   // who wants to see it, and is answered once it is begun
}

// Props are those of every conversation: one wakes from the store with its first
// message, which says who it is, or is made by it, or is given back what it
// remembered.
func Props(deps *Deps) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor { return &Conversation{deps: deps} })
}

// Receive implements actor.Actor. Read it as the table of contents.
func (c *Conversation) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.Resume:
		c.resume(m)
	case *messages.MayStop:
		c.agreeToStop(ctx, m)
	case *messages.EraseTurn:
		c.interrupt(m.Turn)
		c.admit(ctx, m)
	case *messages.DropConversation:
		c.interrupt(messages.TurnID{})
		c.refuseWaiting(absent(m.Ref))
		c.admit(ctx, m)
	case *messages.FollowTurn:
		c.follow(ctx, m)
	case *messages.CancelTurn:
		c.cancel(ctx, m)
	case messages.Addressed:
		c.admit(ctx, m)
	case *woken:
		c.wakeUp(ctx, m)
	case *turnDone:
		c.settle(ctx, m)
	case *editDone:
		c.finishEdit(ctx, m)
	case *actor.Stopping, *actor.Restarting:
		c.abandon()
	}
}

// admit carries the request out, has it wait behind the running one, or refuses
// it when eight are waiting already.
func (c *Conversation) admit(ctx actor.Context, m messages.Addressed) {
	c.heard++
	switch {
	case c.isTakenUp(m):
		turn := m.(*messages.StartTurn)
		turn.Leave()
		private := turn.Spec.Private || c.memory != nil && c.memory.private
		turn.Answer(messages.TurnStarted{Conversation: c.busy.ref.Conversation, Private: private})
	case c.busy == nil:
		c.busy = &busy{ref: m.To()}
		c.begin(ctx, m)
	case len(c.busy.waiting) < maxWaiting:
		c.busy.waiting = append(c.busy.waiting, m)
	default:
		messages.Decline(m, tooManyTurns(c.busy.ref))
	}
}

// begin makes m the work, and wakes the conversation for it if need be.
func (c *Conversation) begin(ctx actor.Context, m any) {
	c.busy.work = m
	turn, isTurn := m.(*messages.StartTurn)
	switch {
	case isTurn && wakesFor(turn):
		c.wake(ctx)
	case c.memory != nil:
		c.carryOut(ctx)
	case isTurn && turn.Spec.Create:
		c.create(ctx, turn)
	default:
		c.wake(ctx)
	}
}

// create has the turn make the conversation.
func (c *Conversation) create(ctx actor.Context, m *messages.StartTurn) {
	c.memory = &memory{private: m.Spec.Private, epoch: c.deps.shardEpoch(c.busy.ref).First() + 1, next: 1}
	c.carryOut(ctx)
}

// carryOut starts the work's goroutine. It is called awake.
func (c *Conversation) carryOut(ctx actor.Context) {
	turn, isTurn := c.busy.work.(*messages.StartTurn)
	switch {
	case !isTurn:
		c.edit(ctx)
	case c.continuesAnEarlierResponse(turn.Spec):
		c.fork(turn)
		c.goOn(ctx)
	default:
		c.start(ctx, turn)
	}
}

// goOn takes the next request up, or rests.
func (c *Conversation) goOn(ctx actor.Context) {
	ref, waiting := c.busy.ref, c.busy.waiting
	if len(waiting) == 0 {
		c.busy = nil
		c.rest(ctx, c.heard)
		return
	}
	c.busy = &busy{ref: ref, waiting: waiting[1:]}
	c.begin(ctx, waiting[0])
}

// isAt tells whether the work is still being carried out. What is reported of
// any other is of the past.
func (c *Conversation) isAt(work any) bool { return c.busy != nil && c.busy.work == work }

// interrupt ends the running turn early: that of the given id, or any for the
// zero one.
func (c *Conversation) interrupt(id messages.TurnID) {
	if c.busy == nil || c.busy.cancel == nil {
		return
	}
	turn, isTurn := c.busy.work.(*messages.StartTurn)
	if isTurn && (id.IsZero() || id == turn.Spec.ID) {
		c.busy.cancel(errErased)
	}
}

func (c *Conversation) refuseWaiting(err error) {
	if c.busy == nil {
		return
	}
	for _, m := range c.busy.waiting {
		messages.Decline(m, err)
	}
	c.busy.waiting = nil
}

// agreeToStop answers the shard when there is nothing left to do, and says
// nothing otherwise.
func (c *Conversation) agreeToStop(ctx actor.Context, m *messages.MayStop) {
	if c.busy == nil {
		c.rest(ctx, m.Sent)
	}
}

// abandon ends what runs and refuses what waits, because this actor stops or is
// replaced. What the running turn had shown stays stored as partial.
func (c *Conversation) abandon() {
	if c.busy == nil {
		return
	}
	if c.busy.cancel != nil {
		c.busy.cancel(restarted(c.busy.ref))
	}
	if c.busy.waking || c.busy.cancel == nil {
		messages.Decline(c.busy.work, restarted(c.busy.ref))
	}
	c.refuseWaiting(restarted(c.busy.ref))
	c.tellEnded(restarted(c.busy.ref))
	c.showThose(nil)
	c.busy = nil
}
