package messages_test

import (
	"strconv"
	"testing"

	"example.com/parley/messages"
)

func TestAffinityIsThatOfTheWholeName(t *testing.T) {
	t.Parallel()
	seen := make(map[messages.Affinity][]string)
	for _, parts := range [][]string{{""}, {"ab", "c"}, {"a", "bc"}, {"abc"}, {"abc", ""}, {"", "abc"}} {
		a := messages.AffinityOf(parts[0], parts[1:]...)
		if a == 0 {
			t.Errorf("%q has none", parts)
		}
		if other, taken := seen[a]; taken {
			t.Errorf("%q and %q are alike", parts, other)
		}
		seen[a] = parts
	}
	if got := messages.AffinityOf("acme", "conv_1"); got != 0x6696a4910cad2ba3 {
		t.Errorf("a name has %#x: other nodes know it by another", got)
	}
}

func TestAffinitiesAreSpreadOverPlaces(t *testing.T) {
	t.Parallel()
	const names, places = 9000, 3
	var chosen [places]int
	for n := range names {
		a := messages.AffinityOf("acme", "conv_"+strconv.Itoa(n))
		best := 0
		for place := range places {
			if a.Score(uint64(messages.AffinityOf(strconv.Itoa(place)))) > a.Score(uint64(messages.AffinityOf(strconv.Itoa(best)))) {
				best = place
			}
		}
		chosen[best]++
	}
	for place, n := range chosen {
		if n < names/places*9/10 || n > names/places*11/10 {
			t.Errorf("place %d is best for %d of %d", place, n, names)
		}
	}
}
