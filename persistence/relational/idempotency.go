package relational

import (
	"bytes"
	"context"
	"time"

	"example.com/parley/messages"
)

// keysKept is how long an idempotency key is remembered.
const keysKept = 24 * time.Hour

// ClaimKey takes an idempotency key, or says who has it. A claim is given up at
// its request's deadline, and when RecoverTurns says that its process is dead.
func (s *Store) ClaimKey(ctx context.Context, c messages.Claim) (claimed messages.Claimed, err error) {
	now := time.Now()
	err = s.write(ctx, c.Tenant, "ClaimKey", func(t *transaction) error {
		// A row that is in the way is held until the end even where it is not
		// taken over, so that nobody else takes or frees it meanwhile.
		won, err := t.exec(`INSERT INTO idempotency_keys (tenant, key, hash, request, deadline, status, content_type, body, created)
			VALUES (?, ?, ?, ?, ?, 0, '', ?, ?)
			ON CONFLICT (tenant, key) DO UPDATE SET hash = excluded.hash, request = excluded.request, deadline = excluded.deadline,
				status = 0, content_type = '', body = excluded.body, created = excluded.created
			WHERE idempotency_keys.created < ?`,
			c.Tenant, c.Key, c.Hash[:], turnBytes(c.Request), micros(c.Deadline), []byte{}, micros(now), micros(now.Add(-keysKept)))
		if err != nil {
			return err
		}
		if won > 0 {
			claimed = messages.Claimed{State: messages.ClaimWon, Request: c.Request}
			return nil
		}
		claimed, err = t.held(c, now)
		return err
	})
	return claimed, err
}

// held looks at a claim that came before.
func (t *transaction) held(c messages.Claim, now time.Time) (claimed messages.Claimed, err error) {
	var hash, request []byte
	var deadline int64
	if _, err := t.row("SELECT hash, request, deadline, status, content_type, body FROM idempotency_keys WHERE tenant = ? AND key = ?",
		[]any{c.Tenant, c.Key}, &hash, &request, &deadline, &claimed.Reply.Status, &claimed.Reply.ContentType, &claimed.Reply.Body); err != nil {
		return claimed, err
	}
	claimed.Request = turnID(request)
	switch {
	case !bytes.Equal(hash, c.Hash[:]):
		claimed.State = messages.ClaimMismatch
	case claimed.Reply.Status != 0:
		claimed.State = messages.ClaimReplay
	case deadline >= micros(now):
		claimed.State = messages.ClaimInFlight
	default:
		claimed.State = messages.ClaimResumed
		_, err = t.exec("UPDATE idempotency_keys SET deadline = ? WHERE tenant = ? AND key = ?", micros(c.Deadline), c.Tenant, c.Key)
	}
	return claimed, err
}

// KeepReply stores the reply that the key stands for.
func (s *Store) KeepReply(ctx context.Context, tenant messages.TenantID, key string, reply messages.KeptReply) error {
	return s.write(ctx, tenant, "KeepReply", func(t *transaction) error {
		_, err := t.exec("UPDATE idempotency_keys SET status = ?, content_type = ?, body = ? WHERE tenant = ? AND key = ?",
			reply.Status, reply.ContentType, append([]byte{}, reply.Body...), tenant, key) // of no body an empty one, and not NULL
		return err
	})
}

// ReleaseKey frees a key whose request failed, if it holds it.
func (s *Store) ReleaseKey(ctx context.Context, tenant messages.TenantID, key string, held messages.TurnID) error {
	return s.write(ctx, tenant, "ReleaseKey", func(t *transaction) error {
		_, err := t.exec("DELETE FROM idempotency_keys WHERE tenant = ? AND key = ? AND status = 0 AND request = ?", tenant, key, turnBytes(held))
		return err
	})
}

