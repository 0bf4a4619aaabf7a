package admin

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// Erasures takes content away, and has the receipts. cmd/parley joins it to
// actors/tenant.
type Erasures interface {
	// Erase takes a user's content away, or all of the tenant's without a user. The
	// receipt says whether that is done; if not it goes on by itself.
	Erase(ctx context.Context, tenant messages.TenantID, user string) (messages.Erasure, error)
	// DeleteTenant ends a tenant with its keys, and erases all of its content.
	DeleteTenant(ctx context.Context, id messages.TenantID) (messages.Erasure, error)
	Erasure(ctx context.Context, id string) (messages.Erasure, error)
	Erasures(ctx context.Context, tenant messages.TenantID) ([]messages.Erasure, error)
}

// Erasure is a receipt on the wire. It does not have the user's name.
type Erasure struct {
	ID        string            `json:"id"`
	Object    string            `json:"object"` // "erasure"
	Tenant    messages.TenantID `json:"tenant"`
	UserHash  string            `json:"user_sha256,omitempty"` // in hex; left out where all of the tenant's content was meant
	Status    string            `json:"status"`                // "running" or "completed"
	Requested int64             `json:"requested"`             // seconds since 1970; what came later stays
	Completed *int64            `json:"completed"`
	Erased    Erased            `json:"erased"`
}

// Erased counts what is gone.
type Erased struct {
	Conversations int64 `json:"conversations"` // as a whole
	Turns         int64 `json:"turns"`
	Items         int64 `json:"items"`
	Replies       int64 `json:"idempotent_replies"`
}

// ViewErasure is a receipt as it is sent.
func ViewErasure(e messages.Erasure) Erasure {
	status := "running"
	if e.Done() {
		status = "completed"
	}
	return Erasure{
		ID: e.ID, Object: "erasure", Tenant: e.Tenant, UserHash: e.UserHash, Status: status, Requested: e.Requested.Unix(), Completed: seconds(e.Ended),
		Erased: Erased{Conversations: e.Conversations, Turns: e.Turns, Items: e.Items, Replies: e.Replies},
	}
}

// createErasure answers with the receipt: 200 where all is gone, 202 where that
// goes on.
func (s *Server) createErasure(c *fiber.Ctx) error {
	var body struct {
		Tenant messages.TenantID `json:"tenant"`
		User   *string           `json:"user"`
		All    bool              `json:"all"`
	}
	if err := decode(c, &body); err != nil {
		return err
	}
	if body.Tenant == "" {
		return invalid("tenant", "nobody is named whose content is to go", "give the id of a tenant")
	}
	if named := body.User != nil && *body.User != ""; named == body.All {
		return invalid("user", "it is not clear whose content is to go", `give the user, as requests name it, or "all": true for all of the tenant's`)
	}
	user := ""
	if body.User != nil {
		user = *body.User
	}
	ctx, release := s.acting(c)
	defer release()
	e, err := s.deps.Erasures.Erase(ctx, body.Tenant, user)
	if err != nil {
		return err
	}
	if !e.Done() {
		c.Status(fiber.StatusAccepted)
	}
	return c.JSON(ViewErasure(e))
}

func (s *Server) showErasure(c *fiber.Ctx) error {
	ctx, release := s.bounded()
	defer release()
	e, err := s.deps.Erasures.Erasure(ctx, c.Params("id"))
	if err != nil {
		return err
	}
	return c.JSON(ViewErasure(e))
}

func (s *Server) listErasures(c *fiber.Ctx) error {
	ctx, release := s.bounded()
	defer release()
	all, err := s.deps.Erasures.Erasures(ctx, messages.TenantID(c.Query("tenant")))
	if err != nil {
		return err
	}
	return sendList(c, all, func(e messages.Erasure) (Erasure, string) { return ViewErasure(e), e.ID })
}
