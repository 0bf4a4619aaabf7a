package relational

import (
	"context"
	"runtime"
	"strings"
	"time"

	"example.com/parley/messages"
)

// AppendUsage writes rows, each of which counts once however often it is
// written.
func (s *Store) AppendUsage(ctx context.Context, rows []messages.UsageRow) error {
	return s.write(ctx, operator, "AppendUsage", func(t *transaction) error { return t.insertUsage(rows) })
}

// usageBatch is how many rows one statement carries. A statement costs more than
// a row, with SQLite in binding and with PostgreSQL in waiting; at 23 values a
// row this is far below what either takes.
const usageBatch = 32

const (
	insertUsage = `INSERT INTO usage_rows (tenant, request, attempt, key, conversation, endpoint, model,
		provider, served_model, fingerprint, service_tier, simulated, status,
		input, output, cached, cache_write, reasoning, estimated, cost, priced, created, saved) VALUES `
	usageValues = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	countedOnce = " ON CONFLICT DO NOTHING"

	insertOneUsage = insertUsage + usageValues + countedOnce
)

var insertUsageBatch = insertUsage + usageValues + strings.Repeat(", "+usageValues, usageBatch-1) + countedOnce

// insertUsage writes rows in batches, and what is left one by one: there are two
// statements to be prepared, and no more.
func (t *transaction) insertUsage(rows []messages.UsageRow) error {
	for len(rows) > 0 {
		n, text := 1, insertOneUsage
		if len(rows) >= usageBatch {
			n, text = usageBatch, insertUsageBatch
		}
		args := make([]any, 0, 23*n)
		for i := range n {
			args = appendUsage(args, &rows[i])
		}
		if err := t.later(nil, text, args...); err != nil {
			return err
		}
		rows = rows[n:]
		runtime.Gosched() // no caller waits for these rows; many wait for the processor
	}
	return nil
}

func appendUsage(args []any, r *messages.UsageRow) []any {
	return append(args, r.Tenant, turnBytes(r.Request), r.Attempt, r.Key, r.Conversation, r.Endpoint, r.Model,
		r.Served.Provider, r.Served.Model, r.Served.Fingerprint, r.Served.ServiceTier, r.Served.Simulated, r.Status,
		r.Usage.Input, r.Usage.Output, r.Usage.Cached, r.Usage.CacheWrite, r.Usage.Reasoning, r.Usage.Estimated,
		r.Cost, r.Priced, micros(r.Created), r.Saved)
}

// UsageTotals adds up the rows of a tenant, or of all for the empty name, whose
// requests came from one moment up to but not including another, in
// milliseconds' precision: the time is the one in the request's id, so that a
// request and all its attempts belong to one period.
func (s *Store) UsageTotals(ctx context.Context, tenant messages.TenantID, from, to time.Time) (totals []messages.UsageTotal, err error) {
	err = s.read(ctx, tenant, "UsageTotals", func(r *querying) error {
		return r.rows(`SELECT tenant, provider, served_model, count(*), CAST(sum(input) AS BIGINT), CAST(sum(output) AS BIGINT), CAST(sum(cached) AS BIGINT), CAST(sum(cache_write) AS BIGINT), CAST(sum(reasoning) AS BIGINT), CAST(sum(cost) AS BIGINT), CAST(sum(saved) AS BIGINT), CAST(sum(CASE WHEN priced = FALSE THEN 1 ELSE 0 END) AS BIGINT)
			FROM usage_rows WHERE (? = '' OR tenant = ?) AND request >= ? AND request < ?
			GROUP BY tenant, provider, served_model ORDER BY tenant, provider, served_model`,
			[]any{tenant, tenant, turnBytes(messages.FirstTurnID(from)), turnBytes(messages.FirstTurnID(to))}, func(row Scanner) error {
				var t messages.UsageTotal
				err := row.Scan(&t.Tenant, &t.Provider, &t.Model, &t.Attempts,
					&t.Usage.Input, &t.Usage.Output, &t.Usage.Cached, &t.Usage.CacheWrite, &t.Usage.Reasoning, &t.Cost, &t.Saved, &t.Unpriced)
				totals = append(totals, t)
				return err
			})
	})
	return totals, err
}

// UsageRows returns the rows of a request, one an attempt.
func (s *Store) UsageRows(ctx context.Context, tenant messages.TenantID, request messages.TurnID) (found []messages.UsageRow, err error) {
	err = s.read(ctx, tenant, "UsageRows", func(r *querying) error {
		return r.rows(`SELECT attempt, key, conversation, endpoint, model, provider, served_model, fingerprint, service_tier, simulated, status,
			input, output, cached, cache_write, reasoning, estimated, cost, priced, created, saved
			FROM usage_rows WHERE tenant = ? AND request = ? ORDER BY attempt`, []any{tenant, turnBytes(request)}, func(row Scanner) error {
			usage := messages.UsageRow{Tenant: tenant, Request: request}
			var created int64
			if err := row.Scan(&usage.Attempt, &usage.Key, &usage.Conversation, &usage.Endpoint, &usage.Model,
				&usage.Served.Provider, &usage.Served.Model, &usage.Served.Fingerprint, &usage.Served.ServiceTier, &usage.Served.Simulated, &usage.Status,
				&usage.Usage.Input, &usage.Usage.Output, &usage.Usage.Cached, &usage.Usage.CacheWrite, &usage.Usage.Reasoning, &usage.Usage.Estimated,
				&usage.Cost, &usage.Priced, &created, &usage.Saved); err != nil {
				return err
			}
			usage.Served.Attempts, usage.Created = usage.Attempt, fromMicros(created)
			found = append(found, usage)
			return nil
		})
	})
	return found, err
}
