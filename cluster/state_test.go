package cluster_test

import (
	"testing"

	"example.com/parley/cluster"
	"example.com/parley/messages"
)

func TestStateCountsWhatMembersOwnAndWhatMoves(t *testing.T) {
	t.Parallel()
	members := []messages.Member{{ID: "a"}, {ID: "b", Leaving: true}}
	placements := []messages.Placement{{Shard: 0, Owner: "a"}, {Shard: 1, Owner: "b"}, {Shard: 2, Owner: "gone"}, {Shard: 3, Owner: "a"}}
	got := cluster.StateOf(members, placements)
	if len(got.Members) != 2 || got.Members[0].Shards != 2 || got.Members[1].Shards != 1 || got.Unowned != 1 || got.Moving != 2 {
		t.Errorf("got %+v", got)
	}
}
