package conversation

import (
	"log/slog"
	"sync/atomic"

	"example.com/parley/messages"
)

// Deps is what all conversations of a node share.
type Deps struct {
	Config  Config
	Stream  StreamConfig
	Journal Journal
	Ledger  Ledger
	Models  Models
	Cache   Cache // nil where nothing is looked up
	Prices  Prices
	Metrics *Metrics
	Log     *slog.Logger // never given content
	// Forward delivers a turn that was admitted already to another
	// conversation. It never blocks.
	Forward func(*messages.StartTurn)

	// ShardEpoch is under which this node owns a conversation's shard. Nil on a node
	// that is alone.
	ShardEpoch func(messages.ConversationRef) messages.ShardEpoch
	// Doubt is told of a conversation that another node may have by now: the store
	// refuses its writes. It never blocks. Nil on a node that is alone.
	Doubt func(messages.ConversationRef)

	// Leaving is set once this process is about to end. What is left then in the
	// background goes on elsewhere, or in the next.
	Leaving atomic.Bool

	// Passed counts the chunks that all turns were given by their models, a few at
	// a time.
	Passed atomic.Int64

	retries, hedges budget

	// Workers run the goroutines of all turns and edits. Whoever stops the
	// actors waits for them, and closes them.
	Workers Workers
}
