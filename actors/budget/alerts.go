package budget

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"example.com/parley/messages"
)

// AlertBook keeps the thresholds that were reached. Both stores implement it.
type AlertBook interface {
	// TakeAlerts returns alerts that are due, and keeps other nodes from them
	// until a moment.
	TakeAlerts(ctx context.Context, now, until time.Time, most int) ([]messages.BudgetAlert, error)
	// PostponeAlert has an alert told again at a moment, or never more for the
	// zero time.
	PostponeAlert(ctx context.Context, a messages.BudgetAlert, due time.Time) error
}

// Caller tells a webhook of an alert. [Webhook] is the one that there is.
type Caller interface {
	Call(ctx context.Context, a *messages.BudgetAlert) error
}

// Alerts tells webhooks of thresholds, until they have heard. Of those that all
// nodes know each is told by one at a time; a webhook that has heard and could not
// say so hears again, under the same name.
type Alerts struct {
	cfg     Config
	book    AlertBook
	caller  Caller
	metrics *metrics
	log     *slog.Logger
}

// NewAlerts returns alerts that nobody is told of yet. Run tells.
func NewAlerts(b *Budgets, book AlertBook, caller Caller) *Alerts {
	return &Alerts{cfg: b.cfg, book: book, caller: caller, metrics: b.metrics, log: b.deps.Log}
}

const (
	callPatience = 10 * time.Second // for one call of a webhook
	callsAtOnce  = 8
	firstPause   = time.Second // before the second call; doubled for each
	longestPause = time.Hour
)

// Run tells webhooks until ctx ends.
func (a *Alerts) Run(ctx context.Context) error {
	ticker := time.NewTicker(a.cfg.Refresh)
	defer ticker.Stop()
	for {
		a.tellAll(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// tellAll calls those that are due, a few at a time, and waits for them.
func (a *Alerts) tellAll(ctx context.Context) {
	asking, release := context.WithTimeout(ctx, a.cfg.Patience)
	now := time.Now()
	due, err := a.book.TakeAlerts(asking, now, now.Add(3*callPatience), callsAtOnce)
	release()
	if err != nil {
		if ctx.Err() == nil {
			a.log.Warn("alerts of budgets wait for the store", slog.Any("error", err))
		}
		return
	}
	var calls sync.WaitGroup
	for i := range due {
		calls.Go(func() { a.tell(ctx, &due[i]) })
	}
	calls.Wait()
}

// tell calls one webhook, and writes down when it is called again.
func (a *Alerts) tell(ctx context.Context, alert *messages.BudgetAlert) {
	next := a.call(ctx, alert)
	saying, release := context.WithTimeout(context.WithoutCancel(ctx), a.cfg.Patience)
	defer release()
	if err := a.book.PostponeAlert(saying, *alert, next); err != nil {
		a.log.Warn("an alert of a budget may be told once more", slog.String("alert", alert.ID), slog.Any("error", err))
	}
}

// call returns when the webhook is to be called again; zero for never.
func (a *Alerts) call(ctx context.Context, alert *messages.BudgetAlert) time.Time {
	if alert.Budget.Webhook == "" { // taken away since
		return time.Time{}
	}
	calling, release := context.WithTimeout(ctx, callPatience)
	defer release()
	err := a.caller.Call(calling, alert)
	switch {
	case err == nil:
		a.metrics.sent.Inc()
		return time.Time{}
	case alert.Tries+1 >= a.cfg.MaxTries:
		a.metrics.givenUp.Inc()
		a.log.Error("the webhook of a budget did not hear of an alert, and is not called any more", slog.String("alert", alert.ID), slog.Any("error", err))
		return time.Time{}
	default:
		a.metrics.failed.Inc()
		a.log.Warn("the webhook of a budget is called again later", slog.String("alert", alert.ID), slog.Any("error", err))
		return time.Now().Add(pauseBefore(alert.Tries))
	}
}

// pauseBefore is how long to wait after so many tries before this one.
func pauseBefore(tries int) time.Duration {
	return min(firstPause<<min(tries, 20), longestPause)
}
