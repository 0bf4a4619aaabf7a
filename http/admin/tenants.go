package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
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
	ID       messages.TenantID `json:"id"`
	Object   string            `json:"object"` // "tenant"
	Name     string            `json:"name"`
	Created  int64             `json:"created"`  // seconds since 1970
	Disabled *int64            `json:"disabled"` // since when; null while its keys open something
	// MayRoute says whether its requests may name who answers them.
	MayRoute bool `json:"may_route"`
	// Models and Providers are what it may use; empty for all.
	Models    []string `json:"models"`
	Providers []string `json:"providers"`
}

func viewTenant(t messages.Tenant) (v Tenant, id string) {
	return Tenant{
		ID: t.ID, Object: "tenant", Name: t.Name, Created: t.Created.Unix(), Disabled: seconds(t.Disabled), MayRoute: t.MayRoute,
		Models: names(t.Allowance.Models), Providers: names(t.Allowance.Providers),
	}, string(t.ID)
}

// names is a list on the wire, which is never null.
func names(list []string) []string { return append([]string{}, list...) }

func (s *Server) listTenants(c *fiber.Ctx) error {
	ctx, release := s.bounded()
	defer release()
	tenants, err := s.deps.Administration.Tenants(ctx)
	if err != nil {
		return err
	}
	return sendList(c, tenants, viewTenant)
}

func (s *Server) showTenant(c *fiber.Ctx) error {
	ctx, release := s.bounded()
	defer release()
	tenant, err := s.deps.Administration.Tenant(ctx, messages.TenantID(c.Params("id")))
	if err != nil {
		return err
	}
	return sendTenant(c, tenant)
}

func sendTenant(c *fiber.Ctx, tenant messages.Tenant) error {
	view, _ := viewTenant(tenant)
	return c.JSON(view)
}

func (s *Server) createTenant(c *fiber.Ctx) error {
	var body struct {
		Name      string   `json:"name"`
		MayRoute  bool     `json:"may_route"`
		Models    []string `json:"models"`
		Providers []string `json:"providers"`
	}
	if err := decode(c, &body); err != nil {
		return err
	}
	ctx, release := s.acting(c)
	defer release()
	tenant, err := s.deps.Administration.CreateTenant(ctx, messages.Tenant{
		Name: body.Name, MayRoute: body.MayRoute, Allowance: messages.Allowance{Models: body.Models, Providers: body.Providers},
	})
	if err != nil {
		return err
	}
	return sendTenant(c.Status(fiber.StatusCreated), tenant)
}

func (s *Server) changeTenant(c *fiber.Ctx) error {
	var body struct {
		Name      *string   `json:"name"`
		Disabled  *bool     `json:"disabled"`
		MayRoute  *bool     `json:"may_route"`
		Models    *[]string `json:"models"`
		Providers *[]string `json:"providers"`
	}
	if err := decode(c, &body); err != nil {
		return err
	}
	ctx, release := s.acting(c)
	defer release()
	tenant, err := s.deps.Administration.ChangeTenant(ctx, messages.TenantID(c.Params("id")), messages.TenantChange(body))
	if err != nil {
		return err
	}
	return sendTenant(c, tenant)
}

// deleteTenant ends a tenant with its keys and what was said under it. What it
// used stays in the ledger.
func (s *Server) deleteTenant(c *fiber.Ctx) error {
	ctx, release := s.acting(c)
	defer release()
	id := messages.TenantID(c.Params("id"))
	receipt, err := s.deps.Erasures.DeleteTenant(ctx, id)
	if err != nil {
		return err
	}
	return c.JSON(TenantDeleted{ID: id, Object: "tenant", Deleted: true, Erasure: ViewErasure(receipt)})
}

// TenantDeleted says on the wire that a tenant is no more.
type TenantDeleted struct {
	ID      messages.TenantID `json:"id"`
	Object  string            `json:"object"` // "tenant"
	Deleted bool              `json:"deleted"`
	Erasure Erasure           `json:"erasure"` // the receipt for its content; one that runs is finished by the server
}

// decode reads a body strictly: a member that is not known is a mistake.
func decode(c *fiber.Ctx, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(c.Body()))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		err = errors.New("there is more behind the object")
	}
	return &messages.Failure{
		Code: messages.CodeInvalidJSON, What: "the body cannot be read: " + err.Error(), Do: "see docs/api.md for what this route takes",
	}
}

// seconds is a time on the wire, null for none.
func seconds(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	s := t.Unix()
	return &s
}
