package admin

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// list is how every list looks.
type list[T any] struct {
	Object  string `json:"object"` // "list"
	Data    []T    `json:"data"`
	HasMore bool   `json:"has_more"` // false for lists that are whole, as all but the audit log are
	FirstID string `json:"first_id,omitempty"`
	LastID  string `json:"last_id,omitempty"`
}

// sendList sends all things as their views.
func sendList[T, View any](c *fiber.Ctx, things []T, view func(T) (v View, id string)) error {
	return sendPage(c, things, false, view)
}

// sendPage sends some things as their views, and whether there are more.
func sendPage[T, View any](c *fiber.Ctx, things []T, more bool, view func(T) (v View, id string)) error {
	l := list[View]{Object: "list", Data: make([]View, len(things)), HasMore: more}
	for i := range things {
		var id string
		l.Data[i], id = view(things[i])
		if i == 0 {
			l.FirstID = id
		}
		l.LastID = id
	}
	return c.JSON(l)
}

// Tenant is a tenant on the wire.
type Tenant struct {
	ID      messages.TenantID `json:"id"`
	Object  string            `json:"object"` // "tenant"
	Name    string            `json:"name"`
	Created int64             `json:"created"` // seconds since 1970
	// MayRoute says whether its requests may name who answers them.
	MayRoute bool `json:"may_route"`
}

func viewTenant(t messages.Tenant) (v Tenant, id string) {
	return Tenant{ID: t.ID, Object: "tenant", Name: t.Name, Created: t.Created.Unix(), MayRoute: t.MayRoute}, string(t.ID)
}

func (s *Server) listTenants(c *fiber.Ctx) error {
	ctx, release := s.bounded()
	defer release()
	tenants, err := s.deps.Administration.Tenants(ctx)
	if err != nil {
		return err
	}
	return sendList(c, tenants, viewTenant)
}

func (s *Server) createTenant(c *fiber.Ctx) error {
	var body struct {
		Name     string `json:"name"`
		MayRoute bool   `json:"may_route"`
	}
	if err := decode(c, &body); err != nil {
		return err
	}
	ctx, release := s.acting(c)
	defer release()
	tenant, err := s.deps.Administration.CreateTenant(ctx, messages.Tenant{Name: body.Name, MayRoute: body.MayRoute})
	if err != nil {
		return err
	}
	view, _ := viewTenant(tenant)
	return c.Status(fiber.StatusCreated).JSON(view)
}

func (s *Server) changeTenant(c *fiber.Ctx) error {
	var body struct {
		MayRoute *bool `json:"may_route"`
	}
	if err := decode(c, &body); err != nil {
		return err
	}
	ctx, release := s.acting(c)
	defer release()
	tenant, err := s.deps.Administration.ChangeTenant(ctx, messages.TenantID(c.Params("id")), messages.TenantChange{MayRoute: body.MayRoute})
	if err != nil {
		return err
	}
	view, _ := viewTenant(tenant)
	return c.JSON(view)
}

// decode reads a body strictly: a member that is not known is a mistake.
func decode(c *fiber.Ctx, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(c.Body()))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return &messages.Failure{
			Code: messages.CodeInvalidJSON, What: "the body cannot be read: " + err.Error(), Do: "see docs/api.md for what this route takes",
		}
	}
	return nil
}

// seconds is a time on the wire, null for none.
func seconds(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	s := t.Unix()
	return &s
}
