package conversation

import (
	"context"

	"example.com/parley/messages"
)

// A turn whose conversation's last owner went down comes to the next one with what
// its client was shown. What was stored is in the store; the longer of the two is the
// reply so far. Where the request asks for it a provider is asked to go on from there,
// as when one breaks off; a client that was shown nothing gets a reply from its
// beginning; and a turn that had come to its end is told again.

// attemptsEach is how far the numbers of two owners' attempts are apart: more than
// one can make. The rows of an owner that is gone may be in its own queue, under
// numbers that nobody else knows.
const attemptsEach = 1000

// handedOver is what became of a turn before this owner had it.
type handedOver struct {
	reply *messages.Reply      // so far
	place messages.ReplyCursor // of its client in it
	ended *messages.TurnRecord // nil where it runs
}

// takeUp finds out what the last owner made of the turn. Where that is nothing the
// turn begins.
func (t *turn) takeUp(ctx context.Context) error {
	var shown messages.Reply
	for _, c := range t.spec.Handover.Shown {
		shown.Add(c)
	}
	resumed, err := t.kept.resume(ctx)
	switch {
	case t.spec.Create && shown.Len() == 0 && messages.CodeOf(err) == messages.CodeConversationAbsent:
		return t.kept.begin(ctx)
	case err != nil:
		return err
	case !resumed.Found && shown.Len() == 0:
		return t.kept.begin(ctx)
	case !resumed.Found:
		return restarted(t.spec.Ref())
	}
	t.attempts = t.spec.Handover.Owners * attemptsEach
	t.handed, err = t.soFar(&resumed, &shown)
	return err
}

// soFar puts together what was stored and what was shown; nil where the reply begins
// anew, in the place of what is stored of it.
func (t *turn) soFar(resumed *messages.TurnResumed, shown *messages.Reply) (*handedOver, error) {
	h := &handedOver{reply: &messages.Reply{Served: resumed.Record.Served}}
	for _, c := range messages.ItemChunks(resumed.Output) {
		h.reply.Add(c)
	}
	runs := resumed.Record.Status == messages.TurnRunning
	if !runs {
		h.ended = &resumed.Record
	} else if !t.spec.Stream || !t.spec.Continue || !h.reply.IsText() || !shown.IsText() {
		if shown.Len() > 0 {
			return nil, restarted(t.spec.Ref())
		}
		return nil, nil //nolint:nilnil // from its beginning
	}
	var is bool
	if h.place, is = h.reply.Behind(shown); is {
		return h, nil
	}
	stored := h.reply
	h.reply = shown
	h.place, _ = shown.Behind(shown)
	if _, is = shown.Behind(stored); !is || !runs {
		return nil, restarted(t.spec.Ref()) // somebody has erased some of it
	}
	return h, nil
}

// catchUp shows the client what it has not seen of the reply so far, and makes the
// turn as it was behind that.
func (t *turn) catchUp(ctx context.Context, call *messages.Call) error {
	h := t.handed
	if err := t.kept.adopt(ctx, h.reply); err != nil {
		return err
	}
	for _, c := range h.reply.Rest(h.place) {
		t.show(ctx, c)
	}
	for _, c := range h.reply.Rest(messages.ReplyCursor{}) {
		t.rest.note(&c)
	}
	if t.served = h.reply.Served; t.served.Provider == "" || h.reply.Len() == 0 {
		return context.Cause(ctx)
	}
	t.shown, t.rest.resumes = true, true
	if t.served.Cache == nil || !t.served.Cache.Hit() {
		t.rows = append(t.rows, t.interrupted(call))
	}
	return context.Cause(ctx)
}

// interrupted is the row of the attempt that brought the reply so far. The queue of the
// owner that made it has one of the same name: whichever comes first counts.
func (t *turn) interrupted(call *messages.Call) messages.UsageRow {
	target := messages.Target{Provider: t.served.Provider, Model: t.served.Model}
	row := t.row(target)
	row.Attempt, row.Status, row.Served = t.served.Attempts, messages.AttemptInterrupted, t.served
	row.Served.Earlier, row.Created = "", t.kept.record.Created
	row.Usage = messages.Usage{Input: messages.EstimateTokens(call.Items), Output: messages.TokensOf(t.handed.reply.Bytes()), Estimated: true}
	charge := t.deps.Prices.Charge(target, row.Usage, row.Created)
	row.Cost, row.Priced, row.Price = charge.Cost, charge.Known, charge.Price
	return row
}

// retell brings a client the rest of a turn that has ended.
func (t *turn) retell(ctx context.Context) *turnDone {
	h := t.handed
	r := h.ended
	t.request.Settle(r.Usage.Total())
	for _, c := range h.reply.Rest(messages.ReplyCursor{}) {
		t.kept.note(c)
	}
	for _, c := range h.reply.Rest(h.place) {
		t.show(ctx, c)
	}
	t.outcome = messages.TurnOutcome{Status: r.Status, Reason: r.Reason, Ended: r.Ended}
	if r.FailureCode != "" {
		t.outcome.Err = &messages.Failure{Code: r.FailureCode, What: r.FailureText, Do: "send the request again"}
	}
	usage := r.Usage
	t.tail = append(t.tail, messages.Chunk{Kind: messages.ChunkFinish, Finish: r.Finish}, messages.Chunk{Kind: messages.ChunkUsage, Usage: &usage})
	t.presence.close()
	t.end(ctx)
	return &turnDone{work: t.request, forget: true}
}

// resume asks the store for a turn that an earlier activation began.
func (k *keeper) resume(ctx context.Context) (messages.TurnResumed, error) {
	ctx, release := context.WithTimeout(ctx, storePatience)
	defer release()
	resumed, err := k.deps.Journal.ResumeTurn(ctx, messages.TurnResume{
		Ref: k.record.Ref, Epoch: k.epoch, Turn: k.record.ID, IdempotencyKey: k.turn.spec.IdempotencyKey,
	})
	if err == nil && resumed.Found {
		k.record = resumed.Record
	}
	return resumed, err
}

// adopt makes the reply so far the turn's own, and stores what of it is not.
func (k *keeper) adopt(ctx context.Context, reply *messages.Reply) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	chunks := reply.Rest(messages.ReplyCursor{})
	for _, c := range chunks {
		if position := k.live.add(c); position >= 0 {
			k.unsaved, k.last = 1, position
		}
	}
	if err := k.save(ctx); err != nil || !k.deps.Stream.ShowAfterCommit {
		return err
	}
	for _, c := range chunks {
		k.live.show(c)
	}
	return nil
}

// wakesFor tells whether a turn's conversation is to be asked for anew: the last owner
// of the turn may have stored some of it.
func wakesFor(m *messages.StartTurn) bool { return m.Spec.Handover != nil }

// withoutTurn leaves out what is stored of a turn that is to go on.
func withoutTurn(items []messages.StoredItem, m any) []messages.StoredItem {
	turn, isTurn := m.(*messages.StartTurn)
	if !isTurn || turn.Spec.Handover == nil {
		return items
	}
	kept := items[:0:0]
	for i := range items {
		if items[i].Turn != turn.Spec.ID {
			kept = append(kept, items[i])
		}
	}
	return kept
}
