package admin

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// command is what an operator has a provider do.
type command func(all Providers, ctx context.Context, name string) error

func (s *Server) drainProvider(c *fiber.Ctx) error { return s.control(c, "drain", Providers.Drain) }

func (s *Server) resumeProvider(c *fiber.Ctx) error { return s.control(c, "resume", Providers.Resume) }

func (s *Server) resetProvider(c *fiber.Ctx) error { return s.control(c, "reset", Providers.Reset) }

// control has the provider that the path names do something, and shows how it is
// then.
func (s *Server) control(c *fiber.Ctx, what string, do command) error {
	p, err := s.provider(c)
	if err != nil {
		return err
	}
	before := s.stateOf(p.Name)
	ctx, release := s.bounded()
	defer release()
	if err := do(s.deps.Providers, ctx, p.Name); err != nil {
		return err
	}
	s.logChange(c, p.Name, what, before)
	return s.showProvider(c)
}

// providerState is a provider in the audit log: what operators see to it that it
// is, without its settings, which have keys among them.
type providerState struct {
	Kind    string   `json:"kind,omitempty"`
	BaseURL string   `json:"base_url,omitempty"`
	Models  []string `json:"models,omitempty"`
	Source  string   `json:"source"`
	State   string   `json:"state"`
	Drained bool     `json:"drained"`
}

// stateOf is nil for a provider that is not there.
func (s *Server) stateOf(name string) any {
	p, found := s.deps.Providers.Find(name)
	if !found {
		return nil
	}
	v, _ := viewProvider(p)
	return providerState{Kind: v.Kind, BaseURL: v.BaseURL, Models: p.Models, Source: v.Source, State: v.State, Drained: v.Drained}
}

// logChange leaves a trace of what operators did, here and in the audit log. The
// settings of a provider are no part of it: there are keys among them.
func (s *Server) logChange(c *fiber.Ctx, name, what string, before any) {
	s.note(c, messages.AuditChange{Action: "provider." + what, Object: name, Before: before, After: s.stateOf(name)})
	s.deps.Log.Info("an operator changed a provider", slog.String("request", c.GetRespHeader(requestID)),
		slog.String("provider", name), slog.String("what", what))
}

func (s *Server) tripProvider(c *fiber.Ctx) error {
	length, err := tripLength(c)
	if err != nil {
		return err
	}
	return s.control(c, "trip", func(all Providers, ctx context.Context, name string) error { return all.Trip(ctx, name, length) })
}

// tripLength reads {"for": "5m"}; without it, or without a body, a trip has no
// end.
func tripLength(c *fiber.Ctx) (length time.Duration, err error) {
	if len(c.Body()) == 0 {
		return 0, nil
	}
	var body struct {
		For *string `json:"for"` // as durations in the configuration
	}
	if err := decode(c, &body); err != nil || body.For == nil {
		return 0, err
	}
	if length, err = time.ParseDuration(*body.For); err != nil || length <= 0 {
		return 0, &messages.Failure{
			Code: messages.CodeInvalidRequest, What: fmt.Sprintf("for is %q", *body.For),
			Do: "give a duration above 0, such as 5m, or leave it out to trip the provider until it is reset", Param: "for",
		}
	}
	return length, nil
}

// putProvider adds the provider that the path names, or replaces it.
func (s *Server) putProvider(c *fiber.Ctx) error {
	name := c.Params("name")
	before := s.stateOf(name)
	created, err := s.deps.Providers.Put(name, c.Body())
	if err != nil {
		return err
	}
	s.logChange(c, name, "put", before)
	if created {
		c.Status(fiber.StatusCreated)
	}
	return s.showProvider(c)
}

// deleteProvider undoes putProvider.
func (s *Server) deleteProvider(c *fiber.Ctx) error {
	p, err := s.provider(c)
	if err != nil {
		return err
	}
	before := s.stateOf(p.Name)
	if err := s.deps.Providers.Delete(p.Name); err != nil {
		return err
	}
	s.logChange(c, p.Name, "delete", before)
	return c.JSON(fiber.Map{"name": p.Name, "object": "provider", "deleted": true})
}
