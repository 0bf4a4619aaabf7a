package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"example.com/parley/messages"
)

// AppendUsage writes rows, each of which counts once however often it is
// written.
func (s *Store) AppendUsage(ctx context.Context, rows []messages.UsageRow) error {
	return s.write(ctx, "AppendUsage", func(t *transaction) error { return t.insertUsage(rows) })
}

func (t *transaction) insertUsage(rows []messages.UsageRow) error {
	for i := range rows {
		r := &rows[i]
		served, err := encode(&r.Served)
		if err != nil {
			return err
		}
		if _, err := t.exec(`INSERT INTO usage_rows (tenant, request, attempt, key, conversation, endpoint, model, provider, served_model, status,
				input, output, cached, cache_write, reasoning, estimated, cost, priced, served, created)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			r.Tenant, turnBytes(r.Request), r.Attempt, r.Key, r.Conversation, r.Endpoint, r.Model, r.Served.Provider, r.Served.Model, r.Status,
			r.Usage.Input, r.Usage.Output, r.Usage.Cached, r.Usage.CacheWrite, r.Usage.Reasoning, r.Usage.Estimated,
			r.Cost, r.Priced, served, micros(r.Created)); err != nil {
			return err
		}
	}
	return nil
}

// UsageTotals adds up the rows of a tenant, or of all for the empty name, from
// one moment up to but not including another.
func (s *Store) UsageTotals(ctx context.Context, tenant messages.TenantID, from, to time.Time) (totals []messages.UsageTotal, err error) {
	err = s.read(ctx, "UsageTotals", func(r *reader) error {
		return r.rows(`SELECT tenant, provider, served_model, count(*), sum(input), sum(output), sum(cached), sum(cache_write), sum(reasoning), sum(cost), sum(priced = 0)
			FROM usage_rows WHERE (?1 = '' OR tenant = ?1) AND created >= ?2 AND created < ?3
			GROUP BY tenant, provider, served_model ORDER BY tenant, provider, served_model`,
			[]any{tenant, micros(from), micros(to)}, func(row scanner) error {
				var t messages.UsageTotal
				err := row.Scan(&t.Tenant, &t.Provider, &t.Model, &t.Attempts,
					&t.Usage.Input, &t.Usage.Output, &t.Usage.Cached, &t.Usage.CacheWrite, &t.Usage.Reasoning, &t.Cost, &t.Unpriced)
				totals = append(totals, t)
				return err
			})
	})
	return totals, err
}

// UsageRows returns the rows of a request, one an attempt.
func (s *Store) UsageRows(ctx context.Context, tenant messages.TenantID, request messages.TurnID) (found []messages.UsageRow, err error) {
	err = s.read(ctx, "UsageRows", func(r *reader) error {
		return r.rows(`SELECT attempt, key, conversation, endpoint, model, status, input, output, cached, cache_write, reasoning, estimated, cost, priced, served, created
			FROM usage_rows WHERE tenant = ? AND request = ? ORDER BY attempt`, []any{tenant, turnBytes(request)}, func(row scanner) error {
			usage := messages.UsageRow{Tenant: tenant, Request: request}
			var served []byte
			var created int64
			if err := row.Scan(&usage.Attempt, &usage.Key, &usage.Conversation, &usage.Endpoint, &usage.Model, &usage.Status,
				&usage.Usage.Input, &usage.Usage.Output, &usage.Usage.Cached, &usage.Usage.CacheWrite, &usage.Usage.Reasoning, &usage.Usage.Estimated,
				&usage.Cost, &usage.Priced, &served, &created); err != nil {
				return err
			}
			usage.Created = fromMicros(created)
			err := json.Unmarshal(served, &usage.Served)
			found = append(found, usage)
			return err
		})
	})
	return found, err
}
