package http

import (
	"time"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// resume shows the events of a response behind one that the client has: of one that
// still comes beside whoever else reads it, of any other from the store.
func (n *session) resume(t *messages.LaneTurn) messages.LaneOutcome {
	x := n.exchange(t.Spec.ID)
	f := &feed{session: n, x: x, lane: t}
	defer f.finish()
	found, err := n.server.follow(x.principal.Tenant, t.Resume.Response)
	switch {
	case err != nil:
		err = blame(err, "response_id")
	case found.view != nil:
		defer found.view.Leave()
		err = f.watch(&found)
	default:
		err = f.replay(&found.record)
	}
	if err != nil {
		f.fail(err)
		return f.outcome
	}
	return messages.LaneOutcome{}
}

// replay shows the events of a response that has ended.
func (f *feed) replay(record *messages.TurnRecord) error {
	server := f.session.server
	ctx, release := server.storeContext()
	defer release()
	output, err := server.outputOf(ctx, record)
	if err != nil {
		return err
	}
	source, after := fromStore, f.lane.Resume.After
	if after > openai.Sequence(output) {
		if record.Reason != messages.ReasonServerRestart {
			return noSuchEvent()
		}
		source = fromRestart
	}
	server.metrics.resumes[source].Inc()
	f.buffer, f.ended = newFrames(), true
	*f.buffer = openai.AppendReplay(*f.buffer, record, output, after)
	_ = f.show() // its failure says that the client is gone
	return nil
}

// watch shows the events of a response that still comes.
func (f *feed) watch(found *followed) error {
	after := f.lane.Resume.After
	f.events, f.kept = openai.NewResponseStream(&found.record), found.record.Ref
	f.events.After(after)
	if err := f.takeView(found.view); err != nil {
		return err
	}
	if after > max(f.events.Last(), preambleEnd) {
		return noSuchEvent()
	}
	f.session.server.metrics.resumes[fromTurn].Inc()
	deadline := time.NewTimer(f.session.server.cfg.TurnTimeout + lastWord)
	defer deadline.Stop()
	for {
		if f.show() != nil {
			return errClientLeft()
		}
		if f.ended {
			return nil
		}
		if err := f.waitForView(found, deadline.C); err != nil {
			return err
		}
		if err := f.takeView(found.view); err != nil {
			_ = f.show() // what came before that
			return err
		}
	}
}

// takeView takes what has come. It fails where that ends while the turn may go on.
func (f *feed) takeView(view messages.View) error {
	for !f.ended {
		chunk, came := view.Next()
		if !came {
			return nil
		}
		if err := lostSight(&chunk); err != nil {
			return err
		}
		f.take(&chunk)
	}
	return nil
}

// waitForView waits until something may have come.
func (f *feed) waitForView(found *followed, deadline <-chan time.Time) error {
	cancelled := f.lane.Cancelled.Done()
	if f.cancelled {
		cancelled = nil
	}
	select {
	case <-found.view.More():
		return nil
	case <-cancelled:
		f.cancelled = true
		return f.session.server.conversations.CancelTurn(messages.NewCancelTurn(f.kept, found.record.ID))
	case <-f.lane.Gone.Done():
		return errClientLeft()
	case <-f.session.server.cut.Done():
		return errCutOff()
	case <-deadline:
		return errNoAnswer()
	}
}
