package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"example.com/parley/messages"
)

// shardsLock is held by whoever changes owners: changes of many rows at once would
// wait for each other in circles.
const shardsLock = 7309454

// Topology returns the members and who owns which shard, in the order of the shards.
func (s *Store) Topology(ctx context.Context) (members []messages.Member, all []messages.Placement, err error) {
	reading := asOperator()
	reading.Queue(listMembers).Query(collect(&members, scanMember))
	reading.Queue("SELECT shard, owner, epoch FROM cluster_shards ORDER BY shard").Query(collect(&all, scanPlacement))
	err = s.atOnce(ctx, "Topology", reading)
	return members, all, err
}

func scanPlacement(row pgx.CollectableRow) (p messages.Placement, err error) {
	err = row.Scan(&p.Shard, &p.Owner, &p.Epoch)
	return p, err
}

// TakeShards makes a member whose lease runs the owner of shards that nobody owns,
// each under its next epoch, and returns those that it got. One that has changed
// since it was seen as given is left out.
func (s *Store) TakeShards(ctx context.Context, id messages.MemberID, seen []messages.Placement) ([]messages.Placement, error) {
	return s.moveShards(ctx, "TakeShards", seen, `UPDATE cluster_shards s SET owner = $1, epoch = s.epoch + 1
		FROM unnest($2::int[], $3::bigint[]) AS seen(shard, epoch)
		WHERE s.shard = seen.shard AND s.epoch = seen.epoch
			AND NOT EXISTS (SELECT 1 FROM cluster_members m WHERE m.id = s.owner)
			AND EXISTS (SELECT 1 FROM cluster_members m WHERE m.id = $1 AND m.expires > clock_timestamp() AND NOT m.leaving)
		RETURNING s.shard, s.owner, s.epoch`, id)
}

// GiveShards makes another member the owner of shards that are from's, each under
// its next epoch, and returns those that have moved. It gives none to one that is
// about to leave.
func (s *Store) GiveShards(ctx context.Context, from, to messages.MemberID, seen []messages.Placement) ([]messages.Placement, error) {
	return s.moveShards(ctx, "GiveShards", seen, `UPDATE cluster_shards s SET owner = $4, epoch = s.epoch + 1
		FROM unnest($2::int[], $3::bigint[]) AS seen(shard, epoch)
		WHERE s.shard = seen.shard AND s.epoch = seen.epoch AND s.owner = $1
			AND EXISTS (SELECT 1 FROM cluster_members m WHERE m.id = $4 AND NOT m.leaving)
		RETURNING s.shard, s.owner, s.epoch`, from, to)
}

func (s *Store) moveShards(ctx context.Context, method string, seen []messages.Placement, text string, from messages.MemberID, to ...messages.MemberID) (moved []messages.Placement, err error) {
	shards, epochs := make([]int32, len(seen)), make([]int64, len(seen))
	for i, p := range seen {
		shards[i], epochs[i] = int32(p.Shard), int64(p.Epoch) // #nosec G115 -- below 1024
	}
	args := make([]any, 0, 3+len(to))
	args = append(args, from, shards, epochs)
	for _, id := range to {
		args = append(args, id)
	}
	err = s.cluster(ctx, method, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", shardsLock); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, text, args...)
		if err != nil {
			return err
		}
		if moved, err = pgx.CollectRows(rows, scanPlacement); err != nil || len(moved) == 0 {
			return err
		}
		return tell(ctx, tx)
	})
	return moved, err
}
