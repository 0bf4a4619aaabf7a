package conversation

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// start runs the turn in a goroutine of its own, on what is remembered.
func (c *Conversation) start(ctx actor.Context, m *messages.StartTurn) {
	history := c.memory.window.items(c.deps.Config.WindowItems, c.deps.Config.WindowBytes)
	t := newTurn(context.Background(), c.deps, m, history)
	t.kept = newKeeper(t, c.memory.epoch, c.memory.next, c.memory.private)
	c.busy.cancel, c.busy.turn = t.cancel, t
	c.showThose(t)
	if len(c.busy.ending) > 0 {
		t.cancel(errCancelled)
	}
	root, self := ctx.ActorSystem().Root, ctx.Self()
	t.launch(func(done *turnDone) { root.Send(self, done) })
}

// launch starts the turn's goroutine, which tells report what it came to. It ends
// with its deadline at the latest.
func (t *turn) launch(report func(*turnDone)) {
	t.deps.Workers.Go(func() {
		defer t.cancel(nil)
		// A timer alone is half of what a context with a deadline costs.
		if left := time.Until(t.spec.Deadline); left > 0 {
			defer time.AfterFunc(left, func() { t.cancel(errDeadline) }).Stop()
		} else {
			t.cancel(errDeadline)
		}
		report(t.run(t.ctx))
	})
}

// settle takes what the turn came to. What comes from an earlier turn or
// activation is of the past, and is dropped.
func (c *Conversation) settle(ctx actor.Context, m *turnDone) {
	if !c.isAt(m.work) {
		return
	}
	c.tellEnded(m.err)
	c.deps.doubt(c.busy.ref, m.err)
	if m.err != nil || m.forget {
		c.forget()
		c.goOn(ctx)
		return
	}
	c.memory.next = m.next
	if turn, isTurn := m.work.(*messages.StartTurn); isTurn && m.tip {
		c.memory.tip = turn.Spec.ID
	}
	c.extend(m.items)
	c.goOn(ctx)
}
