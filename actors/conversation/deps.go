package conversation

import (
	"log/slog"
	"sync"

	"example.com/parley/messages"
)

// Deps is what all conversations of a node share.
type Deps struct {
	Config  Config
	Stream  StreamConfig
	Journal Journal
	Ledger  Ledger
	Models  Models
	Prices  Prices
	Metrics *Metrics
	Log     *slog.Logger // never given content
	// Forward delivers a turn that was admitted already to another
	// conversation. It never blocks.
	Forward func(*messages.StartTurn)

	// Running counts the goroutines of all turns and edits, so that whoever
	// stops the actors can wait for them.
	Running sync.WaitGroup
}
