package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"example.com/parley/messages"
	"example.com/parley/persistence/relational"
)

// clusterChanged is the channel on which the nodes of a cluster tell each other
// that members or shards have changed.
const clusterChanged = "parley_cluster"

// Join makes m a member, with a lease of ttl.
func (s *Store) Join(ctx context.Context, m messages.Member, ttl time.Duration) error {
	return s.cluster(ctx, "Join", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO cluster_members (id, address, version, joined, since, expires)
			VALUES ($1, $2, $3, clock_timestamp(), clock_timestamp(), clock_timestamp() + $4)`, m.ID, m.Address, m.Version, ttl)
		if err != nil {
			return err
		}
		return tell(ctx, tx)
	})
}

// Renew extends a member's lease to ttl from now, removes the members whose leases
// have run out, and returns those that are left. It fails with
// [messages.ErrRemoved] where it is none itself.
//
// Nobody is removed by a member whose own lease has run out within the last ttl:
// after this server was out of reach every lease has, and each of the others has
// as long to say that it is alive.
//
// Where it has renewed the lease, and fails behind that, it returns the members as well.
//
// As a rule it is one way to the server and back. On a machine on which each takes its
// time, more of them would make leases run out of members that live.
func (s *Store) Renew(ctx context.Context, id messages.MemberID, ttl time.Duration) (members []messages.Member, err error) {
	var mayRemove bool
	renewal := asOperator()
	renewal.Queue(`UPDATE cluster_members
		SET since = CASE WHEN expires < clock_timestamp() THEN clock_timestamp() ELSE since END, expires = clock_timestamp() + $2
		WHERE id = $1 RETURNING since <= clock_timestamp() - $2::interval`, id, ttl).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&mayRemove)
		if errors.Is(err, pgx.ErrNoRows) {
			return messages.ErrRemoved
		}
		return err
	})
	renewal.Queue(listMembers).Query(collect(&members, scanMember))
	if err := s.atOnce(ctx, "Renew", renewal); err != nil {
		return nil, err
	}
	if !mayRemove || !slices.ContainsFunc(members, isExpired) {
		return members, nil
	}
	gone, err := s.removeExpired(ctx, id, ttl)
	return slices.DeleteFunc(members, func(m messages.Member) bool { return slices.Contains(gone, string(m.ID)) }), err
}

func isExpired(m messages.Member) bool { return m.Lease < 0 }

// removable holds of expired members while the lease of $1 runs, and has for $2.
const removable = `expires < clock_timestamp()
	AND EXISTS (SELECT 1 FROM cluster_members me WHERE me.id = $1 AND me.expires > clock_timestamp() AND me.since <= clock_timestamp() - $2::interval)`

// removeExpired removes members for one whose lease runs, and returns those that it
// removed. It also frees the idempotency keys of requests that nobody answers any more.
//
// Connections go first, and with them what a member has locked that was frozen. One that
// renews its lease late, in that very moment, stays a member and connects anew. All that
// are left find the same one expired at the same time: whoever comes second leaves it to
// the first, since those that wait lose their own leases meanwhile.
func (s *Store) removeExpired(ctx context.Context, by messages.MemberID, ttl time.Duration) (gone []string, err error) {
	err = s.cluster(ctx, "RemoveExpired", func(tx pgx.Tx) error {
		expired, err := memberIDs(ctx, tx, "SELECT id FROM cluster_members WHERE "+removable, by, ttl)
		if err != nil || len(expired) == 0 {
			return err
		}
		if err := endSessions(ctx, tx, expired); err != nil {
			return err
		}
		gone, err = memberIDs(ctx, tx, `DELETE FROM cluster_members WHERE id IN
			(SELECT id FROM cluster_members WHERE `+removable+` AND id = ANY($3) FOR UPDATE SKIP LOCKED) RETURNING id`, by, ttl, expired)
		if err != nil || len(gone) == 0 {
			return err
		}
		return release(ctx, tx, gone...)
	})
	if err != nil {
		return nil, err
	}
	return gone, nil
}

func memberIDs(ctx context.Context, tx pgx.Tx, query string, args ...any) ([]string, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// sessionName is by which the database shows a member's connections.
func sessionName[ID messages.MemberID | string](id ID) string { return "parley " + string(id) }

// endSessions cuts the connections of members that are gone: one that was frozen in
// the middle of a transaction would hold its conversation's row for as long as it is,
// against whoever has the conversation next.
func endSessions(ctx context.Context, tx pgx.Tx, gone []string) error {
	names := make([]string, len(gone))
	for i, id := range gone {
		names[i] = sessionName(id)
	}
	_, err := tx.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ANY($1) AND usename = current_user AND datname = current_database()", names)
	return err
}

// EndFrozen cuts the connections of nodes that are no members, in the middle of a
// transaction as they are. Where members are kept that is done when one is removed; this
// is for further databases, before what it held is written to. A node that is about to
// join is left alone: its transactions are short.
func (s *Store) EndFrozen(ctx context.Context, members []messages.Member) error {
	names := make([]string, len(members))
	for i := range members {
		names[i] = sessionName(members[i].ID)
	}
	return s.cluster(ctx, "EndFrozen", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'parley %' AND application_name <> ALL($1)
			AND state = 'idle in transaction' AND state_change < clock_timestamp() - interval '1 second'
			AND usename = current_user AND datname = current_database()`, names)
		return err
	})
}

