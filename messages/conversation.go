package messages

import "time"

// Conversation is what is kept of a conversation beside its items.
type Conversation struct {
	Ref       ConversationRef
	Private   bool
	Parent    ConversationID // set on a fork
	ParentSeq Seq
	Metadata  map[string]string // at most 16 pairs, 64 and 512 characters
	Created   time.Time
}

// Activate is what a conversation's actor asks of the store when it wakes: it
// raises the epoch and loads what the model is to remember. With Fork set it
// makes the conversation first, if it is not there: a private one whose history
// begins with Fork's items up to ForkSeq, and whose own first place is the next.
type Activate struct {
	Ref      ConversationRef
	Shard    ShardEpoch // under which this node has the conversation's shard; 0 where it is alone
	Turn     TurnID     // is about to go on, and is not ended where it was left running; zero for none
	Fork     ConversationID
	ForkSeq  Seq
	MaxItems int // newest kept
	MaxBytes int // of the items' JSON, newest kept
}

// ReadHistory asks for what a model is to remember without waking anybody: the
// newest items up to a place, oldest first, parents' included, tombstones left
// out.
type ReadHistory struct {
	Ref      ConversationRef
	UpTo     Seq // 0 means the end
	MaxItems int
	MaxBytes int
}

// Activation answers [Activate].
type Activation struct {
	Epoch   Epoch
	Next    Seq          // the place that the next item takes
	Tip     TurnID       // the last turn; zero when there is none
	Private bool         //
	Items   []StoredItem // oldest first, those of the parents before its own; tombstones left out
}

// TurnBegin commits a turn's input and its record as running. Where Create is
// set it makes the conversation first, at that epoch; an id that is taken already
// is [CodeStaleEpoch].
type TurnBegin struct {
	Epoch  Epoch
	Create bool
	Record TurnRecord // FirstSeq is the caller's view of the next place; the store checks it
	Input  []Item

	// IdempotencyKey has to be the turn's still, so that one that was sent twice
	// begins once; empty for none.
	IdempotencyKey string

	Terms *TurnTerms // of a turn that the next owner of its conversation takes up; nil for any other
}

// TurnPrefix makes what was shown so far durable: Items replace those stored at
// First and on. Only a running turn takes it.
type TurnPrefix struct {
	Ref    ConversationRef
	Epoch  Epoch
	Turn   TurnID
	Served Served
	First  Seq    // of Items[0]
	Items  []Item // the output items that changed since the last prefix, each with all its text so far
}

// TurnEnd commits the end of a turn: the output items from First on, its final
// record, and its usage rows, in one transaction. It withdraws the input of a
// turn that ends as [TurnFailed], which becomes tombstones: whoever asked was
// told that it failed, and will ask again. Repeated, it changes nothing.
type TurnEnd struct {
	Epoch  Epoch
	Record TurnRecord
	First  Seq
	Items  []Item
	Usage  []UsageRow
}

// ItemsAppend adds items that no turn brought. Request is the asking request's
// id: a second append under the same one changes nothing and returns the first.
type ItemsAppend struct {
	Ref     ConversationRef
	Epoch   Epoch
	Request TurnID
	Items   []Item
}

// AddItems asks a conversation to take items at its end.
type AddItems struct {
	Ref     ConversationRef
	Request TurnID
	Items   []Item
	Reply   chan Edited // capacity 1
}

// EraseItem asks a conversation to forget an item's content. Its place stays.
type EraseItem struct {
	Ref   ConversationRef
	Item  ItemID
	Reply chan Edited // capacity 1
}

// EraseTurn asks a conversation to forget a response: its record, and where the
// conversation is private its items' content too. A running one is cancelled
// first.
type EraseTurn struct {
	Ref   ConversationRef
	Turn  TurnID
	Reply chan Edited // capacity 1
}

// DropConversation asks a conversation to end its running turn and to be
// deleted with everything in it.
type DropConversation struct {
	Ref   ConversationRef
	Reply chan Edited // capacity 1
}

// Edited answers the four above.
type Edited struct {
	Items []StoredItem // those that were added
	Err   error        // nil, or a *Failure
}

// Page asks for part of a listing, in OpenAI's terms.
type Page struct {
	After string // id of the last one seen; empty starts at the beginning
	Limit int    // 1 to 100
	Asc   bool   // oldest first; default newest first
}

// Decline answers m, one of the messages that somebody waits for, with err.
func Decline(m any, err error) {
	switch m := m.(type) {
	case *StartTurn:
		m.Refuse(err)
	case *AddItems:
		m.Reply <- Edited{Err: err}
	case *EraseItem:
		m.Reply <- Edited{Err: err}
	case *EraseTurn:
		m.Reply <- Edited{Err: err}
	case *DropConversation:
		m.Reply <- Edited{Err: err}
	case *FollowTurn:
		m.Reply <- Following{Err: err}
	case *CancelTurn:
		m.Reply <- Cancelled{Err: err}
	case *OpenSession:
		m.Reply <- SessionOpened{Err: err}
	}
}
