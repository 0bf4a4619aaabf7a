package messages

import "sync/atomic"

// FollowTurn asks to see a turn beside its first client: from its beginning, and
// on as it comes. Whether it still runs is known by its conversation alone, so
// that is asked first and the store after it: a turn that does not run any more
// is in there whole.
type FollowTurn struct {
	Ref   ConversationRef
	Turn  TurnID
	Reply chan Following // capacity 1

	gone atomic.Bool // nobody reads Reply any more
}

// NewFollowTurn returns the question with its channel in place.
func NewFollowTurn(ref ConversationRef, turn TurnID) *FollowTurn {
	return &FollowTurn{Ref: ref, Turn: turn, Reply: make(chan Following, 1)}
}

// NotRunning implements [AboutRunning].
func (m *FollowTurn) NotRunning() { m.Reply <- Following{} }

// Show answers with a view.
func (m *FollowTurn) Show(v View) {
	m.Reply <- Following{View: v}
	if m.gone.Load() {
		m.leave()
	}
}

// GiveUp is for whoever does not wait for the answer any more: a view that comes
// nevertheless is left.
func (m *FollowTurn) GiveUp() {
	m.gone.Store(true)
	m.leave()
}

// leave takes the answer that nobody reads. Of Show and GiveUp the later one finds it.
func (m *FollowTurn) leave() {
	select {
	case f := <-m.Reply:
		if f.View != nil {
			f.View.Leave()
		}
	default:
	}
}

// Following answers [FollowTurn].
type Following struct {
	View View  // nil where the turn does not run here
	Err  error // nil, or a *Failure: nobody knows whether it does
}

// View is a turn that runs, as one more client sees it. It is a place in the
// reply and no queue: what a client was too slow for waits in the reply, and
// comes as one longer delta. One goroutine uses it, and leaves at the end. While
// anybody looks on, the turn's client counts as present.
type View interface {
	// Next returns what comes next, which is what a stream of the turn would
	// have as its next chunk; false where that has not come yet. The last is
	// ChunkEnd, and what it says is in the store; one of [TurnRunning] says that
	// the turn was lost sight of, and has to be looked for anew.
	Next() (c Chunk, came bool)
	// More receives when Next may return something again.
	More() <-chan struct{}
	// Leave ends the looking on. It may be called more than once.
	Leave()
}

// CancelTurn asks a conversation to end a turn, whether it runs or waits. What it
// had shown stays stored.
type CancelTurn struct {
	Ref   ConversationRef
	Turn  TurnID
	Reply chan Cancelled // capacity 1
}

// NewCancelTurn returns the request with its channel in place.
func NewCancelTurn(ref ConversationRef, turn TurnID) *CancelTurn {
	return &CancelTurn{Ref: ref, Turn: turn, Reply: make(chan Cancelled, 1)}
}

// NotRunning implements [AboutRunning].
func (m *CancelTurn) NotRunning() { m.Reply <- Cancelled{} }

// Cancelled answers [CancelTurn], once the turn's end is in the store.
type Cancelled struct {
	Found bool  // it ran or waited here; it may have come to its own end in the same moment
	Err   error // nil, or a *Failure
}

// AboutRunning is a request that is about a turn which runs. A conversation that
// is at nothing need not be woken for it.
type AboutRunning interface {
	Addressed
	// NotRunning answers that there is no such turn here.
	NotRunning()
}

// To implements [Addressed].
func (m *FollowTurn) To() ConversationRef { return m.Ref }

// To implements [Addressed].
func (m *CancelTurn) To() ConversationRef { return m.Ref }
