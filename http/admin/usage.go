package admin

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// Usage total on the wire: tokens as they were billed, money in nano-dollars.
type total struct {
	Tenant     messages.TenantID    `json:"tenant"`
	Provider   string               `json:"provider"`
	Model      string               `json:"model"`
	Attempts   int64                `json:"attempts"`
	Input      int                  `json:"input_tokens"`
	Cached     int                  `json:"cached_tokens"`
	CacheWrite int                  `json:"cache_write_tokens"`
	Output     int                  `json:"output_tokens"`
	Reasoning  int                  `json:"reasoning_tokens"`
	Cost       messages.NanoDollars `json:"cost_nano_dollars"`
	Saved      messages.NanoDollars `json:"saved_nano_dollars"` // by replies from the cache, whose provider is "cache"
	Unpriced   int64                `json:"unpriced_attempts"`
}

func viewTotal(t messages.UsageTotal) (v total, id string) {
	return total{
		Tenant: t.Tenant, Provider: t.Provider, Model: t.Model, Attempts: t.Attempts,
		Input: t.Usage.Input, Cached: t.Usage.Cached, CacheWrite: t.Usage.CacheWrite, Output: t.Usage.Output, Reasoning: t.Usage.Reasoning,
		Cost: t.Cost, Saved: t.Saved, Unpriced: t.Unpriced,
	}, ""
}

// usage adds up the rows of ?tenant=, or of all, from ?from= to ?to=: moments in
// RFC 3339 or days; all that is there without them.
func (s *Server) usage(c *fiber.Ctx) error {
	from, err := moment(c, "from", time.Unix(0, 0))
	if err != nil {
		return err
	}
	to, err := moment(c, "to", time.Now().Add(time.Minute))
	if err != nil {
		return err
	}
	ctx, release := s.bounded()
	defer release()
	totals, err := s.deps.Usage.UsageTotals(ctx, messages.TenantID(c.Query("tenant")), from, to)
	if err != nil {
		return err
	}
	return sendList(c, totals, viewTotal)
}

func moment(c *fiber.Ctx, name string, otherwise time.Time) (time.Time, error) {
	text := c.Query(name)
	if text == "" {
		return otherwise, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, &messages.Failure{
		Code: messages.CodeInvalidRequest, What: name + " is not a moment", Do: "give one such as 2026-01-31 or 2026-01-31T12:00:00Z", Param: name,
	}
}
