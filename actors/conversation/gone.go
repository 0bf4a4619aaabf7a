package conversation

import "example.com/parley/messages"

// watchClient has a turn that is kept outlive its client by a while. Any other
// ends with it, unless somebody else waits for its call.
func (t *turn) watchClient() (stop func()) {
	if t.spec.Background {
		return t.presence.close
	}
	ignore := messages.AfterEnd(t.request.Client, t.clientLeft)
	return func() {
		ignore()
		t.presence.close()
	}
}

// clientLeft gives a turn that is kept some time to end by itself: its user may
// come back for the answer.
func (t *turn) clientLeft() {
	if t.kept == nil {
		t.giveUp()
		return
	}
	t.presence.leave()
}

// giveUp ends the turn for want of a client, once nobody else waits for its call.
func (t *turn) giveUp() {
	flight := t.flight.Load()
	if flight == nil || t.unshared.Load() {
		t.abandon()
		return
	}
	t.forsaken.Do(func() { (*flight).Leave(t.unshare) })
}

// unshare notes that nobody else waits for the turn's call.
func (t *turn) unshare() {
	t.unshared.Store(true)
	if t.kept == nil || t.presence.isEmpty() {
		t.abandon()
	}
}

func (t *turn) abandon() { t.cancel(errClientGone) }

// left ends when nobody will read the turn's reply. That of a turn that is kept is
// read by whoever comes back.
func (t *turn) left() <-chan struct{} {
	if t.kept != nil {
		return nil
	}
	return t.request.Client.Done()
}
