package http

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// feed brings the events of one turn to a connection. Nobody waits for them: whoever
// has something new for a feed calls it, and it looks at all that is there in a
// goroutine that ends with that. There is one of these at a time, and it uses the
// feed's other members.
type feed struct {
	calls atomic.Int64 // since the last look; zero while nobody looks
	held  bool         // it is among its server's feeds

	before, behind *feed // of those; they have the lock for it

	session   *session
	x         *exchange
	lane      *messages.LaneTurn
	turn      *messages.StartTurn
	outlet    messages.Outlet
	client    messages.Signal            // nobody waits for the turn
	done      func(messages.LaneOutcome) // takes what came of it
	kept      messages.ConversationRef   // where the turn is
	private   bool                       // that is known by its responses alone
	cancelled bool                       // that was seen
	events    *openai.ResponseStream     // nil until the turn is accepted

	chunk   messages.Chunk // the one that came last
	buffer  *[]byte        // events that are not framed yet; nil while there are none
	outcome messages.LaneOutcome
	ended   bool
	lost    error // why nobody knows what becomes of the turn any more, though it may go on
	refused bool  // it was answered with an error instead of events
}

// begin sends the turn, and has the feed called by all that may come of it.
func (f *feed) begin() {
	defer f.survive()
	f.session.server.metrics.Streams.Inc()
	f.calls.Store(1) // who is called meanwhile leaves it to the look below
	call := f.call
	f.outlet.Come = call
	f.lane.Notice(call)
	f.held = true
	f.session.server.feeds.enter(f)
	if err := f.session.server.conversations.Send(f.turn); err != nil {
		f.fail(err)
		f.end()
		return
	}
	f.look()
}

// until is when nothing is waited for any more.
func (f *feed) until() time.Time { return f.turn.Spec.Deadline.Add(lastWord) }

// call has the feed look at what has come. Where somebody looks already, he looks once
// more. It never blocks.
func (f *feed) call() {
	if f.calls.Add(1) == 1 {
		go f.lookOut() // which ends when nothing has come meanwhile; a client that is slow holds it up for as long as outbox says
	}
}

func (f *feed) lookOut() {
	defer f.survive()
	f.look()
}

// look shows what has come until nothing more has. Behind the end it leaves calls as
// they are, so that nobody looks again.
func (f *feed) look() {
	for {
		seen := f.calls.Load()
		if f.isOver() {
			f.end()
			return
		}
		if f.calls.CompareAndSwap(seen, 0) {
			return
		}
	}
}

// survive makes a panic the turn's alone.
func (f *feed) survive() {
	if p := recover(); p != nil {
		f.session.Refuse(f.lane.Lane, panicked(p))
		f.release()
		f.done(messages.LaneOutcome{Failed: true})
	}
}

// isOver shows what has come, and tells whether it was the last.
func (f *feed) isOver() bool {
	err := f.accept()
	for came := true; came && err == nil && f.events != nil && !f.ended; {
		if came, err = f.next(); came && err == nil {
			f.showAll()
			err = f.lost
		}
	}
	if err != nil {
		f.fail(err)
		return true
	}
	return f.ended
}

// showAll shows the chunk that has come, and those that wait behind it.
func (f *feed) showAll() {
	f.takeAll()
	if f.show() != nil { // nobody is there to be told what came of it
		f.client.Give()
		f.ended, f.outcome = true, messages.LaneOutcome{}
	}
}

// accept takes the answer to the turn, once it has come.
func (f *feed) accept() error {
	if f.events != nil {
		return nil
	}
	started := f.outlet.Answer()
	switch {
	case started == nil:
		return f.interrupted()
	case started.Err != nil:
		return started.Err
	default:
		f.kept = messages.ConversationRef{Tenant: f.turn.Spec.Tenant, Conversation: started.Conversation}
		f.private = started.Private
		f.events = openai.ResponseStreamOf(f.describe)
		return nil
	}
}

// describe is the response as it is known before it is there.
func (f *feed) describe() *messages.TurnRecord {
	record := recordOf(f.turn.Spec, messages.TurnStarted{Conversation: f.kept.Conversation, Private: f.private})
	if f.lane.Remembered != nil {
		record.After = f.lane.Remembered.ID
	}
	return record
}

// interrupted is why nobody waits any more.
func (f *feed) interrupted() error {
	switch {
	case f.lane.Gone.IsGiven():
		return errClientLeft()
	case f.session.server.cut.Err() != nil:
		return errCutOff()
	default:
		return nil
	}
}

// next takes the next chunk, if it has come.
func (f *feed) next() (came bool, err error) {
	chunk, came, open := f.outlet.Take()
	if came || !open {
		f.chunk = chunk
		return true, f.check(open)
	}
	if !f.cancelled && f.lane.Cancelled.IsGiven() {
		if came, err = f.cancel(); came || err != nil {
			return came, err
		}
	}
	if err = f.interrupted(); err != nil {
		return false, err
	}
	if !time.Now().Before(f.until()) {
		return false, errNoAnswer()
	}
	return false, nil
}

func (f *feed) check(open bool) error { return checkOpen(open, f.turn.Spec.Keep) }

// cancel ends the turn. One that is kept says so itself, once that is stored; any
// other has nobody to say so but its feed.
func (f *feed) cancel() (came bool, err error) {
	f.cancelled = true
	if f.turn.Spec.Keep {
		return false, f.session.server.conversations.CancelTurn(messages.NewCancelTurn(f.kept, f.turn.Spec.ID))
	}
	f.client.Give()
	f.chunk = messages.Chunk{
		Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnCancelled, Ended: time.Now()},
	}
	return true, nil
}

// refuse answers with an error instead of events.
func (f *feed) refuse(err error) {
	f.refused = true
	f.outcome = messages.LaneOutcome{Failed: true}
	f.lane.Ending()
	f.session.refuse(f.x, f.lane.Lane, err)
}

// fail ends a turn that did not end by itself. A client that has left is not told.
func (f *feed) fail(err error) {
	f.client.Give()
	if !errors.Is(err, errLeft) {
		f.refuse(err)
	}
	f.outcome = messages.LaneOutcome{Failed: true}
}

// finish counts a command that was not refused.
func (f *feed) finish() {
	if !f.refused {
		f.session.server.metrics.observe(f.x, fasthttp.StatusOK)
	}
}

// errCutOff ends what runs when the server has waited long enough.
func errCutOff() error {
	f := *messages.AsFailure(shuttingDown())
	f.Do = "connect again, and send response.resume with the last sequence_number if the response is stored"
	return &f
}
