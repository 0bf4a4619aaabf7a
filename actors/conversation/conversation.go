// Package conversation runs turns. A conversation is an actor: it carries out
// one piece of work at a time, in order, under one epoch. A turn that is kept
// nowhere needs no conversation and runs in a [Pool].
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
	ref  messages.ConversationRef

	// Owned by Receive. While awake is false the rest is unknown.
	awake   bool
	private bool
	epoch   messages.Epoch
	next    messages.Seq
	tip     messages.TurnID
	window  []messages.Item // what a model is to remember

	work    any                     // the request that is being carried out; nil when idle
	waking  bool                    // the store was asked; nobody answers the work meanwhile
	cancel  context.CancelCauseFunc // of the work's goroutine, which answers the work unless it is waking
	waiting []any                   // requests behind it, oldest first
}

// Props returns a conversation that wakes from the store with its first
// message, or is made by it.
func Props(deps *Deps, ref messages.ConversationRef) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor { return &Conversation{deps: deps, ref: ref} })
}

// Receive implements actor.Actor. Read it as the table of contents.
func (c *Conversation) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.StartTurn, *messages.AddItems, *messages.EraseItem:
		c.admit(ctx, m)
	case *messages.EraseTurn:
		c.interrupt(m.Turn)
		c.admit(ctx, m)
	case *messages.DropConversation:
		c.interrupt(messages.TurnID{})
		c.refuseWaiting(absent(c.ref))
		c.admit(ctx, m)
	case *woken:
		c.wakeUp(ctx, m)
	case *turnDone:
		c.settle(ctx, m)
	case *editDone:
		c.finishEdit(ctx, m)
	case *messages.MayStop:
		c.agreeToStop(ctx, m)
	case *actor.Stopping, *actor.Restarting:
		c.abandon()
	}
}

// admit carries the request out, has it wait behind the running one, or refuses
// it when eight are waiting already.
func (c *Conversation) admit(ctx actor.Context, m any) {
	switch {
	case c.work == nil:
		c.begin(ctx, m)
	case len(c.waiting) < maxWaiting:
		c.waiting = append(c.waiting, m)
	default:
		messages.Decline(m, tooManyTurns(c.ref))
	}
}

// begin makes m the work, and wakes the conversation for it if need be.
func (c *Conversation) begin(ctx actor.Context, m any) {
	c.work = m
	turn, isTurn := m.(*messages.StartTurn)
	switch {
	case c.awake:
		c.carryOut(ctx)
	case isTurn && turn.Spec.Create:
		c.awake, c.private, c.epoch, c.next = true, turn.Spec.Private, 1, 1
		c.carryOut(ctx)
	default:
		c.wake(ctx)
	}
}

// carryOut starts the work's goroutine. It is called awake.
func (c *Conversation) carryOut(ctx actor.Context) {
	turn, isTurn := c.work.(*messages.StartTurn)
	switch {
	case !isTurn:
		c.edit(ctx)
	case c.continuesAnEarlierResponse(&turn.Spec):
		c.fork(turn)
		c.goOn(ctx)
	default:
		c.start(ctx, turn)
	}
}

// goOn takes the next request up.
func (c *Conversation) goOn(ctx actor.Context) {
	c.work, c.cancel = nil, nil
	if len(c.waiting) == 0 {
		c.waiting = nil
		return
	}
	next := c.waiting[0]
	c.waiting = c.waiting[1:]
	c.begin(ctx, next)
}

// interrupt ends the running turn early: that of the given id, or any for the
// zero one.
func (c *Conversation) interrupt(id messages.TurnID) {
	turn, isTurn := c.work.(*messages.StartTurn)
	if isTurn && c.cancel != nil && (id.IsZero() || id == turn.Spec.ID) {
		c.cancel(errErased)
	}
}

func (c *Conversation) refuseWaiting(err error) {
	for _, m := range c.waiting {
		messages.Decline(m, err)
	}
	c.waiting = nil
}

// agreeToStop answers the shard when there is nothing left to do, and says
// nothing otherwise.
func (c *Conversation) agreeToStop(ctx actor.Context, m *messages.MayStop) {
	if c.work == nil {
		ctx.Send(ctx.Parent(), &messages.ReadyToStop{Ref: c.ref, Sent: m.Sent})
	}
}

// abandon ends what runs and refuses what waits, because this actor stops or is
// replaced. What the running turn had shown stays stored as partial.
func (c *Conversation) abandon() {
	if c.cancel != nil {
		c.cancel(restarted(c.ref))
	}
	if c.work != nil && (c.waking || c.cancel == nil) {
		messages.Decline(c.work, restarted(c.ref))
	}
	c.work = nil
	c.refuseWaiting(restarted(c.ref))
}
