package router

import (
	"sync/atomic"

	"example.com/parley/messages"
)

// level is a set of targets that share the calls by weight. It is immutable but
// for the turn, and safe for concurrent use.
type level struct {
	targets []messages.Target // with an empty model where the caller names it
	cycle   []uint8           // places in targets, in the order of serving
	turn    atomic.Uint64
}

func newLevel(targets []messages.Target, weights []int) *level {
	return &level{targets: targets, cycle: smoothCycle(weights)}
}

// appendOrder appends the targets in the order of this turn: first the one whose
// turn it is, then the others as their turns follow. So a target that is out
// leaves its calls to the rest by their weights. A model that is not empty
// replaces the targets' own.
func (l *level) appendOrder(dst []messages.Target, model string) []messages.Target {
	if len(l.targets) == 1 {
		return append(dst, named(l.targets[0], model))
	}
	at := int((l.turn.Add(1) - 1) % uint64(len(l.cycle))) // #nosec G115 -- below the length
	var seen uint64
	for left := len(l.targets); left > 0; at++ {
		if at == len(l.cycle) {
			at = 0
		}
		place := l.cycle[at]
		if seen&(1<<place) == 0 {
			seen |= 1 << place
			dst = append(dst, named(l.targets[place], model))
			left--
		}
	}
	return dst
}

func named(t messages.Target, model string) messages.Target {
	if model != "" {
		t.Model = model
	}
	return t
}

// smoothCycle returns one round of serving by weight, spread as evenly as can
// be: weights 3, 1 come as 0 0 1 0. In each step every candidate gains its
// weight, and the one that has most is served and pays the sum. Weights are
// above 0. This is nginx's smooth weighted round-robin.
func smoothCycle(weights []int) []uint8 {
	sum, divisor := 0, 0
	for _, w := range weights {
		sum += w
		divisor = gcd(divisor, w)
	}
	credit := make([]int, len(weights))
	cycle := make([]uint8, sum/divisor)
	for turn := range cycle {
		best := 0
		for i, w := range weights {
			credit[i] += w
			if credit[i] > credit[best] {
				best = i
			}
		}
		credit[best] -= sum
		cycle[turn] = uint8(best) // #nosec G115 -- at most maxSteps
	}
	return cycle
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
