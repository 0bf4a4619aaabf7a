package admin

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// Providers is what operators see of the providers, and have them do. cmd/parley
// joins it to actors/provider.
type Providers interface {
	// List returns all, by name.
	List() []Provider
	Find(name string) (p Provider, found bool)
	// Drain lets no new calls through until Resume.
	Drain(ctx context.Context, name string) error
	Resume(ctx context.Context, name string) error
	// Trip opens the breaker for a time, or with zero until Reset.
	Trip(ctx context.Context, name string, length time.Duration) error
	// Reset closes the breaker and forgets what is parked.
	Reset(ctx context.Context, name string) error
}

// Provider is how a provider is, for an operator.
type Provider struct {
	Name      string
	Kind      string
	State     messages.BreakerState
	Reason    string    // why the breaker is not closed
	NextProbe time.Time // zero while it is closed, and where it is open until a reset
	Drained   bool
	Ejected   time.Time            // until when it goes behind the others, since it does worse; zero where it does not
	Outlier   string               // why it was ejected
	Parked    map[string]time.Time // models that the provider limits, and until when
	InFlight  int64
	Latency   time.Duration // until the first byte, smoothed
}

// providerView is a provider on the wire. Times are seconds since 1970.
type providerView struct {
	Name      string       `json:"name"`
	Object    string       `json:"object"` // "provider"
	Kind      string       `json:"kind"`
	State     string       `json:"state"`
	Reason    string       `json:"reason,omitempty"`
	NextProbe *int64       `json:"next_probe"`
	Drained   bool         `json:"drained"`
	Ejected   *ejectedView `json:"ejected"`
	Parked    []parkedView `json:"parked"`
	InFlight  int64        `json:"in_flight"`
	LatencyMS int64        `json:"latency_ms"` // until the first byte, smoothed
}

type ejectedView struct {
	Reason string `json:"reason"`
	Until  int64  `json:"until"`
}

type parkedView struct {
	Model string `json:"model"`
	Until int64  `json:"until"`
}

func viewProvider(p Provider) (v providerView, id string) {
	v = providerView{
		Name: p.Name, Object: "provider", Kind: p.Kind, State: p.State.String(), Reason: p.Reason,
		NextProbe: seconds(p.NextProbe), Drained: p.Drained, Parked: make([]parkedView, 0, len(p.Parked)),
		InFlight: p.InFlight, LatencyMS: p.Latency.Milliseconds(),
	}
	if !p.Ejected.IsZero() {
		v.Ejected = &ejectedView{Reason: p.Outlier, Until: p.Ejected.Unix()}
	}
	for model, until := range p.Parked {
		v.Parked = append(v.Parked, parkedView{Model: model, Until: until.Unix()})
	}
	slices.SortFunc(v.Parked, func(a, b parkedView) int { return cmp.Compare(a.Model, b.Model) })
	return v, p.Name
}

func (s *Server) listProviders(c *fiber.Ctx) error {
	return sendList(c, s.deps.Providers.List(), viewProvider)
}

func (s *Server) showProvider(c *fiber.Ctx) error {
	p, err := s.provider(c)
	if err != nil {
		return err
	}
	view, _ := viewProvider(p)
	return c.JSON(view)
}

// provider finds the one that the path names.
func (s *Server) provider(c *fiber.Ctx) (Provider, error) {
	name := c.Params("name")
	p, found := s.deps.Providers.Find(name)
	if !found {
		return Provider{}, &messages.Failure{
			Code: messages.CodeItemAbsent, What: fmt.Sprintf("there is no provider %q", name),
			Do: "GET /admin/providers lists those that there are", Param: "name",
		}
	}
	return p, nil
}

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
	ctx, release := s.bounded()
	defer release()
	if err := do(s.deps.Providers, ctx, p.Name); err != nil {
		return err
	}
	s.deps.Log.Info("an operator changed a provider", slog.String("request", c.GetRespHeader(requestID)),
		slog.String("provider", p.Name), slog.String("what", what))
	return s.showProvider(c)
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
