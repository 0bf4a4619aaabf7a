package messages

// Handover comes with a turn that an earlier owner of its conversation had, or may
// have had, when it went down. What that owner stored is in the store; what its
// client was brought beyond that is known to the node that brought it alone.
type Handover struct {
	Shown  []Chunk // of the reply: who served it and its deltas, those of an item in one
	Owners int     // how many had the turn before
	// Stored says that the store has the turn, and that nothing else is known of it:
	// its input is there as well. Whoever looked on has seen nothing that is not.
	Stored bool
}

// TurnResume asks the store for a turn again that an earlier activation began.
type TurnResume struct {
	Ref   ConversationRef
	Epoch Epoch
	Turn  TurnID
	// IdempotencyKey has to be the turn's still; empty for none.
	IdempotencyKey string
}

// TurnResumed answers [TurnResume]. A turn that was cut by the end of its owner runs
// again, under the new epoch; one that came to an end of its own stays as it is. One
// that was left running, and cannot go on since some of it was erased or something
// came behind it, ends as cut.
type TurnResumed struct {
	Found  bool       // it was begun
	Record TurnRecord // Status tells whether it runs
	Input  []Item     // what it was asked
	Output []Item     // what is stored of its reply
	Owners int        // how many had it before
}
