package admin

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// Retentions says for how long tenants' things are kept. cmd/parley joins it to
// actors/tenant.
type Retentions interface {
	Retention(ctx context.Context, tenant messages.TenantID) (messages.Retention, error)
	SetRetention(ctx context.Context, r messages.Retention) error
}

// Retention is a tenant's on the wire: days, null for what the configuration says,
// 0 for ever.
type Retention struct {
	Object      string            `json:"object"` // "retention"
	Tenant      messages.TenantID `json:"tenant"`
	ContentDays *int              `json:"content_days"`
	LedgerDays  *int              `json:"ledger_days"`
}

func (s *Server) showRetention(c *fiber.Ctx) error {
	ctx, release := s.bounded()
	defer release()
	r, err := s.deps.Retentions.Retention(ctx, messages.TenantID(c.Params("id")))
	if err != nil {
		return err
	}
	return c.JSON(Retention{"retention", r.Tenant, r.ContentDays, r.LedgerDays})
}

// setRetention sets both: what is left out is as the configuration has it.
func (s *Server) setRetention(c *fiber.Ctx) error {
	var body struct {
		ContentDays *int `json:"content_days"`
		LedgerDays  *int `json:"ledger_days"`
	}
	if err := decode(c, &body); err != nil {
		return err
	}
	ctx, release := s.acting(c)
	defer release()
	r := messages.Retention{Tenant: messages.TenantID(c.Params("id")), ContentDays: body.ContentDays, LedgerDays: body.LedgerDays}
	if err := s.deps.Retentions.SetRetention(ctx, r); err != nil {
		return err
	}
	return c.JSON(Retention{"retention", r.Tenant, r.ContentDays, r.LedgerDays})
}
