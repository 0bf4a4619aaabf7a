package router

import (
	"slices"

	"example.com/parley/messages"
)

// usable leaves out the targets that refuse calls, and puts those that are spare
// behind the others; those that are at their limit it leaves out as well, while
// another takes calls. When all refuse it returns the refusal that ends first. It
// changes nothing in targets.
func usable(model string, targets []messages.Target, health Health) ([]messages.Target, error) {
	var soonest *messages.Failure
	var spare, full []messages.Target
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
		switch {
		case !health.IsSpare(target):
		case refusal.Code == messages.CodeProviderBusy:
			full = append(full, target)
		default:
			spare = append(spare, target)
		}
		if soonest == nil || refusal.RetryAfter < soonest.RetryAfter {
			soonest = refusal
		}
	}
	if kept = append(kept, spare...); len(kept) > 0 {
		return kept, nil
	}
	if len(full) > 0 {
		return full, nil // the turn was let in to one of them
	}
	if len(targets) > 1 {
		soonest = &messages.Failure{
			Code: soonest.Code, What: "no provider of the model " + shown(model) + " takes calls for now",
			Do: "try again later, or use another model", RetryAfter: soonest.RetryAfter,
		}
	}
	return nil, soonest
}
