package messages_test

import (
	"testing"

	"example.com/parley/messages"
)

func TestNamesForPeople(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"openai/gpt-4o": messages.Target{Provider: "openai", Model: "gpt-4o"}.String(),
		"closed":        messages.BreakerClosed.String(), "half_open": messages.BreakerHalfOpen.String(), "open": messages.BreakerOpen.String(),
		"success": messages.OutcomeSuccess.String(), "cancelled": messages.OutcomeCancelled.String(),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestUsageTotalCountsNothingTwice(t *testing.T) {
	t.Parallel()
	usage := messages.Usage{Input: 5, Output: 4, Cached: 3, CacheWrite: 2, Reasoning: 1}
	if got := usage.Total(); got != 9 {
		t.Errorf("got %d", got)
	}
}
