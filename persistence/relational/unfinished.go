package relational

import (
	"context"
	"encoding/json"
	"time"

	"example.com/parley/messages"
)

// goesOn is a running turn that the next owner of its conversation takes up. Its
// arguments are those of mayGoOn.
const goesOn = "(until > ? AND owners < ?)"

func mayGoOn() []any { return []any{micros(time.Now()), messages.MaxOwners} }

// terms are a turn's as they are kept, and until when.
func terms(t *messages.TurnTerms) (text string, until int64, err error) {
	if t == nil {
		return "", 0, nil
	}
	text, err = encode(t)
	return text, micros(t.Deadline), err
}

// UnfinishedTurns are those of shards that their owners did not live to end, and that
// are to be taken up: what RecoverTurns and RecoverShards leave running.
func (s *Store) UnfinishedTurns(ctx context.Context, owned func(messages.Shard) bool) (unfinished []messages.UnfinishedTurn, err error) {
	here, err := s.placedHere(ctx)
	if err != nil {
		return nil, err
	}
	err = s.read(ctx, operator, "UnfinishedTurns", func(q *querying) error {
		unfinished = nil
		return q.rows(`SELECT tenant, id, conversation, key, model, options, instructions, terms, until, owners
			FROM turns WHERE status = 'in_progress' AND `+goesOn+" ORDER BY created", mayGoOn(), func(row Scanner) error {
			u, err := scanUnfinished(row)
			if shard := messages.ShardOf(u.Record.Ref); err == nil && owned(shard) && here(shard) {
				unfinished = append(unfinished, u)
			}
			return err
		})
	})
	return unfinished, err
}

func scanUnfinished(row Scanner) (u messages.UnfinishedTurn, err error) {
	var id, options, kept []byte
	var until int64
	r := &u.Record
	if err := row.Scan(&r.Ref.Tenant, &id, &r.Ref.Conversation, &r.Key, &r.Model, &options, &r.Instructions, &kept, &until, &u.Owners); err != nil {
		return u, err
	}
	r.ID, r.Status, r.Background = turnID(id), messages.TurnRunning, true
	if err := json.Unmarshal(options, &r.Options); err != nil {
		return u, err
	}
	err = json.Unmarshal(kept, &u.Terms)
	u.Terms.Deadline = fromMicros(until)
	return u, err
}
