package router

import (
	"slices"

	"example.com/parley/messages"
)

// Health tells whether a target takes calls. provider.Providers implements it.
type Health interface {
	// Refusal is nil for a target that takes calls, and otherwise says when it
	// will again, as its RetryAfter. It is asked for each request.
	Refusal(target messages.Target) *messages.Failure
}

// usable leaves out the targets that refuse calls. When all do it returns the
// refusal that ends first. It changes nothing in targets.
func usable(model string, targets []messages.Target, health Health) ([]messages.Target, error) {
	var soonest *messages.Failure
	kept := targets
	for i, target := range targets {
		refusal := health.Refusal(target)
		if refusal == nil {
			if soonest != nil {
				kept = append(kept, target)
			}
			continue
		}
		if soonest == nil {
			kept = slices.Clone(targets[:i])
		}
		if soonest == nil || refusal.RetryAfter < soonest.RetryAfter {
			soonest = refusal
		}
	}
	if len(kept) > 0 {
		return kept, nil
	}
	if len(targets) > 1 {
		soonest = &messages.Failure{
			Code: soonest.Code, What: "no provider of the model " + shown(model) + " takes calls for now",
			Do: "try again later, or use another model", RetryAfter: soonest.RetryAfter,
		}
	}
	return nil, soonest
}
