package budget

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"example.com/parley/messages"
)

// Book keeps budgets. Both stores implement it.
type Book interface {
	PutBudget(ctx context.Context, b messages.Budget) (put messages.Budget, created bool, err error)
	DeleteBudget(ctx context.Context, id messages.BudgetID) error
	BudgetStates(ctx context.Context, tenant messages.TenantID, now time.Time) ([]messages.BudgetState, error)
}

// Administration sets budgets. It is safe for concurrent use.
type Administration struct{ book Book }

// NewAdministration returns one over a book.
func NewAdministration(book Book) *Administration { return &Administration{book} }

// SetBudget makes the budget of a tenant, key and period, or changes it. A webhook
// that has no secret yet gets one, which the answer shows this once; any other
// answer has none.
func (a *Administration) SetBudget(ctx context.Context, wanted messages.Budget) (set messages.BudgetState, created bool, err error) {
	if err := check(&wanted); err != nil {
		return set, false, err
	}
	now := time.Now()
	wanted.ID, wanted.Created = messages.BudgetID("bud_"+strings.ToLower(rand.Text())), now
	if wanted.Webhook != "" && wanted.Secret == "" {
		if wanted.Secret, err = a.newSecret(ctx, &wanted); err != nil {
			return set, false, err
		}
	}
	shown := wanted.Secret
	put, created, err := a.book.PutBudget(ctx, wanted)
	if err != nil {
		return set, false, err
	}
	states, err := a.book.BudgetStates(ctx, put.Tenant, now)
	if err != nil {
		return set, created, err
	}
	at := slices.IndexFunc(states, func(s messages.BudgetState) bool { return s.ID == put.ID })
	if at < 0 { // somebody has deleted it already
		return set, created, absent()
	}
	states[at].Secret = shown
	return states[at], created, nil
}

// newSecret is a secret for a webhook that has none, and empty for one that has.
func (a *Administration) newSecret(ctx context.Context, wanted *messages.Budget) (string, error) {
	states, err := a.book.BudgetStates(ctx, wanted.Tenant, time.Now())
	if err != nil {
		return "", err
	}
	for i := range states {
		if s := &states[i]; s.Key == wanted.Key && s.Period == wanted.Period && s.Secret != "" {
			return "", nil
		}
	}
	return "whsec_" + rand.Text() + rand.Text(), nil
}

// DeleteBudget forgets a budget with what was spent of it.
func (a *Administration) DeleteBudget(ctx context.Context, id messages.BudgetID) error {
	return a.book.DeleteBudget(ctx, id)
}

// BudgetStates lists a tenant's budgets, or all for the empty name, as they stand
// now. No secret is among them.
func (a *Administration) BudgetStates(ctx context.Context, tenant messages.TenantID) ([]messages.BudgetState, error) {
	states, err := a.book.BudgetStates(ctx, tenant, time.Now())
	for i := range states {
		states[i].Secret = ""
	}
	return states, err
}

func absent() error {
	return &messages.Failure{Code: messages.CodeItemAbsent, What: "there is no budget with this id", Do: "list the budgets with `parley budget list`", Param: "id"}
}

const (
	maxLimit      = 1e18 // nano-dollars: a billion dollars
	maxThresholds = 16
	maxThreshold  = 1000 // percent: a budget that is not hard may be passed
	maxSecret     = 256  // bytes
	minSecret     = 16
)

// check refuses what no budget can be, and puts thresholds in order.
func check(b *messages.Budget) error {
	refuse := func(param, what, do string) error {
		return &messages.Failure{Code: messages.CodeInvalidRequest, What: what, Do: do, Param: param}
	}
	if b.Tenant == "" {
		return refuse("tenant", "no tenant is named", "give the id of one, which `parley tenant list` shows")
	}
	switch b.Period {
	case messages.BudgetDay, messages.BudgetMonth, messages.BudgetTotal:
	default:
		return refuse("period", fmt.Sprintf("there is no period %.32q", b.Period), "give day, month or total")
	}
	if b.Limit < 0 || b.Limit > maxLimit {
		return refuse("limit_nano_dollars", "the limit is below 0, or above a billion dollars", "give nano-dollars: 1000000000 is a dollar")
	}
	slices.Sort(b.Thresholds)
	b.Thresholds = slices.Compact(b.Thresholds)
	if n := len(b.Thresholds); n > maxThresholds || n > 0 && (b.Thresholds[0] < 1 || b.Thresholds[n-1] > maxThreshold) {
		return refuse("thresholds", "there are more than 16 thresholds, or one that is not from 1 to 1000", "give percents of the limit, such as 50, 80 and 100")
	}
	if n := len(b.Secret); n > maxSecret || n > 0 && n < minSecret {
		return refuse("webhook_secret", "the secret has fewer than 16 bytes, or more than 256", "leave it out to have one made")
	}
	if b.Webhook != "" && !isAddress(b.Webhook) {
		return refuse("webhook", "the webhook is no address", "give one such as https://example.com/hook, without user name and fragment")
	}
	return nil
}

func isAddress(text string) bool {
	const longest = 2048
	u, err := url.Parse(text)
	return err == nil && len(text) <= longest && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil && u.Fragment == ""
}
