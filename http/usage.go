package http

import (
	"context"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// Usage adds up what was spent. Both stores implement it.
type Usage interface {
	UsageReport(ctx context.Context, q messages.UsageQuery) (messages.UsageReport, error)
}

// usualSpan is the time of a report that names none, and longestSpan bounds one
// that a tenant asks for: beside it others have to be served.
const (
	usualSpan   = 30 * 24 * time.Hour
	longestSpan = 366 * 24 * time.Hour
)

// getUsage answers GET /v1/usage, of the key's own tenant.
func (s *Server) getUsage(c *fiber.Ctx, x *exchange) error {
	query, err := ReadUsageQuery(c, messages.UsageQuery{
		From: x.begun.Add(-usualSpan), To: x.begun.Add(time.Minute), By: []messages.UsageGroup{messages.ByProvider, messages.ByModel},
	})
	if err != nil {
		return err
	}
	if query.To.Sub(query.From) > longestSpan {
		return invalid("from", "the report is of more than 366 days", "ask for a year at a time")
	}
	query.Tenant = x.principal.Tenant
	ctx, release := s.storeContext()
	defer release()
	report, err := s.usage.UsageReport(ctx, query)
	if err != nil {
		return err
	}
	return SendUsage(c, &query, &report)
}

// usualLines is how many lines a page of a report has unless it is said
// otherwise.
const usualLines = 1000

// ReadUsageQuery reads from, to, group_by, limit and page. What is not said is as
// in usual. Nothing of the query aliases the request.
func ReadUsageQuery(c *fiber.Ctx, usual messages.UsageQuery) (q messages.UsageQuery, err error) {
	q = usual
	if q.From, err = queryMoment(c, "from", usual.From); err != nil {
		return q, err
	}
	if q.To, err = queryMoment(c, "to", usual.To); err != nil {
		return q, err
	}
	if !q.From.Before(q.To) {
		return q, invalid("to", "to is not behind from", "give a time span with something in it")
	}
	if arguments := c.Context().QueryArgs(); arguments.Has("group_by") {
		var unknown string
		if q.By, unknown = messages.ParseUsageGroups(string(arguments.Peek("group_by"))); unknown != "" {
			return q, invalid("group_by", "group_by names what no report is grouped by",
				"give some of day, tenant, key, provider, model and cache_tier with commas between them, or none")
		}
	}
	if q.Limit, err = queryCount(c, "limit", usualLines, 1, messages.MaxUsageLines); err != nil {
		return q, err
	}
	q.Skip, err = queryCount(c, "page", 0, 0, maxSkip)
	return q, err
}

// maxSkip bounds how far a report can be paged through.
const maxSkip = 10_000_000

func queryCount(c *fiber.Ctx, name string, otherwise, least, most int) (int, error) {
	text := c.Query(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, invalid(name, name+" is not a number from "+strconv.Itoa(least)+" to "+strconv.Itoa(most), "leave it out, or send next_page of the page before as page")
	}
	return n, nil
}

func queryMoment(c *fiber.Ctx, name string, otherwise time.Time) (time.Time, error) {
	text := c.Query(name)
	if text == "" {
		return otherwise, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, invalid(name, name+" is not a moment", "give one such as 2026-01-31 or 2026-01-31T12:00:00Z")
}
