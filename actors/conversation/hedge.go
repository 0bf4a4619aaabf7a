package conversation

import (
	"context"
	"log/slog"
	"time"

	"example.com/parley/messages"
)

// A provider whose first byte is late may be stuck, and waiting for its limit
// costs a user seconds. Where the operator wants it, the next provider is asked
// beside it, and who answers first is heard. The other call is cancelled.

// hedges is what may be asked twice: one call of twenty, so that a day on which
// all are slow does not become one on which all have double the load.
var hedges = allowance{share: 0.05, most: 10}

// race asks the first target, and the second beside it when the first is late. It
// returns how many of the two were asked.
func (t *turn) race(ctx context.Context, first, second messages.Target, call *messages.Call) (asked int, err error) {
	t.deps.hedges.earn(hedges)
	answers := make(chan opened, 2) // whoever comes last never waits
	one, err := t.ask(ctx, first, call, answers)
	if err != nil {
		return 1, err
	}
	defer one.cancel()
	late := time.NewTimer(t.deps.Config.HedgeAfter)
	defer late.Stop()
	select {
	case a := <-answers:
		return 1, t.conclude(ctx, a)
	case <-late.C:
	}
	if !t.deps.hedges.spend(hedges, time.Now()) {
		return 1, t.conclude(ctx, <-answers)
	}
	other, err := t.ask(ctx, second, call, answers)
	if err != nil {
		return 1, t.conclude(ctx, <-answers)
	}
	defer other.cancel()
	t.deps.Metrics.Hedges.Inc()
	a := <-answers
	if a.err != nil && mayFallBack(a.err) {
		_ = t.conclude(ctx, a) // the other decides
		return 2, t.conclude(ctx, <-answers)
	}
	if a.row == one.row {
		t.forsake(other, answers)
	} else {
		t.forsake(one, answers)
	}
	return 2, t.conclude(ctx, a)
}

// asked is a call whose answer is waited for.
type asked struct {
	row    int // in turn.rows
	cancel context.CancelFunc
}

// ask calls a target in a goroutine that puts what came of it into answers.
func (t *turn) ask(ctx context.Context, target messages.Target, call *messages.Call, answers chan<- opened) (asked, error) {
	row, err := t.reserve(ctx, target, call)
	if err != nil {
		return asked{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	t.deps.Workers.Go(func() { answers <- t.openSafely(ctx, row, target, call) })
	return asked{row, cancel}, nil
}

// openSafely makes a panic the call's failure: nothing else would, in a goroutine of
// its own.
func (t *turn) openSafely(ctx context.Context, row int, target messages.Target, call *messages.Call) (a opened) {
	defer func() {
		if p := recover(); p != nil {
			a = opened{row: row, target: target, err: panicked(p)}
			t.deps.Log.Error("a call panicked", slog.String("turn", t.spec.ID.String()), slog.Any("cause", a.err))
		}
	}()
	return t.open(ctx, row, target, call)
}

// forsake ends the call that lost. It brought nothing, so it costs nothing.
func (t *turn) forsake(loser asked, answers <-chan opened) {
	loser.cancel()
	row := &t.rows[loser.row]
	row.Status, row.Usage = messages.AttemptFailed, messages.Usage{}
	t.deps.Ledger.Ended(row)
	t.deps.Workers.Go(func() {
		if late := <-answers; late.err == nil {
			_ = late.answer.Close() // nobody reads it
		}
	})
}
