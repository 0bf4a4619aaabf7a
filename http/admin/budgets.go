package admin

import (
	"context"

	"github.com/gofiber/fiber/v2"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

// Budgets sets what tenants and keys may spend. cmd/parley joins it to
// actors/budget.
type Budgets interface {
	// SetBudget makes the budget of a tenant, key and period, or changes it. A
	// secret is in the answer only where it was set.
	SetBudget(ctx context.Context, wanted messages.Budget) (set messages.BudgetState, created bool, err error)
	DeleteBudget(ctx context.Context, id messages.BudgetID) error
	// BudgetStates lists a tenant's budgets, or all for the empty name.
	BudgetStates(ctx context.Context, tenant messages.TenantID) ([]messages.BudgetState, error)
}

// listBudgets lists the budgets of ?tenant=, or all.
func (s *Server) listBudgets(c *fiber.Ctx) error {
	states, err := s.budgetStates(messages.TenantID(c.Query("tenant")))
	if err != nil {
		return err
	}
	return sendList(c, states, parleyhttp.ViewBudget)
}

func (s *Server) budgetStates(tenant messages.TenantID) ([]messages.BudgetState, error) {
	ctx, release := s.bounded()
	defer release()
	return s.deps.Budgets.BudgetStates(ctx, tenant)
}

func (s *Server) showBudget(c *fiber.Ctx) error {
	states, err := s.budgetStates("")
	if err != nil {
		return err
	}
	for i := range states {
		if view, id := parleyhttp.ViewBudget(states[i]); id == c.Params("id") {
			return c.JSON(view)
		}
	}
	return &messages.Failure{Code: messages.CodeItemAbsent, What: "there is no budget with this id", Do: "GET /admin/budgets lists them", Param: "id"}
}

// putBudget makes or changes the budget of the tenant, key and period that the body
// names.
func (s *Server) putBudget(c *fiber.Ctx) error {
	var body struct {
		Tenant     messages.TenantID     `json:"tenant"`
		Key        messages.KeyID        `json:"key"` // empty: of the whole tenant
		Period     messages.BudgetPeriod `json:"period"`
		Limit      messages.NanoDollars  `json:"limit_nano_dollars"`
		Hard       *bool                 `json:"hard"` // true where nothing is said
		Thresholds []int                 `json:"thresholds"`
		Webhook    string                `json:"webhook"`
		Secret     string                `json:"webhook_secret"`
	}
	if err := decode(c, &body); err != nil {
		return err
	}
	ctx, release := s.acting(c)
	defer release()
	set, created, err := s.deps.Budgets.SetBudget(ctx, messages.Budget{
		Tenant: body.Tenant, Key: body.Key, Period: body.Period, Limit: body.Limit, Hard: body.Hard == nil || *body.Hard,
		Thresholds: body.Thresholds, Webhook: body.Webhook, Secret: body.Secret,
	})
	if err != nil {
		return err
	}
	if created {
		c.Status(fiber.StatusCreated)
	}
	view, _ := parleyhttp.ViewBudget(set)
	return c.JSON(view)
}

func (s *Server) deleteBudget(c *fiber.Ctx) error {
	ctx, release := s.acting(c)
	defer release()
	id := messages.BudgetID(c.Params("id"))
	if err := s.deps.Budgets.DeleteBudget(ctx, id); err != nil {
		return err
	}
	return c.JSON(fiber.Map{"id": id, "object": "budget", "deleted": true})
}