// release frees what members held that are gone, and tells of it.
func release(ctx context.Context, tx pgx.Tx, gone ...string) error {
	if _, err := tx.Exec(ctx, "UPDATE idempotency_keys SET deadline = 0 WHERE node = ANY($1) AND status = 0", gone); err != nil {
		return err
	}
	return tell(ctx, tx)
}

const listMembers = "SELECT id, address, version, leaving, joined, expires - clock_timestamp() FROM cluster_members ORDER BY joined, id"

func scanMember(row pgx.CollectableRow) (m messages.Member, err error) {
	err = row.Scan(&m.ID, &m.Address, &m.Version, &m.Leaving, &m.Joined, &m.Lease)
	return m, err
}

// Retire says that a member gives its shards away and takes none.
func (s *Store) Retire(ctx context.Context, id messages.MemberID) error {
	return s.cluster(ctx, "Retire", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "UPDATE cluster_members SET leaving = TRUE WHERE id = $1", id); err != nil {
			return err
		}
		return tell(ctx, tx)
	})
}

// Leave ends a membership. What the member owns is anybody's from then on.
func (s *Store) Leave(ctx context.Context, id messages.MemberID) error {
	return s.cluster(ctx, "Leave", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM cluster_members WHERE id = $1", id); err != nil {
			return err
		}
		return release(ctx, tx, string(id))
	})
}

// AwaitChanges calls changed, without waiting for anything, when members or shards
// may have changed, until ctx ends or the connection does. It holds a connection of
// its own.
func (s *Store) AwaitChanges(ctx context.Context, changed func()) error {
	return s.AwaitNotices(ctx, clusterChanged, changed)
}

// AwaitNotices is AwaitChanges for what is told on a channel.
func (s *Store) AwaitNotices(ctx context.Context, channel string, changed func()) error {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return relational.Unavailable("AwaitChanges", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is lost with it
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return relational.Unavailable("AwaitChanges", err)
	}
	for {
		changed() // also of what came before the connection
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return fmt.Errorf("wait for what is told on %s: %w", channel, err)
		}
	}
}

// tell reaches the others once the transaction is committed.
func tell(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "SELECT pg_notify($1, '')", clusterChanged)
	return err
}

// Operate runs f in a transaction of the operator's.
func (s *Store) Operate(ctx context.Context, method string, f func(pgx.Tx) error) error {
	return s.cluster(ctx, method, f)
}

// operator is the scope of what is the operator's, until the end of a transaction.
const operator = "SELECT set_config('parley.scope', 'operator', true)"

// asOperator begins a transaction that is sent with all that it does ([Store.atOnce]).
func asOperator() *pgx.Batch {
	batch := &pgx.Batch{}
	batch.Queue(operator)
	return batch
}

// atOnce runs a transaction of which nothing depends on what came before it. It is one
// way to the server and back, and a node that is frozen in the middle of it holds no lock.
func (s *Store) atOnce(ctx context.Context, method string, batch *pgx.Batch) error {
	defer s.db.metrics.observe(method)()
	return clusterFailure(method, s.members.SendBatch(ctx, batch).Close())
}

// collect returns what puts the rows of an answer into all.
func collect[T any](all *[]T, scan pgx.RowToFunc[T]) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*all, err = pgx.CollectRows(rows, scan)
		return err
	}
}

// cluster runs f in a transaction of the operator's. One of [messages.ErrRemoved]
// comes back as it is.
func (s *Store) cluster(ctx context.Context, method string, f func(pgx.Tx) error) error {
	defer s.db.metrics.observe(method)()
	return clusterFailure(method, pgx.BeginFunc(ctx, s.members, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, operator); err != nil {
			return err
		}
		return f(tx)
	}))
}

func clusterFailure(method string, err error) error {
	if errors.Is(err, messages.ErrRemoved) {
		return messages.ErrRemoved
	}
	return failure(method, err)
}
