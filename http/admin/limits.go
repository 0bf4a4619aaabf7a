package admin

import (
	"context"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// Limits sets how much tenants, keys and models of tenants may be used. cmd/parley
// joins it to actors/tenant.
type Limits interface {
	// Limits lists what was set for a tenant, its keys and its models, or for all
	// tenants for the empty name.
	Limits(ctx context.Context, tenant messages.TenantID) ([]messages.LimitState, error)
	// Limit returns what was set for a holder, also where that is nothing. A key
	// needs no tenant, here and below.
	Limit(ctx context.Context, of messages.LimitHolder) (messages.LimitState, error)
	SetLimit(ctx context.Context, l messages.Limit) (messages.LimitState, error)
	// ClearLimit fails with CodeItemAbsent where nothing was set.
	ClearLimit(ctx context.Context, of messages.LimitHolder) (messages.LimitState, error)
}

// Bounds are limits on the wire: 0 for no limit.
type Bounds struct {
	Requests    *int64 `json:"requests_per_minute"`
	Tokens      *int64 `json:"tokens_per_minute"`
	Turns       *int64 `json:"concurrent"`
	Connections *int64 `json:"connections"`
	Messages    *int64 `json:"messages_per_minute"`
	Weight      *int   `json:"weight,omitempty"` // a tenant's alone
}

// Limit is what is set for a tenant, a key or a model on the wire: null for what the
// configuration says.
type Limit struct {
	Object string              `json:"object"` // "limit"
	Tenant messages.TenantID   `json:"tenant"`
	Scope  messages.LimitScope `json:"scope"`
	Name   string              `json:"name,omitempty"` // the key's id or the model's name
	Bounds
	InForce Bounds `json:"in_force"` // with what the configuration says
}

// ViewLimit is a limit as it is sent.
func ViewLimit(l messages.LimitState) Limit {
	all := l.InForce
	inForce := Bounds{Requests: &all.Requests, Tokens: &all.Tokens, Turns: &all.Turns, Connections: &all.Connections, Messages: &all.Messages}
	if l.Weighs > 0 {
		inForce.Weight = &l.Weighs
	}
	return Limit{Object: "limit", Tenant: l.Tenant, Scope: l.Scope, Name: l.Name, Bounds: BoundsOf(l.Limit), InForce: inForce}
}

// BoundsOf are what was set, as it is sent and read.
func BoundsOf(l messages.Limit) (b Bounds) {
	b = Bounds{
		Requests: wired(l.Limits.Requests), Tokens: wired(l.Limits.Tokens), Turns: wired(l.Limits.Turns),
		Connections: wired(l.Limits.Connections), Messages: wired(l.Limits.Messages),
	}
	if l.Weight != 0 {
		b.Weight = &l.Weight
	}
	return b
}

// wired is a limit on the wire, and unwired the way back.
func wired(n int64) *int64 {
	switch n {
	case 0:
		return nil
	case messages.NoLimit:
		return new(int64)
	default:
		return &n
	}
}

func unwired(n *int64) int64 {
	switch {
	case n == nil:
		return 0
	case *n == 0:
		return messages.NoLimit
	case *n < 0: // which nothing on the wire means
		return *n - 1
	default:
		return *n
	}
}

// Limits are what the bounds say for a holder.
func (b *Bounds) Limits(of messages.LimitHolder) messages.Limit {
	l := messages.Limit{LimitHolder: of, Limits: messages.Limits{
		Requests: unwired(b.Requests), Tokens: unwired(b.Tokens), Turns: unwired(b.Turns), Connections: unwired(b.Connections), Messages: unwired(b.Messages),
	}}
	if b.Weight != nil {
		l.Weight = *b.Weight
	}
	return l
}

// listLimits lists what was set for ?tenant=, or for all.
func (s *Server) listLimits(c *fiber.Ctx) error {
	ctx, release := s.bounded()
	defer release()
	set, err := s.deps.Limits.Limits(ctx, messages.TenantID(c.Query("tenant")))
	if err != nil {
		return err
	}
	return sendList(c, set, func(l messages.LimitState) (Limit, string) { return ViewLimit(l), "" })
}

// limitRoutes are the three ways to deal with the limits of those that a path names.
type limitRoutes struct {
	*Server
	holder func(*fiber.Ctx) (messages.LimitHolder, error)
}

func (s *Server) limitsOf(operator fiber.Router, path string, holder func(*fiber.Ctx) (messages.LimitHolder, error)) {
	r := limitRoutes{s, holder}
	operator.Get(path, r.show)
	operator.Put(path, r.set)
	operator.Delete(path, r.clear)
}

func tenantOfPath(c *fiber.Ctx) (messages.LimitHolder, error) {
	return messages.LimitHolder{Tenant: messages.TenantID(c.Params("id")), Scope: messages.LimitTenant}, nil
}

func keyOfPath(c *fiber.Ctx) (messages.LimitHolder, error) {
	return messages.LimitHolder{Scope: messages.LimitKey, Name: c.Params("id")}, nil
}

// modelOfPath reads a name that may have slashes, as they are or escaped.
func modelOfPath(c *fiber.Ctx) (messages.LimitHolder, error) {
	model, err := url.PathUnescape(c.Params("*"))
	if err != nil {
		err = invalid("model", "the path is no name of a model", "escape it as a path")
	}
	return messages.LimitHolder{Tenant: messages.TenantID(c.Params("id")), Scope: messages.LimitModel, Name: model}, err
}

func (r limitRoutes) show(c *fiber.Ctx) error {
	of, err := r.holder(c)
	if err != nil {
		return err
	}
	ctx, release := r.bounded()
	defer release()
	return sendLimit(c)(r.deps.Limits.Limit(ctx, of))
}

// set sets all: what is left out is as the configuration has it.
func (r limitRoutes) set(c *fiber.Ctx) error {
	of, err := r.holder(c)
	if err != nil {
		return err
	}
	var body Bounds
	if err := decode(c, &body); err != nil {
		return err
	}
	ctx, release := r.acting(c)
	defer release()
	return sendLimit(c)(r.deps.Limits.SetLimit(ctx, body.Limits(of)))
}

func (r limitRoutes) clear(c *fiber.Ctx) error {
	of, err := r.holder(c)
	if err != nil {
		return err
	}
	ctx, release := r.acting(c)
	defer release()
	return sendLimit(c)(r.deps.Limits.ClearLimit(ctx, of))
}

// sendLimit returns what sends what came of a call.
func sendLimit(c *fiber.Ctx) func(messages.LimitState, error) error {
	return func(l messages.LimitState, err error) error {
		if err != nil {
			return notFound(err)
		}
		return c.JSON(ViewLimit(l))
	}
}
