package budget

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"example.com/parley/messages"
)

// What the actor answers, beside nil.
var (
	errEnough = errors.New("the budget has not so much left")
	errAway   = errors.New("the store could not be asked")
)

// refuse is the failure of a request that might pass a budget. Where running
// requests hold what it needs, it may be tried again.
func (b *Budgets) refuse(k *pocket, period messages.PeriodKey, amount messages.NanoDollars) error {
	budget, spent := k.standing(period)
	f := &messages.Failure{Code: messages.CodeBudgetExceeded, What: fmt.Sprintf("this request may cost %s, and %s of %s has %s left",
		dollars(amount), nameOf(&budget), dollars(budget.Limit), dollars(max(0, budget.Limit-spent)))}
	if spent+amount <= budget.Limit {
		b.metrics.held.Inc()
		f.What += ", which requests that run have reserved"
		f.Do, f.RetryAfter = "wait for them to end, or set a lower limit of output tokens", time.Second
		return f
	}
	b.metrics.exceeded.Inc()
	f.Do, f.NoRetry = "set a lower limit of output tokens, or ask a cheaper model", true
	if next := budget.Period.Next(time.Now()); next.IsZero() {
		f.Do += "; only the operator can raise it"
	} else {
		f.Do += "; it begins anew at " + next.Format(time.RFC3339)
	}
	return f
}

// standing is a budget with what is spent for certain: what the store said. What is
// owed may be among it, so that it would be counted twice.
func (k *pocket) standing(period messages.PeriodKey) (budget messages.Budget, spent messages.NanoDollars) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p := k.purse(period); p != nil {
		spent = p.said
	}
	return k.budget, spent
}

// away is the failure of a request that would need more than this node holds, while
// nobody can say whether there is more.
func (b *Budgets) away() error {
	b.metrics.away.Inc()
	return &messages.Failure{
		Code: messages.CodeStoreUnavailable, What: "the budget cannot be checked, because the store does not answer",
		Do: "send the request again in a moment", RetryAfter: time.Second,
	}
}

// nameOf says which budget it is, as in "the tenant's budget for a day".
func nameOf(b *messages.Budget) string {
	whose := "the tenant's"
	if b.Key != "" {
		whose = "the key's"
	}
	switch b.Period {
	case messages.BudgetDay:
		return whose + " budget for today"
	case messages.BudgetMonth:
		return whose + " budget for this month"
	default:
		return whose + " budget for all time"
	}
}

// dollars writes an amount for people, with as many digits as it has.
func dollars(n messages.NanoDollars) string {
	const nanosPerDollar = 1_000_000_000
	text := strings.TrimRight(fmt.Sprintf("%d.%09d", int64(n)/nanosPerDollar, int64(n)%nanosPerDollar), "0")
	if at := strings.IndexByte(text, '.'); len(text)-at < 3 {
		text += "00"[:3-(len(text)-at)]
	}
	return "$" + text
}
