package http

import (
	"context"
	"errors"
	"time"

	"github.com/valyala/fasthttp"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// feed brings the events of one turn to a connection. The goroutine that the
// session has for the turn uses it.
type feed struct {
	session   *session
	x         *exchange
	lane      *messages.LaneTurn
	turn      *messages.StartTurn
	leave     context.CancelCauseFunc  // has the turn know that nobody waits for it
	kept      messages.ConversationRef // where the turn is
	cancelled <-chan struct{}          // nil once that was seen
	deadline  *time.Timer              // behind which nothing is waited for
	events    *openai.ResponseStream

	chunk   messages.Chunk // the one that came last: a wait for it has none on its stack
	buffer  *[]byte        // events that are not framed yet; nil while there are none
	outcome messages.LaneOutcome
	ended   bool
	lost    error // why nobody knows what becomes of the turn any more, though it may go on
	refused bool  // it was answered with an error instead of events
}

// run starts the turn and shows all that comes of it.
func (f *feed) run() {
	err := f.start()
	for err == nil && !f.ended {
		if err = f.wait(); err == nil {
			f.showAll()
			err = f.lost
		}
	}
	if err != nil {
		f.fail(err)
	}
}

// showAll shows the chunk that has come, and those that wait behind it.
func (f *feed) showAll() {
	f.takeAll()
	if f.show() != nil { // nobody is there to be told what came of it
		f.leave(errClientLeft())
		f.ended, f.outcome = true, messages.LaneOutcome{}
	}
}

// start sends the turn and waits until it is accepted.
func (f *feed) start() error {
	n, spec := f.session, &f.turn.Spec
	if err := n.server.conversations.Send(f.turn); err != nil {
		return err
	}
	select {
	case started := <-f.turn.Reply:
		if started.Err != nil {
			return started.Err
		}
		record := recordOf(spec, started)
		f.kept, f.cancelled = record.Ref, f.lane.Cancelled
		if f.lane.Remembered != nil {
			record.After = f.lane.Remembered.ID
		}
		f.events = openai.NewResponseStream(record)
		return nil
	case <-f.lane.Gone:
		return errClientLeft()
	case <-n.server.cut.Done():
		return errCutOff()
	}
}

// wait waits for the next chunk.
func (f *feed) wait() error {
	var open bool
	select { // a wait for one thing costs a tenth of a wait for five
	case f.chunk, open = <-f.turn.Chunks:
		return f.check(open)
	default:
	}
	select {
	case f.chunk, open = <-f.turn.Chunks:
		return f.check(open)
	case <-f.cancelled:
		return f.cancel()
	case <-f.lane.Gone:
		return errClientLeft()
	case <-f.session.server.cut.Done():
		return errCutOff()
	case <-f.deadline.C:
		return errNoAnswer()
	}
}

func (f *feed) check(open bool) error { return checkOpen(open, f.turn.Spec.Keep) }

// cancel ends the turn. One that is kept says so itself, once that is stored; any
// other has nobody to say so but its feed.
func (f *feed) cancel() error {
	f.cancelled = nil
	if f.turn.Spec.Keep {
		m := messages.NewCancelTurn(f.kept, f.turn.Spec.ID)
		if err := f.session.server.conversations.CancelTurn(m); err != nil {
			return err
		}
		return f.wait()
	}
	f.leave(errClientLeft())
	f.chunk = messages.Chunk{
		Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnCancelled, Ended: time.Now()},
	}
	return nil
}

// takeAll takes the chunk that has come, and those that wait behind it.
func (f *feed) takeAll() {
	f.take(&f.chunk)
	for !f.ended && f.lost == nil && f.waiting() < batch {
		var open bool
		select {
		case f.chunk, open = <-f.turn.Chunks:
			if !open {
				return // the next wait says why
			}
			f.take(&f.chunk)
		default:
			return
		}
	}
}

// take turns a chunk into events.
func (f *feed) take(chunk *messages.Chunk) {
	if chunk.Kind == messages.ChunkEnd {
		f.takeEnd(chunk)
		return
	}
	f.append(chunk)
}

// takeEnd takes the last chunk. A turn that fails before its first event is answered
// with an error, as a request would be.
func (f *feed) takeEnd(chunk *messages.Chunk) {
	if f.lost = lostSight(chunk); f.lost != nil {
		return
	}
	f.ended = true
	end := chunk.End
	if end.Err != nil && f.events.Last() < 0 && end.Status != messages.TurnCancelled {
		f.refuse(end.Err)
		return
	}
	if end.Err != nil {
		f.session.server.noteFailure(f.x, end.Err)
	}
	f.append(chunk)
	f.outcome = messages.LaneOutcome{Status: end.Status, Failed: end.Err != nil || end.Status == messages.TurnFailed}
	if end.Status == messages.TurnComplete {
		f.outcome.Calls = callsIn(f.events.Output())
	}
}

// append adds a chunk's events to those that are to be sent. Between two chunks, which
// is most of the time, a feed holds no buffer.
func (f *feed) append(chunk *messages.Chunk) {
	if f.buffer == nil {
		f.buffer = newFrames()
	}
	*f.buffer = f.events.Append(*f.buffer, *chunk)
}

// waiting is how many bytes of events are to be sent.
func (f *feed) waiting() int {
	if f.buffer == nil {
		return 0
	}
	return len(*f.buffer)
}

// callsIn are what the model waits for the client to do.
func callsIn(output []messages.Item) (calls []messages.Item) {
	for _, item := range output {
		if item.Kind == messages.ItemToolCall {
			calls = append(calls, item)
		}
	}
	return calls
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
	f.leave(err)
	if !errors.Is(err, errLeft) {
		f.refuse(err)
	}
	f.outcome = messages.LaneOutcome{Failed: true}
}

// show sends the events that were taken.
func (f *feed) show() error {
	if f.buffer == nil {
		return nil
	}
	defer func() {
		dropFrames(f.buffer)
		f.buffer = nil
	}()
	if f.ended {
		f.lane.Ending()
	}
	n := f.session
	w := messageWriter{deflate: n.deflater()}
	if name := f.lane.Lane.Name; name != "" {
		w.lane = append(append([]byte(`,"stream_id":"`), name...), '"')
	}
	frames := newFrames()
	defer dropFrames(frames)
	var sent, plain int
	*frames, sent, plain = w.append(*frames, *f.buffer)
	if f.events != nil { // a replay has none, and is steered by nobody
		f.lane.Shown.Store(f.events.Last())
	}
	n.count(sent, plain)
	return n.out.send(*frames)
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
