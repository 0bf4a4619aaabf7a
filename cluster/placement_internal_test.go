package cluster

import (
	"fmt"
	"slices"
	"testing"

	"example.com/parley/messages"
)

func nobodysShards() []messages.Placement {
	placements := make([]messages.Placement, messages.Shards)
	for i := range placements {
		placements[i].Shard = messages.Shard(i)
	}
	return placements
}

func named(n int) []messages.Member {
	members := make([]messages.Member, n)
	for i := range members {
		members[i].ID = messages.MemberID(fmt.Sprintf("node-%d", i))
	}
	return members
}

// carryOut makes the plan true, and returns how many shards moved that had an
// owner among the members.
func carryOut(members []messages.Member, placements []messages.Placement) (moved int) {
	for i, owner := range plan(members, placements) {
		before := placements[i].Owner
		if before != owner && slices.ContainsFunc(members, func(m messages.Member) bool { return m.ID == before }) {
			moved++
		}
		placements[i].Owner = owner
	}
	return moved
}

// spread is the most that a member has, by the mean.
func spread(t *testing.T, members []messages.Member, placements []messages.Placement) float64 {
	t.Helper()
	owned, most := make(map[messages.MemberID]int), 0
	for _, p := range placements {
		owned[p.Owner]++
		most = max(most, owned[p.Owner])
	}
	if len(owned) != len(members) {
		t.Fatalf("%d of %d members own anything: %v", len(owned), len(members), owned)
	}
	return float64(most*len(members)) / messages.Shards
}

func TestShardsSpreadEvenlyHoweverMembersComeAndGo(t *testing.T) {
	t.Parallel()
	placements := nobodysShards()
	carryOut(named(1), placements)
	for nodes := 2; nodes <= 16; nodes++ {
		moved := carryOut(named(nodes), placements)
		if ratio := spread(t, named(nodes), placements); ratio > 1.02 {
			t.Errorf("%d nodes: the fullest has %.3f of the mean", nodes, ratio)
		}
		if most := messages.Shards/nodes + 1; moved > most {
			t.Errorf("%d shards moved for node %d, want at most its own %d", moved, nodes, most)
		}
	}
	for nodes := 15; nodes >= 3; nodes-- {
		if moved := carryOut(named(nodes), placements); moved > nodes {
			t.Errorf("%d shards of others moved when node %d left", moved, nodes)
		}
		if ratio := spread(t, named(nodes), placements); ratio > 1.02 {
			t.Errorf("%d nodes are left: the fullest has %.3f of the mean", nodes, ratio)
		}
	}
}

func TestPlanThatIsCarriedOutStays(t *testing.T) {
	t.Parallel()
	placements := nobodysShards()
	carryOut(named(7), placements)
	if moved := carryOut(named(7), placements); moved != 0 {
		t.Errorf("%d shards moved for nothing", moved)
	}
}

func TestMemberThatLeavesGetsNoShard(t *testing.T) {
	t.Parallel()
	members, placements := named(3), nobodysShards()
	carryOut(members, placements)
	members[1].Leaving = true
	carryOut(members, placements)
	for _, p := range placements {
		if p.Owner == members[1].ID {
			t.Fatalf("shard %d stays with it", p.Shard)
		}
	}
}

func TestShardsStayWhereAllMembersLeave(t *testing.T) {
	t.Parallel()
	members, placements := named(2), nobodysShards()
	carryOut(members, placements)
	for i := range members {
		members[i].Leaving = true
	}
	if moved := carryOut(members, placements); moved != 0 {
		t.Errorf("%d shards moved to nobody", moved)
	}
}
