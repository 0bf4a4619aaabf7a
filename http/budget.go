package http

import (
	"context"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// Budgets says how the budgets of tenants stand. cmd/parley joins it to
// actors/budget.
type Budgets interface {
	// BudgetStates lists a tenant's budgets, without secrets.
	BudgetStates(ctx context.Context, tenant messages.TenantID) ([]messages.BudgetState, error)
	// Remaining is what is left of the tightest budget that applies, from
	// memory; false where none does.
	Remaining(tenant messages.TenantID, key messages.KeyID) (left messages.MicroDollars, applies bool)
}

// BudgetView is a budget on the wire: money in nano-dollars, exactly, and in
// micro-dollars, rounded once.
type BudgetView struct {
	ID         messages.BudgetID     `json:"id"`
	Object     string                `json:"object"` // "budget"
	Tenant     messages.TenantID     `json:"tenant"`
	Key        *messages.KeyID       `json:"key"` // null: of the whole tenant
	Period     messages.BudgetPeriod `json:"period"`
	Hard       bool                  `json:"hard"`
	Limit      messages.NanoDollars  `json:"limit_nano_dollars"`
	Spent      messages.NanoDollars  `json:"spent_nano_dollars"`
	Left       messages.NanoDollars  `json:"left_nano_dollars"`
	Leased     messages.NanoDollars  `json:"leased_nano_dollars"` // of what is left, what nodes hold for requests
	LimitMicro messages.MicroDollars `json:"limit_micro_dollars"`
	SpentMicro messages.MicroDollars `json:"spent_micro_dollars"`
	LeftMicro  messages.MicroDollars `json:"left_micro_dollars"`
	Begins     *int64                `json:"begins"` // of this period, in seconds since 1970; null for all time
	Ends       *int64                `json:"ends"`   // likewise: when it begins anew
	Thresholds []int                 `json:"thresholds"`
	Reached    []int                 `json:"reached"` // thresholds, in this period
	Webhook    string                `json:"webhook,omitempty"`
	Secret     string                `json:"webhook_secret,omitempty"` // in the answer that made it alone
	Created    int64                 `json:"created"`
}

// ViewBudget is a budget as operators see it.
func ViewBudget(b messages.BudgetState) (v BudgetView, id string) {
	v = BudgetView{
		ID: b.ID, Object: "budget", Tenant: b.Tenant, Period: b.Period, Hard: b.Hard,
		Limit: b.Limit, Spent: b.Spent, Left: b.Left(), Leased: b.Leased,
		LimitMicro: b.Limit.Micro(), SpentMicro: b.Spent.Micro(), LeftMicro: b.Left().Micro(),
		Thresholds: append([]int{}, b.Thresholds...), Reached: append([]int{}, b.Reached...),
		Webhook: b.Webhook, Secret: b.Secret, Created: b.Created.Unix(),
	}
	if b.Key != "" {
		v.Key = &b.Key
	}
	if !b.Ends.IsZero() {
		v.Begins, v.Ends = new(b.Begins.Unix()), new(b.Ends.Unix())
	}
	return v, string(b.ID)
}

// getBudget answers GET /v1/budget: the budgets of the tenant, and of the key that
// asks. Where they are told of is the operators' affair.
func (s *Server) getBudget(c *fiber.Ctx, x *exchange) error {
	ctx, release := s.storeContext()
	defer release()
	states, err := s.budgets.BudgetStates(ctx, x.principal.Tenant)
	if err != nil {
		return err
	}
	list := struct {
		Object string       `json:"object"` // "list"
		Data   []BudgetView `json:"data"`
	}{Object: "list", Data: []BudgetView{}}
	for i := range states {
		if key := states[i].Key; key == "" || key == x.principal.Key {
			view, _ := ViewBudget(states[i])
			view.Webhook = ""
			list.Data = append(list.Data, view)
		}
	}
	return c.JSON(list)
}

// showBudget tells the client what is left, where a budget applies.
func (s *Server) showBudget(c *fiber.Ctx, x *exchange) {
	if s.budgets == nil {
		return
	}
	if left, applies := s.budgets.Remaining(x.principal.Tenant, x.principal.Key); applies {
		c.Set("x-parley-budget-remaining", strconv.FormatInt(int64(left), 10))
	}
}
