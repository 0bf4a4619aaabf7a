package admin

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// Key is a key on the wire. Times are seconds since 1970, or null.
type Key struct {
	ID      messages.KeyID    `json:"id"`
	Object  string            `json:"object"` // "key"
	Tenant  messages.TenantID `json:"tenant,omitempty"`
	Role    messages.KeyRole  `json:"role"`
	Name    string            `json:"name,omitempty"`
	Created int64             `json:"created"`
	Expires *int64            `json:"expires"`
	Revoked *int64            `json:"revoked"`
	Key     string            `json:"key,omitempty"` // the whole key, in the answer to its creation alone
}

func viewKey(k messages.APIKey) (v Key, id string) {
	return Key{
		ID: k.ID, Object: "key", Tenant: k.Tenant, Role: k.Role, Name: k.Name,
		Created: k.Created.Unix(), Expires: seconds(k.Expires), Revoked: seconds(k.Revoked),
	}, string(k.ID)
}

// listKeys lists the keys of ?tenant=, or the admin keys without it.
func (s *Server) listKeys(c *fiber.Ctx) error {
	ctx, release := s.bounded()
	defer release()
	keys, err := s.deps.Administration.Keys(ctx, messages.TenantID(c.Query("tenant")))
	if err != nil {
		return err
	}
	return sendList(c, keys, viewKey)
}

func (s *Server) createKey(c *fiber.Ctx) error {
	var body struct {
		Tenant  messages.TenantID `json:"tenant"`
		Role    messages.KeyRole  `json:"role"`
		Name    string            `json:"name"`
		Expires int64             `json:"expires"` // seconds since 1970; 0 for never
	}
	if err := decode(c, &body); err != nil {
		return err
	}
	wanted := messages.APIKey{Tenant: body.Tenant, Role: body.Role, Name: body.Name}
	if body.Expires != 0 {
		wanted.Expires = time.Unix(body.Expires, 0)
	}
	ctx, release := s.acting(c)
	defer release()
	key, whole, err := s.deps.Administration.CreateKey(ctx, wanted)
	if err != nil {
		return err
	}
	view, _ := viewKey(key)
	view.Key = whole
	return c.Status(fiber.StatusCreated).JSON(view)
}

func (s *Server) revokeKey(c *fiber.Ctx) error {
	ctx, release := s.acting(c)
	defer release()
	id := messages.KeyID(c.Params("id"))
	if err := s.deps.Administration.RevokeKey(ctx, id); err != nil {
		return notFound(err)
	}
	return c.JSON(fiber.Map{"id": id, "object": "key", "revoked": true})
}

// notFound says of a key that is named, rather than presented, that it is not
// there: whoever asked is known.
func notFound(err error) error {
	failure := messages.AsFailure(err)
	if failure.Code != messages.CodeInvalidKey {
		return err
	}
	return &messages.Failure{Code: messages.CodeItemAbsent, What: failure.What, Do: failure.Do, Param: "id"}
}
