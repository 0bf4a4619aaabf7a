package relational

import (
	"context"
	"time"

	"example.com/parley/messages"
)

// ResumeTurn has a turn run again that was cut by the end of the process which had
// it, or left running by it, under the activation that asks. It changes nothing of one
// that came to an end of its own, or was never begun, and is refused where the
// conversation has gone on since: what the turn would still say has no place any more.
// One that was left running is then ended as cut.
func (s *Store) ResumeTurn(ctx context.Context, r messages.TurnResume) (resumed messages.TurnResumed, err error) {
	err = s.write(ctx, r.Ref.Tenant, "ResumeTurn", func(t *transaction) error {
		resumed = messages.TurnResumed{}
		next, err := t.fence(r.Ref, r.Epoch)
		if err != nil {
			return err
		}
		if resumed.Record, resumed.Found, err = findTurn(t, r.Ref.Tenant, r.Turn); err != nil || !resumed.Found {
			return err
		}
		if resumed.Record.Ref != r.Ref {
			return wentOn(r.Ref)
		}
		if resumed.Input, resumed.Output, err = t.itemsOf(&resumed.Record); err != nil {
			return err
		}
		left, cut := resumed.Record.Status == messages.TurnRunning, wasCut(&resumed.Record)
		switch {
		case !left && !cut:
			return nil
		case isLast(&resumed, next):
			return t.runAgain(&resumed, r.IdempotencyKey)
		case left:
			return t.cut(&resumed.Record)
		}
		return wentOn(r.Ref)
	})
	return resumed, err
}

// wasCut tells whether a turn ended with the process that had it.
func wasCut(r *messages.TurnRecord) bool {
	return r.Status == messages.TurnPartial && r.Reason == messages.ReasonServerRestart
}

// isLast tells whether nothing came behind what is stored of a turn, of which nothing
// was erased.
func isLast(r *messages.TurnResumed, next messages.Seq) bool {
	return r.Record.LastSeq()+1 == next && len(r.Output) == r.Record.Outputs && len(r.Input) == r.Record.Inputs
}

// itemsOf are what is stored of a turn, and was not erased.
func (t *transaction) itemsOf(r *messages.TurnRecord) (input, output []messages.Item, err error) {
	items, err := turnItems(t, r.Ref.Tenant, r.ID)
	for i := range items {
		if items[i].Output {
			output = append(output, items[i].Item)
		} else {
			input = append(input, items[i].Item)
		}
	}
	return input, output, err
}

func (t *transaction) runAgain(resumed *messages.TurnResumed, key string) error {
	r := &resumed.Record
	if err := t.holdIdempotencyKey(r, key); err != nil {
		return err
	}
	if _, err := t.row("SELECT owners FROM turns WHERE tenant = ? AND id = ?", []any{r.Ref.Tenant, turnBytes(r.ID)}, &resumed.Owners); err != nil {
		return err
	}
	r.Status, r.Reason, r.FailureCode, r.FailureText, r.Ended = messages.TurnRunning, "", "", "", time.Time{}
	return t.later(nil, "UPDATE turns SET status = ?, reason = '', failure_code = '', failure_text = '', ended = 0, owners = owners + 1 WHERE tenant = ? AND id = ?",
		r.Status, r.Ref.Tenant, turnBytes(r.ID))
}

// cut ends a turn that was left running.
func (t *transaction) cut(r *messages.TurnRecord) error {
	if _, err := t.interruptTurns("tenant = ? AND id = ?", r.Ref.Tenant, turnBytes(r.ID)); err != nil {
		return err
	}
	r.Status, r.Reason, r.Ended = messages.TurnPartial, messages.ReasonServerRestart, time.Now()
	return nil
}
