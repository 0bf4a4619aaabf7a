package cluster

import "example.com/parley/messages"

// StateOf sums up what the registry says.
func StateOf(members []messages.Member, placements []messages.Placement) messages.ClusterState {
	s := messages.ClusterState{Members: make([]messages.MemberShare, len(members))}
	at := make(map[messages.MemberID]int, len(members))
	for i := range members {
		s.Members[i].Member = members[i]
		at[members[i].ID] = i
	}
	for i, wanted := range plan(members, placements) {
		owner := placements[i].Owner
		if m, is := at[owner]; is {
			s.Members[m].Shards++
		} else {
			s.Unowned++
		}
		if wanted != owner {
			s.Moving++
		}
	}
	return s
}
