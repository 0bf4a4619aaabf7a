package etcd

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"example.com/parley/messages"
)

// memberValue is what a member's key has.
type memberValue struct {
	Address string    `json:"address"`
	Version string    `json:"version"`
	Leaving bool      `json:"leaving,omitempty"`
	Joined  time.Time `json:"joined"`
}

// shardValue is what a shard's key has.
type shardValue struct {
	Owner messages.MemberID   `json:"owner"`
	Epoch messages.ShardEpoch `json:"epoch"`
}

// known is a value, and when etcd last changed it.
type known[V any] struct {
	value    V
	revision int64
}

// state is what etcd has, at one moment.
type state struct {
	order   []messages.MemberID // in which they joined
	members map[messages.MemberID]known[memberValue]
	beats   map[messages.MemberID]bool
	shards  map[messages.Shard]known[shardValue]
	removed []messages.MemberID
}

// read returns all of it, the shards where they are wanted.
func (r *Registry) read(ctx context.Context, shards bool) (*state, error) {
	asked := []clientv3.Op{
		clientv3.OpGet(r.membersAt(), clientv3.WithPrefix(), clientv3.WithSort(clientv3.SortByCreateRevision, clientv3.SortAscend)),
		clientv3.OpGet(r.beatsAt(), clientv3.WithPrefix(), clientv3.WithKeysOnly()),
		clientv3.OpGet(r.removedAt(), clientv3.WithPrefix(), clientv3.WithKeysOnly()),
	}
	if shards {
		asked = append(asked, clientv3.OpGet(r.shardsAt(), clientv3.WithPrefix()))
	}
	answer, err := r.client.Txn(ctx).Then(asked...).Commit()
	if err != nil {
		return nil, fmt.Errorf("read the cluster's state: %w", err)
	}
	return r.understand(answer)
}

func (r *Registry) understand(answer *clientv3.TxnResponse) (*state, error) {
	s := &state{members: make(map[messages.MemberID]known[memberValue]), beats: make(map[messages.MemberID]bool), shards: make(map[messages.Shard]known[shardValue])}
	for i, at := range []string{r.membersAt(), r.beatsAt(), r.removedAt(), r.shardsAt()} {
		if i == len(answer.Responses) {
			break
		}
		for _, kv := range answer.Responses[i].GetResponseRange().GetKvs() {
			if err := s.take(i, strings.TrimPrefix(string(kv.GetKey()), at), kv); err != nil {
				return nil, fmt.Errorf("read etcd's key %s: %w", kv.GetKey(), err)
			}
		}
	}
	return s, nil
}

// take reads a key of one of the four kinds.
func (s *state) take(kind int, name string, kv *mvccpb.KeyValue) error {
	id := messages.MemberID(name)
	switch kind {
	case 0:
		var v memberValue
		if err := json.Unmarshal(kv.GetValue(), &v); err != nil {
			return err
		}
		s.order = append(s.order, id)
		s.members[id] = known[memberValue]{v, kv.GetModRevision()}
	case 1:
		s.beats[id] = true
	case 2:
		s.removed = append(s.removed, id)
	default:
		var v shardValue
		if err := json.Unmarshal(kv.GetValue(), &v); err != nil {
			return err
		}
		n, err := strconv.Atoi(name)
		if err != nil {
			return err
		}
		s.shards[messages.Shard(n)] = known[shardValue]{v, kv.GetModRevision()}
	}
	return nil
}

// list returns the members. How long their leases run on nobody knows but etcd: ttl at
// most, for those that run.
func (s *state) list(ttl time.Duration) []messages.Member {
	members := make([]messages.Member, 0, len(s.order))
	for _, id := range s.order {
		v := s.members[id].value
		m := messages.Member{ID: id, Address: v.Address, Version: v.Version, Leaving: v.Leaving, Joined: v.Joined, Lease: -1}
		if s.beats[id] {
			m.Lease = ttl
		}
		members = append(members, m)
	}
	return members
}

// silent are the members whose beat is gone, but for one.
func (s *state) silent(but messages.MemberID) []messages.MemberID {
	return slices.DeleteFunc(slices.Clone(s.order), func(id messages.MemberID) bool { return s.beats[id] || id == but })
}

// placements are those of all shards, in their order.
func (s *state) placements() []messages.Placement {
	all := make([]messages.Placement, messages.Shards)
	for i := range all {
		shard := messages.Shard(i)
		v := s.shards[shard].value
		all[i] = messages.Placement{Shard: shard, Owner: v.Owner, Epoch: v.Epoch}
	}
	return all
}

func text(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}
