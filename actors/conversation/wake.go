package conversation

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// storePatience bounds one exchange with the store. A commit takes
// milliseconds; a store that needs longer is treated as away.
const storePatience = 10 * time.Second

// woken is what the waking goroutine brought back.
type woken struct {
	work       any // the request that it was for
	activation messages.Activation
	err        error
}

// wake asks the store for the conversation, which raises its epoch.
func (c *Conversation) wake(ctx actor.Context) {
	request := messages.Activate{
		Ref: c.busy.ref, Shard: c.deps.shardEpoch(c.busy.ref), MaxItems: c.deps.Config.WindowItems, MaxBytes: c.deps.Config.WindowBytes,
	}
	if turn, isTurn := c.busy.work.(*messages.StartTurn); isTurn && turn.Spec.ForkOf != "" {
		request.Fork, request.ForkSeq = turn.Spec.ForkOf, turn.Spec.AfterSeq
	}
	request.Turn = leftRunning(c.busy.work)
	work, journal := c.busy.work, c.deps.Journal
	c.busy.waking = true
	c.spawn(ctx, func(ctx context.Context) any {
		done := &woken{work: work}
		activate := func(ctx context.Context) (err error) {
			done.activation, err = journal.Activate(ctx, request)
			return err
		}
		if done.err = activate(ctx); !request.Turn.IsZero() && done.err != nil {
			done.err = persist(ctx, activate) // nobody would ask again
		}
		return done
	})
}

// wakeUp takes what the store remembers, and goes on with the work that it was
// asked for.
func (c *Conversation) wakeUp(ctx actor.Context, m *woken) {
	if !c.isAt(m.work) {
		return
	}
	c.busy.waking, c.busy.cancel = false, nil
	c.deps.doubt(c.busy.ref, m.err)
	if len(c.busy.ending) > 0 && leftRunning(m.work).IsZero() {
		m.err = withdrawn()
	}
	if turn, isTurn := m.work.(*messages.StartTurn); isTurn && turn.Spec.Create && messages.CodeOf(m.err) == messages.CodeConversationAbsent {
		c.create(ctx, turn) // the turn's last owner went down before it did
		return
	}
	if m.err != nil {
		messages.Decline(m.work, m.err)
		c.tellEnded(nil)
		c.showThose(nil)
		c.goOn(ctx)
		return
	}
	c.memory = &memory{
		private: m.activation.Private, epoch: m.activation.Epoch, next: m.activation.Next, tip: m.activation.Tip,
	}
	stored := withoutTurn(m.activation.Items, m.work)
	items := make([]messages.Item, len(stored))
	for i := range stored {
		items[i] = stored[i].Item
	}
	c.extend(items)
	c.carryOut(ctx)
}

// spawn runs f in a goroutine of its own, with a deadline and a guard against
// panics, and sends what it returns to this actor. The context ends with the
// actor, too.
func (c *Conversation) spawn(ctx actor.Context, f func(context.Context) any) {
	workCtx, cancel := context.WithCancelCause(context.Background())
	c.busy.cancel = cancel
	root, self := ctx.ActorSystem().Root, ctx.Self()
	c.deps.Workers.Go(func() {
		defer cancel(nil)
		bounded, release := context.WithTimeout(workCtx, storePatience)
		defer release()
		root.Send(self, f(bounded))
	})
}
