package admin

import (
	"context"
	"fmt"
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
	// Put adds a provider, or replaces one, for as long as the server runs.
	// settings is a JSON object with the keys of the configuration. created is
	// false for one that was replaced.
	Put(name string, settings []byte) (created bool, err error)
	// Delete undoes Put: it brings back what the configuration says, if
	// anything.
	Delete(name string) error
}

// Provider is how a provider is, for an operator.
type Provider struct {
	Name      string
	Kind      string
	State     messages.BreakerState
	Reason    string    // why the breaker is not closed
	NextProbe time.Time // zero while it is closed, and where it is open until a reset
	Drained   bool
	Ejected   time.Time // until when it goes behind the others, since it does worse; zero where it does not
	Outlier   string    // why it was ejected
	Parked    []Parked
	InFlight  int64
	Limit     int64         // of calls at once, as it is now; 0 for none
	Latency   time.Duration // until the first byte, smoothed

	BaseURL string
	Models  []string // that it lists
	Set     bool     // by an operator while the server ran
}

// Parked is a model that a provider limits for a while.
type Parked struct {
	Model string
	Key   int // which of several, from 1; 0 where there is but one
	Until time.Time
}

// providerView is a provider on the wire. Times are seconds since 1970.
type providerView struct {
	Name      string       `json:"name"`
	Object    string       `json:"object"` // "provider"
	Kind      string       `json:"kind"`
	BaseURL   string       `json:"base_url,omitempty"`
	Models    []string     `json:"models"`
	Source    string       `json:"source"` // "configuration", or "operator" for what was set while the server ran
	State     string       `json:"state"`
	Reason    string       `json:"reason,omitempty"`
	NextProbe *int64       `json:"next_probe"`
	Drained   bool         `json:"drained"`
	Ejected   *ejectedView `json:"ejected"`
	Parked    []parkedView `json:"parked"`
	InFlight  int64        `json:"in_flight"`
	Limit     *int64       `json:"limit"`      // of calls at once, as it is now; null for none
	LatencyMS int64        `json:"latency_ms"` // until the first byte, smoothed
}

type ejectedView struct {
	Reason string `json:"reason"`
	Until  int64  `json:"until"`
}

type parkedView struct {
	Model string `json:"model"`
	Key   int    `json:"key,omitempty"` // which of several, from 1
	Until int64  `json:"until"`
}

func viewProvider(p Provider) (v providerView, id string) {
	v = providerView{
		Name: p.Name, Object: "provider", Kind: p.Kind, BaseURL: p.BaseURL, Models: p.Models, Source: "configuration",
		State: p.State.String(), Reason: p.Reason, NextProbe: seconds(p.NextProbe), Drained: p.Drained, Parked: make([]parkedView, 0, len(p.Parked)),
		InFlight: p.InFlight, LatencyMS: p.Latency.Milliseconds(),
	}
	if p.Limit > 0 {
		v.Limit = &p.Limit
	}
	if !p.Ejected.IsZero() {
		v.Ejected = &ejectedView{Reason: p.Outlier, Until: p.Ejected.Unix()}
	}
	for _, parked := range p.Parked {
		v.Parked = append(v.Parked, parkedView{Model: parked.Model, Key: parked.Key, Until: parked.Until.Unix()})
	}
	if p.Models == nil {
		v.Models = []string{} // never null
	}
	if p.Set {
		v.Source = "operator"
	}
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
