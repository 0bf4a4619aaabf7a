package etcd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	clientv3 "go.etcd.io/etcd/client/v3"

	"example.com/parley/messages"
)

const (
	// changesEach is how many shards change in one transaction: etcd takes 128
	// conditions, of which a shard and its owner are one each.
	changesEach = 60
	// tries is how often a change is tried again that came in another's way.
	tries = 5
)

var errCrowded = errors.New("others change the same shards again and again")

// seed makes the shards' keys, where there are none. The epochs go on from those that
// the store's writes are held to: there may have been another registry before.
func (r *Registry) seed(ctx context.Context) error {
	for range tries {
		count, err := r.client.Get(ctx, r.shardsAt(), clientv3.WithPrefix(), clientv3.WithCountOnly())
		if err != nil {
			return fmt.Errorf("count the shards: %w", err)
		}
		if count.Count == messages.Shards {
			return nil
		}
		epochs, err := r.fence.FencedEpochs(ctx)
		if err != nil {
			return err
		}
		for first := 0; first < messages.Shards; first += changesEach {
			if err := r.sow(ctx, epochs, first, min(first+changesEach, messages.Shards)); err != nil {
				return fmt.Errorf("make the shards: %w", err)
			}
		}
	}
	return errCrowded
}

// sow makes some shards' keys. Where one of them is there another node makes them.
func (r *Registry) sow(ctx context.Context, epochs []messages.ShardEpoch, first, end int) error {
	var none []clientv3.Cmp
	var puts []clientv3.Op
	for s := first; s < end; s++ {
		key := r.shardKey(messages.Shard(s))
		value, err := text(shardValue{Epoch: epochs[s]})
		if err != nil {
			return err
		}
		none = append(none, absent(key).Cmp)
		puts = append(puts, clientv3.OpPut(key, value))
	}
	_, err := r.client.Txn(ctx).If(none...).Then(puts...).Commit()
	return err
}

// Topology returns the members and who owns which shard, in the order of the shards.
func (r *Registry) Topology(ctx context.Context) (members []messages.Member, all []messages.Placement, err error) {
	s, err := r.read(ctx, true)
	if err != nil {
		return nil, nil, unavailable("Topology", err)
	}
	r.mu.Lock()
	ttl := r.ttl
	r.mu.Unlock()
	return s.list(max(ttl, 1)), s.placements(), nil
}

// TakeShards makes a member whose lease runs the owner of shards that nobody owns,
// each under its next epoch, and returns those that it got. One that has changed
// since it was seen as given is left out.
func (r *Registry) TakeShards(ctx context.Context, id messages.MemberID, seen []messages.Placement) ([]messages.Placement, error) {
	epochs, err := r.fence.FencedEpochs(ctx) // of an etcd that was set back they may be later than its own
	if err != nil {
		return nil, err
	}
	taken, err := r.move(ctx, seen, func(s *state, p messages.Placement) (shardValue, []condition, bool) {
		taker, is := s.members[id]
		now := s.shards[p.Shard].value
		if _, owned := s.members[now.Owner]; !is || taker.value.Leaving || !s.beats[id] || owned {
			return shardValue{}, nil, false
		}
		conditions := []condition{unchanged(r.memberKey(id), taker.revision), there(r.beatKey(id))}
		if now.Owner != "" {
			conditions = append(conditions, absent(r.memberKey(now.Owner)))
		}
		return shardValue{Owner: id, Epoch: max(now.Epoch, epochs[p.Shard]) + 1}, conditions, true
	})
	return taken, unavailable("TakeShards", err)
}

