package relational

import (
	"context"
	"time"

	"example.com/parley/messages"
)

// Deny remembers a pair of requests that must not share a cached reply.
func (s *Store) Deny(ctx context.Context, d messages.CacheDrop) error {
	return s.write(ctx, d.Tenant, "Deny", func(t *transaction) error {
		_, err := t.exec("INSERT INTO cache_denials (tenant, entry, asked, created) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
			d.Tenant, int64(d.Entry), int64(d.Asked), micros(time.Now())) // #nosec G115 -- the same bits
		return err
	})
}

// Denied lists the newest pairs of all tenants, up to a number of them.
func (s *Store) Denied(ctx context.Context, most int) (found []messages.CacheDrop, err error) {
	err = s.read(ctx, operator, "Denied", func(r *querying) error {
		return r.rows("SELECT tenant, entry, asked FROM cache_denials ORDER BY created DESC LIMIT ?", []any{most}, func(row Scanner) error {
			var d messages.CacheDrop
			var entry, asked int64
			err := row.Scan(&d.Tenant, &entry, &asked)
			d.Entry, d.Asked = uint64(entry), uint64(asked) // #nosec G115 -- the same bits
			found = append(found, d)
			return err
		})
	})
	return found, err
}
