package conversation

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// start runs the turn in a goroutine of its own, on what is remembered.
func (c *Conversation) start(ctx actor.Context, m *messages.StartTurn) {
	t := newTurn(c.deps, m, c.window[:len(c.window):len(c.window)])
	t.kept = newKeeper(t, c.epoch, c.next, c.private)
	c.cancel = t.launch(ctx)
}

// launch starts the turn's goroutine, which reports back to the actor. It ends
// with the deadline, or with what it is cancelled for.
func (t *turn) launch(ctx actor.Context) context.CancelCauseFunc {
	cancellable, cancel := context.WithCancelCause(context.Background())
	t.cancel = cancel
	root, self := ctx.ActorSystem().Root, ctx.Self()
	t.deps.Workers.Go(func() {
		defer cancel(nil)
		bounded, release := context.WithDeadlineCause(cancellable, t.spec.Deadline, errDeadline)
		defer release()
		root.Send(self, t.run(bounded))
	})
	return cancel
}

// settle takes what the turn came to. What comes from an earlier turn or
// activation is of the past, and is dropped.
func (c *Conversation) settle(ctx actor.Context, m *turnDone) {
	if c.work != m.work {
		return
	}
	if m.err != nil {
		c.forget()
		c.goOn(ctx)
		return
	}
	c.next = m.next
	if turn, isTurn := m.work.(*messages.StartTurn); isTurn && m.tip {
		c.tip = turn.Spec.ID
	}
	c.window = trim(append(c.window, m.items...), c.deps.Config.WindowItems, c.deps.Config.WindowBytes)
	c.goOn(ctx)
}
