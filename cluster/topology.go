package cluster

import (
	"slices"
	"sync/atomic"

	"example.com/parley/messages"
)

// topology is who owns what, as this node knows it. It is never changed: the shards'
// keeper publishes another.
type topology struct {
	members []messages.Member
	owners  [messages.Shards]owner
}

// owner is a shard's; without a member nobody is.
type owner struct {
	member  messages.MemberID
	address string
	epoch   messages.ShardEpoch
}

// newTopology joins what the store says. Owners that are no members own nothing.
func newTopology(members []messages.Member, placements []messages.Placement) *topology {
	t := &topology{members: members}
	addresses := make(map[messages.MemberID]string, len(members))
	for i := range members {
		addresses[members[i].ID] = members[i].Address
	}
	for _, p := range placements {
		if address, is := addresses[p.Owner]; is && int(p.Shard) < len(t.owners) {
			t.owners[p.Shard] = owner{member: p.Owner, address: address, epoch: p.Epoch}
		}
	}
	return t
}

// held is which shards this node has open, and under which epochs: 0 for those that
// it has not. Everybody reads it; the shards' keeper alone changes it.
type held struct {
	epochs [messages.Shards]atomic.Uint32
}

func (h *held) epoch(s messages.Shard) messages.ShardEpoch {
	return messages.ShardEpoch(h.epochs[s].Load())
}

func (h *held) set(s messages.Shard, e messages.ShardEpoch) { h.epochs[s].Store(uint32(e)) }

// count is how many shards are open here.
func (h *held) count() (n int) {
	for i := range h.epochs {
		if h.epochs[i].Load() > 0 {
			n++
		}
	}
	return n
}

// has tells whether a node is a member.
func (t *topology) has(id messages.MemberID) bool {
	return slices.ContainsFunc(t.members, func(m messages.Member) bool { return m.ID == id })
}
