package relational

import (
	"context"
	"time"

	"example.com/parley/messages"
)

// Keys of requests are in one database, and their turns may begin in another. There a
// turn asks whether it is barred in the transaction in which it begins, and whoever
// gives its key to another request bars it first.

// turnsLock is the first half of the advisory locks of turns that begin.
const turnsLock = 7309456

// lockTurn has one of those who begin and who bar a turn come after the other.
func (t *transaction) lockTurn(tenant messages.TenantID, id messages.TurnID) error {
	return t.later(nil, "SELECT pg_advisory_xact_lock(CAST(? AS INTEGER), CAST(? AS INTEGER))",
		turnsLock, int32(messages.Hash(string(tenant), id.String()))) // #nosec G115 -- some of its bits
}

// holdBar fails where the turn is barred.
func (t *transaction) holdBar(tenant messages.TenantID, id messages.TurnID) error {
	if err := t.lockTurn(tenant, id); err != nil {
		return err
	}
	return t.later(orElse(takenOver), "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM barred_turns WHERE tenant = ? AND turn = ?)", tenant, turnBytes(id))
}

// BarTurn has a turn not begin here any more, nor run again, unless it has come to
// something that the caller had not seen; see [Store.MoveKey]. It tells whether it has.
func (s *Store) BarTurn(ctx context.Context, tenant messages.TenantID, id messages.TurnID, seen messages.TurnStatus) (alive bool, err error) {
	err = s.write(ctx, tenant, "BarTurn", func(t *transaction) error {
		if err := t.lockTurn(tenant, id); err != nil {
			return err
		}
		turns := 0
		if _, err := t.row(aliveTurns(seen), []any{tenant, turnBytes(id)}, &turns); err != nil {
			return err
		}
		if alive = turns > 0; alive {
			return nil
		}
		return t.later(nil, "INSERT INTO barred_turns (tenant, turn, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", tenant, turnBytes(id), micros(time.Now()))
	})
	return alive, err
}

// aliveTurns counts turns by their name that leave nothing for a later request.
func aliveTurns(seen messages.TurnStatus) string {
	const text = "SELECT count(*) FROM turns WHERE tenant = ? AND id = ?"
	switch seen {
	case "":
		return text
	case messages.TurnRunning:
		return text + " AND status = 'completed'"
	default:
		return text + " AND status IN ('completed', 'in_progress')"
	}
}

// SweepBars removes some bars whose keys are forgotten.
func (s *Store) SweepBars(ctx context.Context, now time.Time) (removed int, err error) {
	err = s.write(ctx, operator, "SweepBars", func(t *transaction) error {
		n, err := t.exec("DELETE FROM barred_turns WHERE (tenant, turn) IN (SELECT tenant, turn FROM barred_turns WHERE created < ? LIMIT ?)",
			micros(now.Add(-2*keysKept)), sweepBatch)
		removed = int(n)
		return err
	})
	return removed, err
}
