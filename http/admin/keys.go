package admin

import (
	"fmt"
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
	// Used is when it opened something last, to some 30 seconds.
	Used *int64 `json:"used"`
	// Scopes, Models and Providers are what it opens and may use; empty for all.
	Scopes    []string `json:"scopes"`
	Models    []string `json:"models"`
	Providers []string `json:"providers"`
	// Class is that of its turns, where a request names none; empty for standard.
	Class messages.KeyClass `json:"class,omitempty"`
	// OldExpires is until when the secret before the last rotation opens, too.
	OldExpires *int64 `json:"old_expires"`
	Key        string `json:"key,omitempty"` // the whole key, in the answer to its creation and its rotation alone
}

func viewKey(k messages.APIKey) (v Key, id string) {
	return Key{
		ID: k.ID, Object: "key", Tenant: k.Tenant, Role: k.Role, Name: k.Name,
		Created: k.Created.Unix(), Expires: seconds(k.Expires), Revoked: seconds(k.Revoked), Used: seconds(k.Used),
		Scopes: k.Scopes.Names(), Models: names(k.Allowance.Models), Providers: names(k.Allowance.Providers), Class: k.Class, OldExpires: seconds(k.OldExpires),
	}, string(k.ID)
}

func sendKey(c *fiber.Ctx, key messages.APIKey, whole string) error {
	view, _ := viewKey(key)
	view.Key = whole
	return c.JSON(view)
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

func (s *Server) showKey(c *fiber.Ctx) error {
	ctx, release := s.bounded()
	defer release()
	key, err := s.deps.Administration.Key(ctx, messages.KeyID(c.Params("id")))
	if err != nil {
		return notFound(err)
	}
	return sendKey(c, key, "")
}

func (s *Server) createKey(c *fiber.Ctx) error {
	var body struct {
		Tenant    messages.TenantID `json:"tenant"`
		Role      messages.KeyRole  `json:"role"`
		Name      string            `json:"name"`
		Expires   int64             `json:"expires"` // seconds since 1970; 0 for never
		Scopes    []string          `json:"scopes"`
		Models    []string          `json:"models"`
		Providers []string          `json:"providers"`
		Class     messages.KeyClass `json:"class"`
	}
	if err := decode(c, &body); err != nil {
		return err
	}
	scopes, err := messages.ParseScopes(body.Scopes)
	if err != nil {
		return err
	}
	ctx, release := s.acting(c)
	defer release()
	key, whole, err := s.deps.Administration.CreateKey(ctx, messages.APIKey{
		Tenant: body.Tenant, Role: body.Role, Name: body.Name, Expires: fromSeconds(body.Expires), Scopes: scopes,
		Allowance: messages.Allowance{Models: body.Models, Providers: body.Providers}, Class: body.Class,
	})
	if err != nil {
		return err
	}
	return sendKey(c.Status(fiber.StatusCreated), key, whole)
}

// fromSeconds is a time from the wire, where 0 is none.
func fromSeconds(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0)
}

func (s *Server) changeKey(c *fiber.Ctx) error {
	var body struct {
		Name      *string            `json:"name"`
		Role      *messages.KeyRole  `json:"role"`
		Expires   *int64             `json:"expires"` // 0 for never
		Scopes    *[]string          `json:"scopes"`
		Models    *[]string          `json:"models"`
		Providers *[]string          `json:"providers"`
		Class     *messages.KeyClass `json:"class"`
		EndOld    bool               `json:"end_old"`
	}
	if err := decode(c, &body); err != nil {
		return err
	}
	change := messages.KeyChange{Name: body.Name, Role: body.Role, Models: body.Models, Providers: body.Providers, Class: body.Class, EndOld: body.EndOld}
	if body.Expires != nil {
		change.Expires = new(fromSeconds(*body.Expires))
	}
	if body.Scopes != nil {
		scopes, err := messages.ParseScopes(*body.Scopes)
		if err != nil {
			return err
		}
		change.Scopes = &scopes
	}
	ctx, release := s.acting(c)
	defer release()
	key, err := s.deps.Administration.ChangeKey(ctx, messages.KeyID(c.Params("id")), change)
	if err != nil {
		return notFound(err)
	}
	return sendKey(c, key, "")
}

// usualOverlap is how long an old secret goes on where nothing is said: a working
// day to bring the new one everywhere.
const usualOverlap = 24 * time.Hour

// rotateKey gives a key another secret. {"old_expires": 1900000000} says until
// when the old one opens, or {"overlap": "1h"} for how long.
func (s *Server) rotateKey(c *fiber.Ctx) error {
	oldExpires, err := endOfOld(c, time.Now())
	if err != nil {
		return err
	}
	ctx, release := s.acting(c)
	defer release()
	key, whole, err := s.deps.Administration.RotateKey(ctx, messages.KeyID(c.Params("id")), oldExpires)
	if err != nil {
		return notFound(err)
	}
	return sendKey(c, key, whole)
}

func endOfOld(c *fiber.Ctx, now time.Time) (time.Time, error) {
	var body struct {
		OldExpires *int64  `json:"old_expires"` // seconds since 1970
		Overlap    *string `json:"overlap"`     // as durations in the configuration; 0s ends it now
	}
	if len(c.Body()) > 0 {
		if err := decode(c, &body); err != nil {
			return time.Time{}, err
		}
	}
	switch {
	case body.OldExpires != nil && body.Overlap != nil:
		return time.Time{}, invalid("overlap", "there are old_expires and overlap", "give one of them")
	case body.OldExpires != nil:
		return time.Unix(*body.OldExpires, 0), nil
	case body.Overlap == nil:
		return now.Add(usualOverlap), nil
	}
	overlap, err := time.ParseDuration(*body.Overlap)
	if err != nil || overlap < 0 {
		return time.Time{}, invalid("overlap", fmt.Sprintf("overlap is %.64q", *body.Overlap), "give a duration such as 24h, or 0s to end the old secret now")
	}
	return now.Add(overlap), nil
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
