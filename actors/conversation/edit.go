package conversation

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// editDone is what the goroutine of an edit brought back. The edit has been
// answered already.
type editDone struct {
	work  any
	added []messages.StoredItem
	err   error
}

// edit starts the work's goroutine, the work being one of the four edits.
func (c *Conversation) edit(ctx actor.Context) {
	work, journal, ref, epoch := c.busy.work, c.deps.Journal, c.busy.ref, c.memory.epoch
	c.spawn(ctx, func(ctx context.Context) any {
		done := &editDone{work: work}
		switch m := work.(type) {
		case *messages.AddItems:
			done.added, done.err = journal.AppendItems(ctx, messages.ItemsAppend{Ref: ref, Epoch: epoch, Request: m.Request, Items: m.Items})
			m.Reply <- messages.Edited{Items: done.added, Err: done.err}
		case *messages.EraseItem:
			done.err = journal.EraseItem(ctx, ref, epoch, m.Item)
			m.Reply <- messages.Edited{Err: done.err}
		case *messages.EraseTurn:
			done.err = journal.EraseTurn(ctx, ref, epoch, m.Turn)
			m.Reply <- messages.Edited{Err: done.err}
		case *messages.DropConversation:
			done.err = journal.DropConversation(ctx, ref, epoch)
			m.Reply <- messages.Edited{Err: done.err}
		}
		return done
	})
}

// finishEdit brings what is remembered up to date. After a failure, and after
// an edit that may have changed any of it, it is forgotten instead: the store
// knows.
func (c *Conversation) finishEdit(ctx actor.Context, m *editDone) {
	if !c.isAt(m.work) {
		return
	}
	c.deps.doubt(c.busy.ref, m.err)
	if _, added := m.work.(*messages.AddItems); added && m.err == nil {
		c.remember(m.added)
	} else {
		c.forget()
	}
	c.goOn(ctx)
}

// remember appends items to the window. An append that was repeated brings
// nothing new.
func (c *Conversation) remember(items []messages.StoredItem) {
	added := make([]messages.Item, 0, len(items))
	for i := range items {
		if items[i].Seq >= c.memory.next {
			added = append(added, items[i].Item)
			c.memory.next = items[i].Seq + 1
		}
	}
	c.extend(added)
}
