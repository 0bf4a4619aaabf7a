package budget

import (
	"slices"
	"sync"
	"time"

	"example.com/parley/messages"
)

// pocket is what this node holds of one budget. Requests take from it under its
// mutex, for some ten nanoseconds; its actor alone talks to the store.
type pocket struct {
	id     messages.BudgetID
	tenant messages.TenantID
	key    messages.KeyID
	period messages.BudgetPeriod

	mu     sync.Mutex
	budget messages.Budget
	purses []*purse // of the period that is now, and of those before that have something in flight
}

// purse is a period's part of a pocket. The pocket's mutex guards it. Money is in
// nano-dollars:
//
//	held + free   is the lease, as this node counts it, or less than the store does
//	held          was taken by attempts whose rows the store does not have
//	free          may be taken without asking; below 0 where attempts came to more
type purse struct {
	period     messages.PeriodKey
	held, free messages.NanoDollars
	owed       messages.NanoDollars // what of held is certain: attempts came to it, and the store has not their rows yet
	until      time.Time            // free may be taken: the lease is ours

	limit, spent, others messages.NanoDollars // as the store said last
	leased               messages.NanoDollars // ours, likewise
	heard                time.Time            // when it did; zero: never

	said    messages.NanoDollars // spent, as it did: what is owed may be among it already
	taken   messages.NanoDollars // since it was asked, which is how fast it goes
	counted bool                 // since then rows were written: the lease is too large by what they cost
	late    messages.NanoDollars // what those cost: it may have been counted in spent before that, too
	used    time.Time            // when a request took something

	refused      messages.NanoDollars // so much is more than there is ...
	refusedUntil time.Time            // ... for as long as this is known without asking
}

// left is what the store has that nobody holds, as far as it is known.
func (p *purse) left() messages.NanoDollars { return p.limit - p.spent - p.others - p.leased }

// unsure is what may be counted twice until the store is heard once more: it says
// what was spent, of rows that this node holds as well.
func (p *purse) unsure() messages.NanoDollars { return p.owed + p.late }

// purse returns the period's, or nil.
func (k *pocket) purse(period messages.PeriodKey) *purse {
	for _, p := range k.purses { // two at most, as a rule one
		if p.period == period {
			return p
		}
	}
	return nil
}

// open returns the period's purse, which it makes where there is none.
func (k *pocket) open(period messages.PeriodKey) *purse {
	if p := k.purse(period); p != nil {
		return p
	}
	p := &purse{period: period, limit: k.budget.Limit}
	k.purses = append(k.purses, p)
	return p
}

// sweep forgets the purses of other periods that nothing is in any more.
func (k *pocket) sweep(now messages.PeriodKey) {
	k.purses = slices.DeleteFunc(k.purses, func(p *purse) bool {
		return p.period != now && p.held == 0 && p.free == 0 && p.leased == 0
	})
}

// verdict is what came of trying to take from a pocket.
type verdict uint8

const (
	taken   verdict = iota
	unknown         // the store has to be asked
	refused         // the store would say no
)

// take takes from a period, where that needs no asking.
func (k *pocket) take(period messages.PeriodKey, amount messages.NanoDollars, now time.Time) verdict {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.purse(period)
	switch {
	case !k.budget.Hard:
		k.grab(k.open(period), amount, now)
		return taken
	case p == nil:
		return unknown
	case amount <= p.free && now.Before(p.until):
		k.grab(p, amount, now)
		return taken
	case p.refused > 0 && amount >= p.refused && now.Before(p.refusedUntil):
		return refused
	default:
		return unknown
	}
}

// grab moves an amount from what is free to what is held. Of a budget that is not
// hard everything is free.
func (k *pocket) grab(p *purse, amount messages.NanoDollars, now time.Time) {
	k.move(p, amount)
	p.taken += amount
	p.used = now
}

// giveBack lets go of what was held and is not needed; more is held where back is
// below 0.
func (k *pocket) giveBack(period messages.PeriodKey, back messages.NanoDollars) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.move(k.open(period), -back)
}

// settle is giveBack for an attempt that came to something.
func (k *pocket) settle(period messages.PeriodKey, back, cost messages.NanoDollars) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.open(period)
	k.move(p, -back)
	p.owed += cost
}

func (k *pocket) move(p *purse, amount messages.NanoDollars) {
	p.held += amount
	if k.budget.Hard {
		p.free -= amount
	}
}

// count takes off what was held for a row that the store has by now: there it is
// among what was spent.
func (k *pocket) count(period messages.PeriodKey, cost messages.NanoDollars) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.open(period)
	p.held -= cost
	p.owed -= cost
	p.spent += cost // as the store will say, in whose lease it is until then
	p.leased -= cost
	p.late += cost
	p.counted = true
}

// remaining is what this node knows to be left of the period that is now.
func (k *pocket) remaining(period messages.PeriodKey) messages.NanoDollars {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.purse(period)
	switch {
	case p == nil || p.heard.IsZero():
		return k.budget.Limit
	case k.budget.Hard:
		return max(0, min(p.left(), p.limit)+p.free)
	default:
		return max(0, p.limit-p.spent-p.held)
	}
}
