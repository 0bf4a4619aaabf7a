package http

import (
	"context"
	"slices"
	"time"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// Serve implements messages.SessionClient.
func (n *session) Serve(t *messages.LaneTurn) messages.LaneOutcome {
	x := n.exchange(t.Spec.ID)
	switch {
	case t.Resume != nil:
		return n.resume(x, t)
	case t.Warm:
		return n.warm(x, t)
	default:
		return n.respond(x, t)
	}
}

// respond has a turn run and shows its events. What it takes to begin is in a
// function of its own: the rest waits for the model, with all that is on its stack.
func (n *session) respond(x *exchange, t *messages.LaneTurn) messages.LaneOutcome {
	f, err := n.feed(x, t)
	if err != nil {
		t.Ending()
		n.refuse(x, t.Lane, err)
		return messages.LaneOutcome{Failed: true}
	}
	defer f.leave(nil)
	n.server.metrics.Streams.Inc()
	defer n.server.metrics.Streams.Dec()
	return f.remember(f.run())
}

// remember adds what only the session knows of a turn.
func (f *feed) remember(outcome messages.LaneOutcome) messages.LaneOutcome {
	if spec := &f.turn.Spec; !spec.Keep && outcome.Status != "" && !outcome.Failed {
		outcome.Remembered = rememberTurn(f.lane, spec, f.events.Output())
	}
	return outcome
}

// feed describes a turn that is about to begin. The caller ends it with leave.
func (n *session) feed(x *exchange, t *messages.LaneTurn) (*feed, error) {
	spec := t.Spec
	spec.Deadline = x.begun.Add(n.server.cfg.TurnTimeout)
	private, err := n.goOnFrom(x, &spec, t, spec.Keep)
	if err != nil {
		return nil, err
	}
	client, leave := context.WithCancelCause(context.Background())
	return &feed{session: n, x: x, lane: t, turn: messages.NewStartTurn(client, spec), leave: leave, private: private}, nil
}

// goOnFrom says where a lane's turn goes on from: what the session alone remembers, or
// what the store has.
func (n *session) goOnFrom(x *exchange, spec *messages.TurnSpec, t *messages.LaneTurn, store bool) (private bool, err error) {
	if t.Remembered == nil {
		conversation := spec.Conversation
		spec.Conversation, spec.Keep = "", false
		return n.server.place(x, spec, conversation, t.Previous, store)
	}
	spec.Input = slices.Concat(t.Remembered.Items, spec.Input)
	if store { // a turn that is stored brings along all that is not
		if t.Remembered.Conversation != "" {
			return false, errHalfStored()
		}
		keepApart(spec)
		return true, nil
	}
	spec.Conversation, spec.Keep = t.Remembered.Conversation, false
	spec.After, spec.AfterSeq = t.Remembered.After, t.Remembered.AfterSeq
	return true, nil
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
func (n *session) warm(x *exchange, t *messages.LaneTurn) messages.LaneOutcome {
	spec := t.Spec
	private, err := n.goOnFrom(x, &spec, t, false)
	if err != nil {
		t.Ending()
		n.refuse(x, t.Lane, err)
		return messages.LaneOutcome{Failed: true}
	}
	record := recordOf(&spec, "", private)
	f := &feed{session: n, x: x, lane: t, events: openai.NewResponseStream(record)}
	f.take(&messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnComplete, Ended: time.Now()}})
	if f.show() != nil {
		return messages.LaneOutcome{}
	}
	f.finish()
	return messages.LaneOutcome{Status: messages.TurnComplete, Remembered: rememberTurn(t, &spec, nil)}
}
