package router

import (
	"slices"
	"sync/atomic"

	"example.com/parley/messages"
)

// level is a set of targets that share the calls by weight. It is immutable but
// for the turn, and safe for concurrent use.
type level struct {
	strategy messages.Strategy
	targets  []messages.Target   // with an empty model where the caller names it
	weights  []int               // of the targets, as the two below
	places   []uint64            // for affinities
	orders   [][]messages.Target // the targets, in the order of each turn
	turn     atomic.Uint64
}

func newLevel(by messages.Strategy, targets []messages.Target, weights []int) *level {
	cycle := smoothCycle(weights)
	if len(targets) == 1 {
		cycle = cycle[:1]
	}
	l := &level{
		strategy: by, targets: targets, weights: weights, places: placesOf(targets), orders: make([][]messages.Target, len(cycle)),
	}
	for turn := range cycle {
		l.orders[turn] = orderAt(cycle, turn, targets)
	}
	return l
}

// orderAt returns the targets in the order of a turn: first the one whose turn
// it is, then the others as their turns follow. So a target that is out leaves
// its calls to the rest by their weights.
func orderAt(cycle []uint8, turn int, targets []messages.Target) []messages.Target {
	order := make([]messages.Target, 0, len(targets))
	var seen uint64
	for ; len(order) < len(targets); turn++ {
		place := cycle[turn%len(cycle)]
		if seen&(1<<place) == 0 {
			seen |= 1 << place
			order = append(order, targets[place])
		}
	}
	return order
}

// next returns the order of this turn, which must not be changed.
func (l *level) next() []messages.Target {
	if len(l.orders) == 1 {
		return l.orders[0]
	}
	return l.orders[(l.turn.Add(1)-1)%uint64(len(l.orders))]
}

// bestFor is the targets with a model of the caller's.
func (l *level) bestFor(model string, by messages.Strategy, j *judge) []messages.Target {
	order := withModel(l.targets, model)
	if j.sticks(StickyAuto, by, l.strategy, order) {
		l.stick(order, j.call.Affinity)
		return order
	}
	for i, target := range l.next() {
		order[i].Provider = target.Provider
	}
	j.arrange(by, order) // in turns otherwise: they have equal weights
	return order
}

// withModel is the targets with a model of the caller's.
func withModel(targets []messages.Target, model string) []messages.Target {
	own := slices.Clone(targets)
	for i := range own {
		own[i].Model = model
	}
	return own
}

// appendBest appends the targets, the one first that the call sticks to, or else
// that the strategy names: by, or the level's own.
func (l *level) appendBest(order []messages.Target, by messages.Strategy, mode Sticky, j *judge) []messages.Target {
	if j.sticks(mode, by, l.strategy, l.targets) {
		order = append(order, l.targets...)
		l.stick(order[len(order)-len(l.targets):], j.call.Affinity)
		return order
	}
	switch by {
	case messages.StrategyUnset:
		by = l.strategy
	case messages.StrategyRoundRobin:
		return appendTurned(order, l.targets, l.turn.Add(1)-1)
	}
	order = append(order, l.next()...)
	j.arrange(by, order[len(order)-len(l.targets):])
	return order
}

// appendTurned appends the targets from one of them on, whose turn it is.
func appendTurned(order, targets []messages.Target, turn uint64) []messages.Target {
	first := turn % uint64(len(targets))
	return append(append(order, targets[first:]...), targets[:first]...)
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