// UndoClaim takes back what came of a claim whose answer was lost: a key that it won is
// free, and one that it took over from a request that died is as it was. Whose deadline
// the key has tells that: no other claim has the same to the microsecond.
func (s *Store) UndoClaim(ctx context.Context, c messages.Claim) error {
	return s.write(ctx, c.Tenant, "UndoClaim", func(t *transaction) error {
		won, err := t.exec("DELETE FROM idempotency_keys WHERE tenant = ? AND key = ? AND status = 0 AND request = ?", c.Tenant, c.Key, turnBytes(c.Request))
		if err != nil || won > 0 {
			return err
		}
		_, err = t.exec("UPDATE idempotency_keys SET deadline = 0 WHERE tenant = ? AND key = ? AND status = 0 AND deadline = ?", c.Tenant, c.Key, micros(c.Deadline))
		return err
	})
}

// LapseKey has a key be as that of a request whose process died, if the request
// holds it: the next who comes with it finds out what became of the turn.
func (s *Store) LapseKey(ctx context.Context, tenant messages.TenantID, key string, held messages.TurnID) error {
	return s.write(ctx, tenant, "LapseKey", func(t *transaction) error {
		_, err := t.exec("UPDATE idempotency_keys SET deadline = 0 WHERE tenant = ? AND key = ? AND status = 0 AND request = ?", tenant, key, turnBytes(held))
		return err
	})
}

// MoveKey gives a request the key of one that came to nothing, and tells whether it
// did. It does not where another request has the key, where the turn of the earlier
// one is complete, or where it was begun, or runs again, although the caller had not
// seen that: seen is its status in the store, empty where it was not there. A turn
// that is yet to begin, or to go on with its next owner, asks for the key in the
// transaction in which it does ([Store.BeginTurn], [Store.ResumeTurn]): one of the two
// comes first, and the other finds that.
func (s *Store) MoveKey(ctx context.Context, c messages.Claim, from messages.TurnID, seen messages.TurnStatus) (moved bool, err error) {
	err = s.write(ctx, c.Tenant, "MoveKey", func(t *transaction) error {
		moved = false
		held, err := t.exec("UPDATE idempotency_keys SET deadline = ? WHERE tenant = ? AND key = ? AND status = 0 AND request = ?",
			micros(c.Deadline), c.Tenant, c.Key, turnBytes(from))
		if err != nil || held == 0 {
			return err
		}
		turns := 0
		if _, err := t.row(aliveTurns(seen), []any{c.Tenant, turnBytes(from)}, &turns); err != nil || turns > 0 {
			return err
		}
		moved = true
		return t.later(nil, "UPDATE idempotency_keys SET request = ? WHERE tenant = ? AND key = ?", turnBytes(c.Request), c.Tenant, c.Key)
	})
	return moved && err == nil, err
}

// holdIdempotencyKey fails where a turn's key is another request's by now.
func (t *transaction) holdIdempotencyKey(r *messages.TurnRecord, key string) error {
	if key == "" {
		return nil
	}
	if t.away {
		return t.holdBar(r.Ref.Tenant, r.ID)
	}
	return t.later(orElse(takenOver), "UPDATE idempotency_keys SET request = request WHERE tenant = ? AND key = ? AND request = ?", r.Ref.Tenant, key, turnBytes(r.ID))
}

func takenOver() error {
	return &messages.Failure{
		Code: messages.CodeIdempotencyRunning, What: "a later request has taken this one's Idempotency-Key over", Do: "wait for its reply", RetryAfter: time.Second,
	}
}

// sweepBatch bounds one sweep, so that it delays nobody's commit.
const sweepBatch = 500

// SweepIdempotency removes keys that are older than 24 hours, some at a time.
func (s *Store) SweepIdempotency(ctx context.Context, now time.Time) (removed int, err error) {
	err = s.write(ctx, operator, "SweepIdempotency", func(t *transaction) error {
		n, err := t.exec(`DELETE FROM idempotency_keys WHERE (tenant, key) IN
			(SELECT tenant, key FROM idempotency_keys WHERE created < ? LIMIT ?)`, micros(now.Add(-keysKept)), sweepBatch)
		removed = int(n)
		return err
	})
	return removed, err
}
