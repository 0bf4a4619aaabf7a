package messages_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"example.com/parley/messages"
)

func TestScopes(t *testing.T) {
	t.Parallel()
	both := messages.ScopeChat | messages.ScopeUsage
	for _, tt := range []struct {
		has, wanted messages.Scopes
		want        bool
	}{
		{0, both, true}, // none at all opens everything
		{0, 0, true},
		{both, 0, true},
		{both, messages.ScopeChat, true},
		{both, both, true},
		{messages.ScopeChat, both, false},
		{messages.ScopeUsage, messages.ScopeChat, false},
	} {
		if got := tt.has.Has(tt.wanted); got != tt.want {
			t.Errorf("%q has %q: %t", tt.has, tt.wanted, got)
		}
	}
	if _, err := messages.ParseScopes([]string{"chat", "chats"}); messages.AsFailure(err).Param != "scopes" {
		t.Errorf("a scope that is none: %v", err)
	}
}

func TestScopesAreReadAsTheyWereNamed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := messages.Scopes(rapid.Uint16Range(0, 1<<6-1).Draw(t, "scopes"))
		names := want.Names()
		slices.Reverse(names)
		if got, err := messages.ParseScopes(names); err != nil || got != want {
			t.Fatalf("%v became %v: %v", want, got, err)
		}
	})
}
