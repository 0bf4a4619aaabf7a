package relational

import (
	"context"
	"encoding/json"

	"example.com/parley/messages"
)

// chargeTurn writes the rows of a turn with its end. Where the ledger is in another
// database they are put down here, and brought there from here.
func (t *transaction) chargeTurn(rows []messages.UsageRow) error {
	if !t.away {
		return t.insertUsage(rows)
	}
	for i := range rows {
		body, err := encode(&rows[i])
		if err != nil {
			return err
		}
		if err := t.later(nil, "INSERT INTO usage_outbox (tenant, body) VALUES (?, ?)", rows[i].Tenant, body); err != nil {
			return err
		}
	}
	return nil
}

// outboxBatch is how many rows are brought home at once.
const outboxBatch = 500

// TakeUsage brings some of the rows that wait to where deliver keeps them, and
// forgets them then. One that is taken twice, since this process died between the
// two, counts once there. Several may do so at once. It returns how many there were.
func (s *Store) TakeUsage(ctx context.Context, deliver func(context.Context, []messages.UsageRow) error) (taken int, err error) {
	err = s.write(ctx, operator, "TakeUsage", func(t *transaction) error {
		var rows []messages.UsageRow
		err := t.rows("DELETE FROM usage_outbox WHERE id IN (SELECT id FROM usage_outbox ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED) RETURNING body",
			[]any{outboxBatch}, func(row Scanner) error {
				var body []byte
				if err := row.Scan(&body); err != nil {
					return err
				}
				rows = append(rows, messages.UsageRow{})
				return json.Unmarshal(body, &rows[len(rows)-1])
			})
		taken = len(rows)
		if err != nil || taken == 0 {
			return err
		}
		return deliver(ctx, rows)
	})
	return taken, err
}
