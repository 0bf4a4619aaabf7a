package http

import (
	"example.com/parley/messages"
)

// takeAll takes the chunk that has come, and those that wait behind it.
func (f *feed) takeAll() {
	f.take(&f.chunk)
	for !f.ended && f.lost == nil && f.waiting() < batch {
		var came bool
		if f.chunk, came, _ = f.outlet.Take(); !came {
			return // where that is the end, the next look says why
		}
		f.take(&f.chunk)
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
