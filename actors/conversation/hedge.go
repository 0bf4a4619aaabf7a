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
// returns what came of the one to be heard.
func (t *turn) race(ctx context.Context, first, second messages.Target, call *messages.Call) (opened, error) {
	t.deps.hedges.earn(hedges)
	answers := make(chan opened, 2) // whoever comes last never waits
	one, err := t.ask(ctx, first, call, answers)
	if err != nil {
		return opened{}, err
	}
	late := time.NewTimer(t.deps.Config.HedgeAfter)
	defer late.Stop()
	select {
	case a := <-answers:
		return a, nil
	case <-late.C:
	}
	if !t.deps.hedges.spend(hedges, time.Now()) {
		return <-answers, nil
	}
	other, err := t.ask(ctx, second, call, answers)
	if err != nil {
		return <-answers, nil // the first may answer yet
	}
	t.deps.Metrics.Hedges.Inc()
	t.asking.tried++
	return t.decide(one, other, answers), nil
}

// decide returns what came of the call that decides, and ends the other.
func (t *turn) decide(one, other asked, answers <-chan opened) opened {
	a := <-answers
	switch {
	case a.err != nil && mayFallBack(a.err):
		t.conclude(&a) // the other decides
		a = <-answers
	case a.row == one.row:
		t.forsake(other, answers)
	default:
		t.forsake(one, answers)
	}
	return a
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
	t.deps.Workers.Go(func() {
		a := t.openSafely(ctx, row, target, call)
		a.cancel = cancel
		answers <- a
	})
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
