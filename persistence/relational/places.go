package relational

import (
	"context"
	"errors"
	"time"

	"example.com/parley/messages"
)

// The advisory locks by which a write and a move of its shard exclude each other: a
// write shares its shard's until it is committed, and a move has it alone while it
// says something else of the shard. What writes to many conversations at once shares
// the last one.
const (
	PlacesLock = 7309455
	SweepsLock = messages.Shards // among the numbers of the shards
)

// Place has every read and write of a conversation ask whether its shard is here. It
// is for one of several databases, before anything else is done; away for those that
// have conversations and nothing else.
func (s *Store) Place(away bool) { s.rules.placed, s.rules.away = true, away }

// errElsewhere marks a failure of what is in another database by now.
var errElsewhere = errors.New("the shard is in another database")

// IsElsewhere tells whether something failed since its shard is not, or not for the
// moment, in the database that was asked. Nothing of it was done.
func IsElsewhere(err error) bool { return errors.Is(err, errElsewhere) }

func elsewhere() error {
	return &messages.Failure{
		Code: messages.CodeStoreUnavailable, What: "the conversation is being moved to another database",
		Do: "send the request again", RetryAfter: time.Second, Cause: errElsewhere,
	}
}

// canWrite is a place that can be written to. One that is leaving can be again once
// whoever moves it had its time and has not come back.
const canWrite = "(state IN ('here', 'copying') OR (state = 'leaving' AND until < clock_timestamp()))"

// holdPlace fails where the conversation's shard is not here, and keeps it here until
// the transaction has ended. While the shard is copied it notes what is written to.
// The lock comes first, by itself: what is said of the shard is read behind it.
func (t *transaction) holdPlace(ref messages.ConversationRef) error {
	if !t.placed {
		return nil
	}
	shard := messages.ShardOf(ref)
	if err := t.later(nil, "SELECT pg_advisory_xact_lock_shared(CAST(? AS INTEGER), CAST(? AS INTEGER))", PlacesLock, int(shard)); err != nil {
		return err
	}
	return t.later(orElse(elsewhere), `WITH place AS (SELECT state FROM shard_places WHERE shard = ? AND `+canWrite+`),
		noted AS (INSERT INTO shard_changes (tenant, conversation) SELECT ?, ? FROM place WHERE state <> 'here')
		SELECT 1 FROM place`, int(shard), string(ref.Tenant), string(ref.Conversation))
}

// holdEpoch fails as stale where the shard is known to have had a later owner.
func (t *transaction) holdEpoch(ref messages.ConversationRef, shard messages.ShardEpoch) error {
	return t.later(orElse(func() error { return stale(ref) }), "SELECT 1 FROM shard_places WHERE shard = ? AND epoch <= ?", int(messages.ShardOf(ref)), int64(shard))
}

// RaiseEpochs has the writes of earlier owners of shards be refused.
func (s *Store) RaiseEpochs(ctx context.Context, owned func(messages.Shard) (epoch messages.ShardEpoch, is bool)) error {
	return s.write(ctx, operator, "RaiseEpochs", func(t *transaction) error {
		for shard := range messages.Shard(messages.Shards) {
			if epoch, is := owned(shard); is {
				if err := t.later(nil, "UPDATE shard_places SET epoch = ? WHERE shard = ? AND epoch < ?", int64(epoch), int(shard), int64(epoch)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// placedHere tells which shards the database has: of others it may have rows that a move
// has brought so far, or left.
func (s *Store) placedHere(ctx context.Context) (here func(messages.Shard) bool, err error) {
	if !s.rules.placed {
		return func(messages.Shard) bool { return true }, nil
	}
	places := make(map[messages.Shard]bool)
	err = s.read(ctx, operator, "ShardPlaces", func(q *querying) error {
		return q.rows("SELECT shard FROM shard_places WHERE state IN ('here', 'copying', 'leaving')", nil, func(row Scanner) error {
			var shard messages.Shard
			err := row.Scan(&shard)
			places[shard] = true
			return err
		})
	})
	return func(shard messages.Shard) bool { return places[shard] }, err
}

// holdSweep is for what writes to conversations of any shard: it tells whether one
// is moving, while nothing of that kind may be done, and keeps moves from beginning.
func (t *transaction) holdSweep() (moving bool, err error) {
	if !t.placed {
		return false, nil
	}
	if err := t.later(nil, "SELECT pg_advisory_xact_lock_shared(CAST(? AS INTEGER), CAST(? AS INTEGER))", PlacesLock, SweepsLock); err != nil {
		return false, err
	}
	return t.row("SELECT TRUE FROM shard_places WHERE state IN ('copying', 'leaving', 'arriving') LIMIT 1", nil, new(bool))
}

// orMoving is the failure of an erasure that waits for a move.
func orMoving(err error) error {
	if err != nil {
		return err
	}
	return &messages.Failure{
		Code: messages.CodeStoreUnavailable, What: "content is not erased while a shard moves between databases",
		Do: "nothing: it goes on by itself once the shard has moved; a move that was cut off is ended by `parley shard move --resume`", RetryAfter: 2 * time.Second,
	}
}

// noteRunning notes all conversations that have a running turn as written to.
func (t *transaction) noteRunning() error {
	if !t.placed {
		return nil
	}
	if err := t.later(nil, "SELECT pg_advisory_xact_lock_shared(CAST(? AS INTEGER), CAST(? AS INTEGER))", PlacesLock, SweepsLock); err != nil {
		return err
	}
	return t.later(nil, `INSERT INTO shard_changes (tenant, conversation) SELECT DISTINCT tenant, conversation FROM turns
		WHERE status = 'in_progress' AND EXISTS (SELECT 1 FROM shard_places WHERE state IN ('copying', 'leaving'))`)
}

// readIn is a read of one conversation, which fails where that is not here.
func (s *Store) readIn(ctx context.Context, ref messages.ConversationRef, method string, f func(*querying) error) error {
	return s.read(ctx, ref.Tenant, method, func(q *querying) error {
		if err := q.see(ref); err != nil {
			return err
		}
		return f(q)
	})
}

// see fails where the conversation is not here.
func (q *querying) see(ref messages.ConversationRef) error {
	if !q.placed {
		return nil
	}
	const text = "SELECT TRUE FROM shard_places WHERE shard = ? AND state IN ('here', 'copying', 'leaving')"
	args := []any{int(messages.ShardOf(ref))}
	if t, can := q.db.(Transaction); can { // it travels with what is read behind it
		return t.Later(text, args, orElse(elsewhere))
	}
	here, err := q.row(text, args, new(bool))
	if err == nil && !here {
		err = elsewhere()
	}
	return err
}

// seeTurn is see for the conversation that a turn's items are in.
func (q *querying) seeTurn(tenant messages.TenantID, id messages.TurnID) error {
	if !q.placed {
		return nil
	}
	ref := messages.ConversationRef{Tenant: tenant}
	if found, err := q.row("SELECT conversation FROM items WHERE tenant = ? AND turn = ? LIMIT 1", []any{tenant, turnBytes(id)}, &ref.Conversation); err != nil || !found {
		return err
	}
	return q.see(ref)
}
