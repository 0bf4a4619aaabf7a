package router

import (
	"math"
	"math/rand/v2"
	"time"

	"example.com/parley/messages"
)

// Health tells how targets are. provider.Providers implements it. It is asked
// for each request.
type Health interface {
	// Refusal is nil for a target that takes calls, and otherwise says when it
	// will again, as its RetryAfter.
	Refusal(target messages.Target) *messages.Failure
	// IsSpare tells of a target that refuses whether it would take a call all
	// the same. Such a one goes behind the others.
	IsSpare(target messages.Target) bool
	// Load is how many calls the target's provider has running, and how long
	// the target took of late to begin an answer, streamed or in one piece;
	// zero where nothing is known.
	Load(target messages.Target, streamed bool) (inFlight int64, latency time.Duration)
}

// Prices tells what a call to a target would cost. tenant.Prices implements it.
type Prices interface {
	// Cost returns false for a target without a price.
	Cost(target messages.Target, usage messages.Usage) (messages.NanoDollars, bool)
}

// judge orders targets by what is known of them now.
type judge struct {
	health Health
	prices Prices
	call   *messages.Call
}

// few targets are compared all; of more, two by chance. Who always takes the
// best of many by what was measured sends a crowd there.
const few = 4

// arrange puts the best target first. It changes the order in place; equals keep
// theirs, which is that of their turns.
func (j *judge) arrange(by messages.Strategy, targets []messages.Target) {
	switch {
	case len(targets) < 2 || !by.Measured():
	case len(targets) <= few || by == messages.StrategyCheapest:
		j.sort(by, targets)
	default:
		j.sort(by, twoOf(targets))
	}
}

// twoOf brings two targets to the front, by chance, and returns them.
func twoOf(targets []messages.Target) []messages.Target {
	const two = 2
	for i := range two {
		other := i + rand.IntN(len(targets)-i) // #nosec G404 -- nothing secret
		targets[i], targets[other] = targets[other], targets[i]
	}
	return targets[:two]
}

func (j *judge) sort(by messages.Strategy, targets []messages.Target) {
	var usage messages.Usage
	if by == messages.StrategyCheapest {
		usage = j.usual()
	}
	sortBy(targets, func(i int) float64 { return j.score(by, targets[i], usage) })
}

// sortBy orders targets by score, the lowest first, by insertion: there are few.
// score is asked once for each place, whose target is there still.
func sortBy(targets []messages.Target, score func(i int) float64) {
	var scores [maxSteps]float64
	for i := range targets[:min(len(targets), maxSteps)] {
		scores[i] = score(i)
		for at := i; at > 0 && scores[at] < scores[at-1]; at-- {
			scores[at], scores[at-1] = scores[at-1], scores[at]
			targets[at], targets[at-1] = targets[at-1], targets[at]
		}
	}
}

// score is lower for a better target.
func (j *judge) score(by messages.Strategy, target messages.Target, usage messages.Usage) float64 {
	switch by {
	case messages.StrategyCheapest:
		return j.cost(target, usage)
	case messages.StrategyLatency:
		inFlight, latency := j.health.Load(target, j.call != nil && j.call.Stream)
		return expected(inFlight, latency)
	default:
		inFlight, _ := j.health.Load(target, false)
		return float64(inFlight)
	}
}

// expected is about how long a call to a target would wait. One of which nothing
// is known is tried first, but by one call at a time: while that runs it counts as
// slower than any other.
func expected(inFlight int64, latency time.Duration) float64 {
	if latency == 0 && inFlight > 0 {
		return math.MaxFloat32 + float64(inFlight)*math.MaxFloat32
	}
	return float64(latency) * float64(inFlight+1)
}

// usualOutput is how many tokens a reply is taken to have, for the comparison of
// prices. A limit says how long a reply may be, not how long it will.
const usualOutput = 500

// usual is what the call is taken to use.
func (j *judge) usual() messages.Usage {
	usage := messages.Usage{Input: usualOutput, Output: usualOutput}
	if j.call != nil {
		usage.Input = messages.EstimateTokens(j.call.Items)
		if limit := j.call.Options.MaxTokens; limit != nil {
			usage.Output = min(*limit, usualOutput)
		}
	}
	return usage
}

// cost is what so much costs at a target; those without a price come last.
func (j *judge) cost(target messages.Target, usage messages.Usage) float64 {
	cost, known := j.prices.Cost(target, usage)
	if !known {
		return math.Inf(1)
	}
	return float64(cost)
}