// GiveShards makes another member the owner of shards that are from's, each under
// its next epoch, and returns those that have moved. It gives none to one that is
// about to leave.
func (r *Registry) GiveShards(ctx context.Context, from, to messages.MemberID, seen []messages.Placement) ([]messages.Placement, error) {
	given, err := r.move(ctx, seen, func(s *state, p messages.Placement) (shardValue, []condition, bool) {
		heir, is := s.members[to]
		now := s.shards[p.Shard].value
		if !is || heir.value.Leaving || now.Owner != from {
			return shardValue{}, nil, false
		}
		return shardValue{Owner: to, Epoch: now.Epoch + 1}, []condition{unchanged(r.memberKey(to), heir.revision)}, true
	})
	return given, unavailable("GiveShards", err)
}

// change says what a shard is to have, and what must hold for it; false where it stays
// as it is.
type change func(s *state, p messages.Placement) (shardValue, []condition, bool)

// move changes shards that are as they were seen, some at a time. What etcd has is read
// once for all of them: the transactions find what has changed since.
func (r *Registry) move(ctx context.Context, seen []messages.Placement, to change) (moved []messages.Placement, err error) {
	s, err := r.read(ctx, true)
	if err != nil {
		return nil, err
	}
	for some := range slices.Chunk(seen, changesEach) {
		var done []messages.Placement
		done, s, err = r.moveSome(ctx, s, some, to)
		moved = append(moved, done...)
		if err != nil {
			return moved, err
		}
	}
	return moved, nil
}

// moveSome goes by s, and reads again where that is found out of date. It returns what
// it read last.
func (r *Registry) moveSome(ctx context.Context, s *state, seen []messages.Placement, to change) ([]messages.Placement, *state, error) {
	for range tries {
		moved, conditions, puts, err := r.draw(s, seen, to)
		if err != nil || len(moved) == 0 {
			return nil, s, err
		}
		answer, err := r.client.Txn(ctx).If(conditions...).Then(puts...).Commit()
		if err != nil {
			return nil, s, fmt.Errorf("change the owners of shards: %w", err)
		}
		if answer.Succeeded {
			return moved, s, nil
		}
		if s, err = r.read(ctx, true); err != nil {
			return nil, s, err
		}
	}
	return nil, s, errCrowded
}

// draw makes a transaction of the changes. What several of them ask for is asked once.
func (r *Registry) draw(s *state, seen []messages.Placement, to change) (moved []messages.Placement, conditions []clientv3.Cmp, puts []clientv3.Op, err error) {
	asked := make(map[string]bool)
	for _, p := range seen {
		now := s.shards[p.Shard]
		next, required, is := to(s, p)
		if !is || now.value.Epoch != p.Epoch {
			continue
		}
		value, err := text(next)
		if err != nil {
			return nil, nil, nil, err
		}
		for _, c := range append(required, unchanged(r.shardKey(p.Shard), now.revision)) {
			if !asked[c.key] {
				asked[c.key] = true
				conditions = append(conditions, c.Cmp)
			}
		}
		puts = append(puts, clientv3.OpPut(r.shardKey(p.Shard), value))
		moved = append(moved, messages.Placement{Shard: p.Shard, Owner: next.Owner, Epoch: next.Epoch})
	}
	return moved, conditions, puts, nil
}

// RecoverShards has the store refuse what earlier owners of shards write from now on,
// and ends the turns that they left running. Whoever was removed holds nothing there
// any more.
func (r *Registry) RecoverShards(ctx context.Context, owned func(messages.Shard) (messages.ShardEpoch, bool)) (int, error) {
	s, err := r.read(ctx, false)
	if err != nil {
		return 0, unavailable("RecoverShards", err)
	}
	if err := r.release(ctx, s.removed); err != nil {
		return 0, unavailable("RecoverShards", err)
	}
	if err := r.fence.RaiseShards(ctx, owned); err != nil {
		return 0, err
	}
	return r.fence.RecoverShards(ctx, owned)
}

// UnfinishedTurns are those that are to be taken up.
func (r *Registry) UnfinishedTurns(ctx context.Context, owned func(messages.Shard) bool) ([]messages.UnfinishedTurn, error) {
	return r.fence.UnfinishedTurns(ctx, owned)
}
