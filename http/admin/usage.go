package admin

import (
	"time"

	"github.com/gofiber/fiber/v2"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

// usage adds up the rows of ?tenant=, or of all, from ?from= to ?to=: moments in
// RFC 3339 or days; all that is there without them.
func (s *Server) usage(c *fiber.Ctx) error {
	query, err := parleyhttp.ReadUsageQuery(c, messages.UsageQuery{
		Tenant: messages.TenantID(c.Query("tenant")), From: time.Unix(0, 0), To: time.Now().Add(time.Minute),
		By: []messages.UsageGroup{messages.ByTenant, messages.ByProvider, messages.ByModel},
	})
	if err != nil {
		return err
	}
	ctx, release := s.bounded()
	defer release()
	report, err := s.deps.Usage.UsageReport(ctx, query)
	if err != nil {
		return err
	}
	return parleyhttp.SendUsage(c, &query, &report)
}
