package conversation

import (
	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// memory is what a conversation knows of itself while it is awake. Its shard
// keeps it while there is nothing to do, for very many, so it is small.
type memory struct {
	private bool
	epoch   messages.Epoch
	next    messages.Seq
	tip     messages.TurnID
	window  window
}

// resume takes what the shard has kept.
func (c *Conversation) resume(m *messages.Resume) {
	c.memory, _ = m.Memory.(*memory)
}

// forget puts the conversation back to sleep in place: what it knew cannot be
// trusted any more, because another activation has written or a write's outcome
// is unknown. The next request wakes it under a new epoch.
func (c *Conversation) forget() { c.memory = nil }

// extend puts items at the end of what is remembered.
func (c *Conversation) extend(items []messages.Item) {
	c.memory.window = c.memory.window.with(items, c.deps.Config.WindowItems, c.deps.Config.WindowBytes)
}

// rest tells the shard that there is nothing left to do, and what to keep until
// there is. Sent is how many requests have come.
func (c *Conversation) rest(ctx actor.Context, sent uint64) {
	ready := &messages.ReadyToStop{Sent: sent}
	if c.memory != nil {
		ready.Memory = c.memory
	}
	ctx.Request(ctx.Parent(), ready)
}
