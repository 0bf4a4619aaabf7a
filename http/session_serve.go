package http

import (
	"slices"
	"time"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// Serve implements messages.SessionClient.
func (n *session) Serve(t *messages.LaneTurn, done func(messages.LaneOutcome)) {
	switch {
	case t.Resume != nil:
		done(n.resume(t))
	case t.Warm:
		done(n.warm(t))
	default:
		f, err := n.feed(t, done)
		if err != nil {
			done(n.notBegun(t, err))
			return
		}
		f.begin()
	}
}

// feed describes a turn that is about to begin.
func (n *session) feed(t *messages.LaneTurn, done func(messages.LaneOutcome)) (*feed, error) {
	f := &feed{session: n, x: n.exchange(t.Spec.ID), lane: t, done: done}
	f.turn = messages.NewCalledTurn(&f.client, t.Spec, &f.outlet)
	t.Spec.Deadline = f.x.begun.Add(n.server.cfg.TurnTimeout)
	if err := n.goOnFrom(f.x, t.Spec, t, t.Store); err != nil {
		return nil, err
	}
	return f, nil
}

// notBegun refuses a turn that goes on from what there is not.
func (n *session) notBegun(t *messages.LaneTurn, err error) messages.LaneOutcome {
	t.Ending()
	n.refuse(n.exchange(t.Spec.ID), t.Lane, err)
	return messages.LaneOutcome{Failed: true}
}

// end says what came of a feed.
func (f *feed) end() {
	f.finish()
	f.release()
	f.done(f.remember())
}

// release gives back what a feed holds, once.
func (f *feed) release() {
	if !f.held {
		return
	}
	f.held = false
	f.session.server.feeds.leave(f)
	f.client.Give()
	f.session.server.metrics.Streams.Dec()
}

// remember adds to what came of a turn what only the session knows of it.
func (f *feed) remember() messages.LaneOutcome {
	if spec := f.turn.Spec; !spec.Keep && f.outcome.Status != "" && !f.outcome.Failed {
		f.outcome.Remembered = rememberTurn(f.lane, spec, f.events.Output())
	}
	return f.outcome
}

// goOnFrom says where a lane's turn goes on from: what the session alone remembers, or
// what the store has.
func (n *session) goOnFrom(x *exchange, spec *messages.TurnSpec, t *messages.LaneTurn, store bool) error {
	if t.Remembered == nil {
		conversation := spec.Conversation
		spec.Conversation, spec.Keep = "", false
		return n.server.place(x, spec, conversation, t.Previous, store)
	}
	spec.Input = slices.Concat(t.Remembered.Items, spec.Input)
	if store { // a turn that is stored brings along all that is not
		if t.Remembered.Conversation != "" {
			return errHalfStored()
		}
		keepApart(spec)
		return nil
	}
	spec.Conversation, spec.Keep = t.Remembered.Conversation, false
	spec.After, spec.AfterSeq = t.Remembered.After, t.Remembered.AfterSeq
	return nil
}

// errHalfStored refuses what would have to bring part of a conversation into
// another.
func errHalfStored() error {
	return &messages.Failure{
		Code: messages.CodeUnsupported, What: "the previous response is not stored, but goes on from one that is", Param: "store",
		Do: "set store to false, or go on from the one that is stored", NoRetry: true,
	}
}

// rememberTurn is what a session needs to go on from a turn that is stored nowhere.
func rememberTurn(t *messages.LaneTurn, spec *messages.TurnSpec, output []messages.Item) *messages.Remembered {
	items := slices.Concat(spec.Input, output)
	for i := range items {
		items[i].ID = "" // whoever stores them names them
	}
	return &messages.Remembered{
		ID: t.Spec.ID, Conversation: spec.Conversation, After: spec.After, AfterSeq: spec.AfterSeq, Items: items,
	}
}

// warm prepares what a later turn goes on from, and has nothing generated.
func (n *session) warm(t *messages.LaneTurn) messages.LaneOutcome {
	x, spec := n.exchange(t.Spec.ID), *t.Spec
	err := n.goOnFrom(x, &spec, t, false)
	if err == nil && t.Spec.Conversation != "" { // which the client named; any other was read, or is remembered
		err = n.server.findConversation(spec.Ref())
	}
	if err != nil {
		return n.notBegun(t, err)
	}
	record := recordOf(&spec, messages.TurnStarted{})
	f := &feed{session: n, x: x, lane: t, events: openai.NewResponseStream(record)}
	f.take(&messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnComplete, Ended: time.Now()}})
	if f.show() != nil {
		return messages.LaneOutcome{}
	}
	f.finish()
	return messages.LaneOutcome{Status: messages.TurnComplete, Remembered: rememberTurn(t, &spec, nil)}
}
