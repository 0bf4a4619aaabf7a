package router

import (
	"testing"

	"pgregory.net/rapid"

	"example.com/parley/messages"
)

func TestCycleServesByWeightAndSpreadsEvenly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(1, maxWeight), 1, maxSteps).Draw(t, "weights")
		cycle := smoothCycle(weights)
		sum := 0
		for _, w := range weights {
			sum += w
		}
		served := make([]int, len(weights))
		for turn, place := range cycle {
			served[place]++
			for i, w := range weights {
				if due := float64(w) * float64(turn+1) / float64(sum); float64(served[i]) > due+float64(len(weights)) || float64(served[i]) < due-float64(len(weights)) {
					t.Fatalf("after %d turns %d was served %d times, due were %.1f", turn+1, i, served[i], due)
				}
			}
		}
		for i, w := range weights {
			if served[i]*sum != w*len(cycle) {
				t.Fatalf("weight %d of %d was served %d times in %d", w, sum, served[i], len(cycle))
			}
		}
	})
}

func TestOrderHasEveryTargetOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(1, maxWeight), 1, maxSteps).Draw(t, "weights")
		targets := make([]messages.Target, len(weights))
		for i := range targets {
			targets[i].Provider = string(rune('a' + i))
		}
		l := newLevel(messages.StrategyUnset, targets, weights)
		for range rapid.IntRange(1, 50).Draw(t, "turns") {
			seen := make(map[string]bool)
			for _, target := range l.bestFor("m", messages.StrategyUnset, nil) {
				if seen[target.Provider] || target.Model != "m" {
					t.Fatalf("%v, again or without its model", target)
				}
				seen[target.Provider] = true
			}
			if len(seen) != len(targets) {
				t.Fatalf("%d of %d targets", len(seen), len(targets))
			}
		}
	})
}
