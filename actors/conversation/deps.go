package conversation

import (
	"log/slog"

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

	retries, hedges budget

	// Workers run the goroutines of all turns and edits. Whoever stops the
	// actors waits for them, and closes them.
	Workers Workers
}
