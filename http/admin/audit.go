package admin

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// Audit is the log of what operators did. Both stores implement it. What they
// change themselves they write down with the change.
type Audit interface {
	// Audit writes down a change that is no store's.
	Audit(ctx context.Context, c messages.AuditChange) error
	// AuditEntries returns a page, the newest entries first.
	AuditEntries(ctx context.Context, p messages.AuditPage) (found []messages.AuditEntry, more bool, err error)
}

// acting bounds a change like bounded, and says on whose behalf it is made: what
// the store writes to the audit log under this context names the caller.
func (s *Server) acting(c *fiber.Ctx) (context.Context, context.CancelFunc) {
	return context.WithTimeout(messages.WithActor(context.Background(), actorOf(c)), patience)
}

// principalLocal is where a request keeps whose key opened it.
const principalLocal = "principal"

// actorOf names whoever asks.
func actorOf(c *fiber.Ctx) messages.Actor {
	who, _ := c.Locals(principalLocal).(messages.Principal)
	return messages.Actor{Kind: messages.ActorKey, Name: string(who.Key), Address: c.IP(), Request: c.GetRespHeader(requestID)}
}

// note writes down a change that the store has no part in. It was made already,
// and may have been made because the store is away: where the entry cannot be
// written the log has it.
func (s *Server) note(c *fiber.Ctx, change messages.AuditChange) {
	ctx, release := s.acting(c)
	defer release()
	if err := s.deps.Audit.Audit(ctx, change); err != nil {
		by := actorOf(c)
		s.deps.Log.Error("a change is not in the audit log", slog.String("action", change.Action), slog.String("object", change.Object),
			slog.String("key", by.Name), slog.String("address", by.Address), slog.String("request", by.Request), slog.Any("error", err))
	}
}

// auditView is an entry on the wire.
type auditView struct {
	ID      string            `json:"id"`     // a number, for ?after=
	Object  string            `json:"object"` // "audit.entry"
	Created int64             `json:"created"`
	Actor   actorView         `json:"actor"`
	Action  string            `json:"action"`
	Subject string            `json:"subject"` // the id of what was changed
	Tenant  messages.TenantID `json:"tenant,omitempty"`
	Before  json.RawMessage   `json:"before"` // null for what there was not
	After   json.RawMessage   `json:"after"`  // null for what there is not any more
}

// actorView is who did it, and from where.
type actorView struct {
	Kind    messages.ActorKind `json:"kind"`
	Name    string             `json:"name,omitempty"`
	Address string             `json:"address,omitempty"`
	Request string             `json:"request,omitempty"`
}

func viewAudit(e messages.AuditEntry) (v auditView, id string) {
	id = strconv.FormatInt(e.ID, 10)
	by := e.Actor
	return auditView{
		ID: id, Object: "audit.entry", Created: e.At.Unix(),
		Actor:  actorView{Kind: by.Kind, Name: by.Name, Address: by.Address, Request: by.Request},
		Action: e.Action, Subject: e.Object, Tenant: e.Tenant, Before: state(e.Before), After: state(e.After),
	}, id
}

// state is how something was or is; null for nothing.
func state(text string) json.RawMessage {
	if text == "" {
		return json.RawMessage("null")
	}
	return json.RawMessage(text)
}

const (
	auditLimit    = 50 // entries of a page, where nothing is said
	maxAuditLimit = 1000
)

// listAudit lists what was done, the newest first: ?limit=, ?after=, and only
// what ?tenant=, ?action= and ?subject= name.
func (s *Server) listAudit(c *fiber.Ctx) error {
	page, err := auditPage(c)
	if err != nil {
		return err
	}
	ctx, release := s.bounded()
	defer release()
	entries, more, err := s.deps.Audit.AuditEntries(ctx, page)
	if err != nil {
		return err
	}
	return sendPage(c, entries, more, viewAudit)
}

func auditPage(c *fiber.Ctx) (p messages.AuditPage, err error) {
	p = messages.AuditPage{Tenant: messages.TenantID(c.Query("tenant")), Action: c.Query("action"), Object: c.Query("subject"), Limit: auditLimit}
	if text := c.Query("limit"); text != "" {
		if p.Limit, err = strconv.Atoi(text); err != nil || p.Limit < 1 || p.Limit > maxAuditLimit {
			return p, invalid("limit", "limit is no number of entries", "give from 1 to 1000")
		}
	}
	if text := c.Query("after"); text != "" {
		if p.After, err = strconv.ParseInt(text, 10, 64); err != nil || p.After < 1 {
			return p, invalid("after", "after is no entry", "give the last_id of the page before")
		}
	}
	return p, nil
}

func invalid(param, what, do string) error {
	return &messages.Failure{Code: messages.CodeInvalidRequest, What: what, Do: do, Param: param}
}
