package messages

import (
	"encoding/json"
	"sync/atomic"
)

// OpenSession asks for the session of a connection that was accepted. It is
// answered once, on Reply.
type OpenSession struct {
	Client SessionClient
	Reply  chan SessionOpened // capacity 1
}

// SessionOpened answers [OpenSession].
type SessionOpened struct {
	// Tell leaves one of the messages below for the session. It never blocks, and
	// does nothing once the session has ended.
	Tell func(m any)
	Err  error // nil, or a *Failure
}

// SessionClient is a connection, seen from its session. http implements it and
// actors/session uses it; it stands here because [OpenSession] brings it.
//
// Serve alone may block. The others are called by the actor.
type SessionClient interface {
	// Serve has what a lane is to do next carried out, and its client shown all that
	// comes of it. It calls done with what it came to, once, and soon after t.Gone
	// is given. The session calls it in a goroutine of its own, which need not last until
	// then: most of a turn is waiting for its model.
	Serve(t *LaneTurn, done func(LaneOutcome))
	// Refuse tells that a request was refused, on the lane that it named.
	Refuse(lane Lane, err error)
	// Steered tells what became of a steering.
	Steered(s *Steering, step SteerStep)
	// Finish closes the connection, which has nothing more to wait for while the
	// server stops.
	Finish()
	// Break closes the connection, because its session has failed.
	Break()
}

// Lane names a sequence of responses on a connection: one after the other, beside
// those of the other lanes. The zero Lane is the one without a name.
type Lane struct{ Name string }

// LaneTurn is what a client wants on a lane: a response, or to see one again.
type LaneTurn struct {
	Lane Lane
	// Spec says what turn is wanted. Where it goes on from is only known when its
	// lane gets to it: Spec.Conversation is the one that the client named. Once it is
	// served it is whose who serves it, but for its ID.
	Spec     *TurnSpec
	Store    bool   // the client wants the response stored
	Previous string // the response before it, as the client wrote it; empty for none
	Warm     bool   // nothing is generated: a later turn goes on from its input
	Resume   *ResumeTurn

	// Set by the session before it is served.
	Remembered *Remembered // Previous, where the session and nobody else has it
	Cancelled  Signal      // the client cancels it
	Gone       Signal      // the client is gone, or served no longer
	Ends       func()      // see Ending

	// Shown is the number of the last event that the client was sent.
	Shown atomic.Int64

	notice atomic.Pointer[func()]
}

// Notice has f called behind Cancelled or Gone being given, for who does not wait for
// that. What was given before is not told. f never blocks.
func (t *LaneTurn) Notice(f func()) { t.notice.Store(&f) }

// Changed tells who serves the turn that Cancelled or Gone was given.
func (t *LaneTurn) Changed() {
	if f := t.notice.Load(); f != nil {
		(*f)()
	}
}

// Ending tells the session that the last of the turn is about to be shown. Its
// client may ask for the next before the session has heard that Serve returned, and
// finds room for it.
func (t *LaneTurn) Ending() {
	if t.Ends != nil {
		t.Ends()
	}
}

// ResumeTurn asks for the events of a response behind one that the client has.
type ResumeTurn struct {
	Response string // as the client wrote it
	After    int64  // number of the last event that it has; -1 for none
}

// LaneOutcome is what a lane's turn came to.
type LaneOutcome struct {
	Status     TurnStatus  // empty where it never began
	Remembered *Remembered // what the session is to remember of it: nil where it is stored, or nothing came of it
	Calls      []Item      // what the model waits for the client to do
	Failed     bool        // the client was told so; what it went on from is forgotten
}

// Remembered is a response that is stored nowhere, with all that came before it.
// It is immutable.
type Remembered struct {
	ID TurnID
	// Conversation is the stored one that Items continue, up to AfterSeq behind
	// After; empty for none.
	Conversation ConversationID
	After        TurnID
	AfterSeq     Seq
	Items        []Item // without ids
}

// Size is about how many bytes of content it has.
func (r *Remembered) Size() (size int) {
	for i := range r.Items {
		size += r.Items[i].Size()
	}
	return size
}

// Steering is input for a response that still runs: the next one on its lane
// begins with it.
type Steering struct {
	ID       TurnID // names it, and the turn that it brings about by itself
	Response string // as the client wrote it
	Input    []Item
	Raw      json.RawMessage // the input as it was sent; it goes back with a refusal

	// Set by the session.
	Turn    *LaneTurn // the response; nil where there is none
	Missing []Item    // of SteerWaits: the calls whose outputs are missing
}

// SteerStep is what became of a steering.
type SteerStep uint8

// The steps. Of those that say no, the input was not used.
const (
	SteerAccepted  SteerStep = iota // it will begin the next response
	SteerWaits                      // the response wants outputs of tools first; it begins the response that brings them
	SteerUnknown                    // there is no such response on this connection
	SteerLate                       // the response has ended
	SteerTooMany                    // others wait already
	SteerUnfounded                  // the response failed, or was cancelled, and has no successor
)

// CancelLane asks a session to end a response that runs: the one named, or the one
// of a lane.
type CancelLane struct {
	Lane     Lane
	Response string // as the client wrote it; empty for the lane's
}

// DrainSession tells a session that its connection is to end: it begins nothing
// more, and finishes once nothing runs.
type DrainSession struct {
	Why error // what is refused from now on is told
}

// EndSession tells a session that its client is gone, or served no longer.
type EndSession struct{}
