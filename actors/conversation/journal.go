package conversation

import (
	"context"
	"time"

	"example.com/parley/messages"
)

// Journal keeps conversations and their turns. Every write carries the
// activation's epoch and is refused with [messages.CodeStaleEpoch] once another
// activation owns the conversation. A method returns when its transaction is
// committed; all are safe for concurrent use.
//
// persistence/sqlite and persistence/postgres implement it.
type Journal interface {
	Activate(ctx context.Context, a messages.Activate) (messages.Activation, error)
	History(ctx context.Context, h messages.ReadHistory) ([]messages.StoredItem, error)
	BeginTurn(ctx context.Context, b messages.TurnBegin) error
	SavePrefix(ctx context.Context, p messages.TurnPrefix) error
	EndTurn(ctx context.Context, e messages.TurnEnd) error
	ResumeTurn(ctx context.Context, r messages.TurnResume) (messages.TurnResumed, error)
	AppendItems(ctx context.Context, a messages.ItemsAppend) ([]messages.StoredItem, error)
	EraseItem(ctx context.Context, ref messages.ConversationRef, epoch messages.Epoch, item messages.ItemID) error
	EraseTurn(ctx context.Context, ref messages.ConversationRef, epoch messages.Epoch, turn messages.TurnID) error
	DropConversation(ctx context.Context, ref messages.ConversationRef, epoch messages.Epoch) error
}

// Ledger keeps usage rows that no turn's transaction carries, and the
// reservations of attempts in flight. actors/budget implements it, over
// persistence/spool.
type Ledger interface {
	// Reserve returns once the reservation outlives this process. It fails with
	// CodeBudgetExceeded where the attempt might cost more than is left.
	Reserve(ctx context.Context, r messages.Reservation) error
	// Ended is told what an attempt came to as soon as that is known, before
	// its row is written.
	Ended(row *messages.UsageRow)
	// Settle returns once the row outlives this process, and ends the
	// reservation of the same attempt.
	Settle(ctx context.Context, row messages.UsageRow) error
	// Release ends a reservation whose row was written in a turn's
	// transaction.
	Release(row *messages.UsageRow)
}

// Prices knows what a call costs. actors/tenant implements it.
type Prices interface {
	// Charge goes by the price that held when the call began. Its cost is
	// rounded up to the nano-dollar once.
	Charge(target messages.Target, usage messages.Usage, began time.Time) messages.Charge
}
