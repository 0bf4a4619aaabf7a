package cluster

import (
	"cmp"
	"slices"

	"example.com/parley/messages"
)

// plan says for each shard who is to own it. It depends on nothing but members and
// placements, so every member makes the same. No member gets more than the mean,
// rounded up, and no shard moves that need not. Members that leave get none; where
// all leave, what they have stays.
func plan(members []messages.Member, placements []messages.Placement) []messages.MemberID {
	owners := make([]messages.MemberID, len(placements))
	room := quotas(members, placements)
	var homeless []int
	for i, p := range placements {
		if room[p.Owner] > 0 {
			room[p.Owner]--
			owners[i] = p.Owner
			continue
		}
		homeless = append(homeless, i)
	}
	takers := make([]messages.MemberID, 0, len(room))
	for id := range room {
		takers = append(takers, id)
	}
	slices.Sort(takers)
	for _, i := range homeless {
		owners[i] = roomiest(takers, room)
		room[owners[i]]--
	}
	if len(takers) == 0 {
		for i, p := range placements {
			owners[i] = p.Owner
		}
	}
	return owners
}

// quotas is how many shards each member is to have. Where the mean is no whole
// number those have one more that own the most.
func quotas(members []messages.Member, placements []messages.Placement) map[messages.MemberID]int {
	owned := make(map[messages.MemberID]int, len(members))
	for _, p := range placements {
		owned[p.Owner]++
	}
	var staying []messages.MemberID
	for _, m := range members {
		if !m.Leaving {
			staying = append(staying, m.ID)
		}
	}
	slices.SortFunc(staying, func(a, b messages.MemberID) int {
		return cmp.Or(cmp.Compare(owned[b], owned[a]), cmp.Compare(a, b))
	})
	quota := make(map[messages.MemberID]int, len(staying))
	for i, id := range staying {
		quota[id] = len(placements) / len(staying)
		if i < len(placements)%len(staying) {
			quota[id]++
		}
	}
	return quota
}

// roomiest is the first of those with the most room.
func roomiest(takers []messages.MemberID, room map[messages.MemberID]int) (best messages.MemberID) {
	most := -1
	for _, id := range takers {
		if room[id] > most {
			best, most = id, room[id]
		}
	}
	return best
}
