package admin

import (
	"github.com/gofiber/fiber/v2"
)

// providerView is a provider on the wire.
type providerView struct {
	Name      string `json:"name"`
	Object    string `json:"object"` // "provider"
	Kind      string `json:"kind"`
	State     string `json:"state"`
	Reason    string `json:"reason,omitempty"`
	NextProbe *int64 `json:"next_probe"` // seconds since 1970
	InFlight  int64  `json:"in_flight"`
	LatencyMS int64  `json:"latency_ms"` // until the first byte, smoothed
}

func viewProvider(p Provider) (v providerView, id string) {
	return providerView{
		Name: p.Name, Object: "provider", Kind: p.Kind, State: p.State.String(), Reason: p.Reason,
		NextProbe: seconds(p.NextProbe), InFlight: p.InFlight, LatencyMS: p.Latency.Milliseconds(),
	}, p.Name
}

func (s *Server) providers(c *fiber.Ctx) error { return sendList(c, s.deps.Providers(), viewProvider) }
