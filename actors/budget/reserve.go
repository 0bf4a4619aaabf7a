package budget

import (
	"context"
	"errors"
	"time"

	"example.com/parley/messages"
)

// reserve holds what an attempt may cost, of all budgets that apply or of none. It
// waits for the store where this node's lease does not suffice.
func (b *Budgets) reserve(ctx context.Context, r *messages.Reservation) error {
	of := b.known.Load().of(r.Row.Tenant, r.Row.Key)
	if of.empty() {
		return nil
	}
	most, priced := b.bound(r)
	if !priced {
		b.metrics.unpriced.Inc()
	}
	if most == 0 {
		return nil
	}
	now := time.Now()
	day := messages.DayOf(r.Row.Request.Time())
	if err := b.takeAll(ctx, of, day, most, now); err != nil {
		return err
	}
	b.holds.put(attemptOf(&r.Row), hold{of: of, day: day, amount: most})
	return nil
}

// takeAll takes an amount of each pocket. What was taken of some is given back
// when another has not enough.
func (b *Budgets) takeAll(ctx context.Context, of pockets, day int, amount messages.NanoDollars, now time.Time) error {
	for i, k := range of.tenant {
		if err := b.take(ctx, k, day, amount, now); err != nil {
			pockets{tenant: of.tenant[:i]}.giveBack(day, amount)
			return err
		}
	}
	for i, k := range of.key {
		if err := b.take(ctx, k, day, amount, now); err != nil {
			pockets{tenant: of.tenant, key: of.key[:i]}.giveBack(day, amount)
			return err
		}
	}
	return nil
}

func (p pockets) giveBack(day int, amount messages.NanoDollars) {
	p.each(func(k *pocket) { k.giveBack(k.period.Key(day), amount) })
}

func (b *Budgets) take(ctx context.Context, k *pocket, day int, amount messages.NanoDollars, now time.Time) error {
	period := k.period.Key(day)
	switch k.take(period, amount, now) {
	case taken:
		return nil
	case refused:
		return b.refuse(k, period, amount)
	default:
		return b.ask(ctx, k, period, amount)
	}
}

// ask has the actor get an amount from the store, and waits for it.
func (b *Budgets) ask(ctx context.Context, k *pocket, period messages.PeriodKey, amount messages.NanoDollars) error {
	began := time.Now()
	defer func() { b.metrics.waited.Observe(time.Since(began).Seconds()) }()
	tell := b.tell.Load()
	if tell == nil { // the actor was never started
		return b.away()
	}
	w := &want{ref: purseRef{k, period}, amount: amount, until: began.Add(b.cfg.Patience), reply: make(chan error, 1)}
	(*tell)(w)
	patience := time.NewTimer(b.cfg.Patience)
	defer patience.Stop()
	select {
	case answer := <-w.reply:
		return b.told(w, answer)
	case <-patience.C:
	case <-ctx.Done():
	}
	if !w.state.CompareAndSwap(wantWaits, wantGivenUp) { // the answer came at the same moment
		return b.told(w, <-w.reply)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return b.told(w, errAway)
}

// told makes the actor's answer the request's.
func (b *Budgets) told(w *want, answer error) error {
	switch {
	case answer == nil:
		return nil
	case errors.Is(answer, errEnough):
		return b.refuse(w.ref.pocket, w.ref.period, w.amount)
	default:
		return b.away()
	}
}

// settle lets go of what was held for an attempt beyond what it came to.
func (b *Budgets) settle(row *messages.UsageRow) {
	held, back, found := b.holds.settle(attemptOf(row), row.Cost)
	if found {
		held.of.each(func(k *pocket) { k.settle(k.period.Key(held.day), back, row.Cost) })
	}
}

// counted lets go of what an attempt came to, of which the store has the row.
func (b *Budgets) counted(row *messages.UsageRow) {
	b.settle(row)
	if held, found := b.holds.take(attemptOf(row)); found {
		held.of.each(func(k *pocket) { k.count(k.period.Key(held.day), held.amount) })
	}
}

// drop lets go of what an attempt holds that is not made.
func (b *Budgets) drop(row *messages.UsageRow) {
	if held, found := b.holds.take(attemptOf(row)); found {
		held.of.giveBack(held.day, held.amount)
	}
}
