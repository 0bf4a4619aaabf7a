package relational

import (
	"context"
	"time"

	"example.com/parley/messages"
)

// ResumeTurn has a turn run again that was cut by the end of the process which had
// it, under the activation that asks. It changes nothing of one that came to an end of
// its own, or was never begun, and is refused where the conversation has gone on
// since: what the turn would still say has no place any more.
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
		if resumed.Output, err = t.outputs(&resumed.Record); err != nil || !wasCut(&resumed.Record) {
			return err
		}
		if resumed.Record.LastSeq()+1 != next || len(resumed.Output) != resumed.Record.Outputs {
			return wentOn(r.Ref)
		}
		return t.runAgain(&resumed.Record, r.IdempotencyKey)
	})
	return resumed, err
}

// wasCut tells whether a turn ended with the process that had it.
func wasCut(r *messages.TurnRecord) bool {
	return r.Status == messages.TurnPartial && r.Reason == messages.ReasonServerRestart
}

// outputs are what is stored of a turn's reply, and was not erased.
func (t *transaction) outputs(r *messages.TurnRecord) (output []messages.Item, err error) {
	items, err := turnItems(t, r.Ref.Tenant, r.ID)
	for i := range items {
		if items[i].Output {
			output = append(output, items[i].Item)
		}
	}
	return output, err
}

func (t *transaction) runAgain(r *messages.TurnRecord, key string) error {
	if err := t.holdIdempotencyKey(r, key); err != nil {
		return err
	}
	r.Status, r.Reason, r.FailureCode, r.FailureText, r.Ended = messages.TurnRunning, "", "", "", time.Time{}
	return t.later(nil, "UPDATE turns SET status = ?, reason = '', failure_code = '', failure_text = '', ended = 0 WHERE tenant = ? AND id = ?",
		r.Status, r.Ref.Tenant, turnBytes(r.ID))
}
