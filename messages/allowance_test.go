package messages_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"example.com/parley/messages"
)

func TestAllowanceHasModels(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		models []string
		name   string
		want   bool
	}{
		{nil, "anything", true},
		{[]string{"gpt-5"}, "gpt-5", true},
		{[]string{"gpt-5"}, "gpt-5-mini", false},
		{[]string{"gpt-*"}, "gpt-5-mini", true},
		{[]string{"gpt-*"}, "gpt-", true},
		{[]string{"gpt-*"}, "gpt", false},
		{[]string{"gpt-*"}, "GPT-5", false},
		{[]string{"*"}, "anything", true},
		{[]string{"*"}, "", true},
		{[]string{"fast", "claude-*"}, "claude-x", true},
		{[]string{"fast", "claude-*"}, "slow", false},
	} {
		if got := (&messages.Allowance{Models: tt.models}).HasModel(tt.name); got != tt.want {
			t.Errorf("%v has %q: %t", tt.models, tt.name, got)
		}
	}
}

func TestNothingSaidAllowsEverything(t *testing.T) {
	t.Parallel()
	var all *messages.Allowed
	if messages.Narrow(messages.Allowance{}, messages.Allowance{}) != nil || all.AnyModel() != nil || all.Restricts() {
		t.Error("there is a bound")
	}
	if !all.Model("m") || !all.Provider("p") || !all.Target(messages.Target{Provider: "p", Model: "m"}) {
		t.Error("something is left out")
	}
}

func TestTargetIsAllowedByEitherName(t *testing.T) {
	t.Parallel()
	target := messages.Target{Provider: "p", Model: "m"}
	for _, tt := range []struct {
		may  messages.Allowance
		want bool
	}{
		{messages.Allowance{Models: []string{"m"}}, true},
		{messages.Allowance{Models: []string{"p/m"}}, true},
		{messages.Allowance{Models: []string{"p/*"}}, true},
		{messages.Allowance{Models: []string{"q/m"}}, false},
		{messages.Allowance{Models: []string{"m"}, Providers: []string{"q"}}, false},
		{messages.Allowance{Providers: []string{"p"}}, true},
	} {
		if got := messages.Narrow(messages.Allowance{}, tt.may).Target(target); got != tt.want {
			t.Errorf("%+v: %t", tt.may, got)
		}
	}
}

// What both allow, against what each does by itself.
func TestNarrowerOfBothCounts(t *testing.T) {
	t.Parallel()
	names := rapid.SampledFrom([]string{"a", "ab", "abc", "b", "bc"})
	models := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "ab", "a*", "ab*", "b*", "*"}), 0, 3)
	providers := rapid.SliceOfN(names, 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		tenant := messages.Allowance{Models: models.Draw(t, "tenant's models"), Providers: providers.Draw(t, "tenant's providers")}
		key := messages.Allowance{Models: models.Draw(t, "key's models"), Providers: providers.Draw(t, "key's providers")}
		both, name := messages.Narrow(tenant, key), names.Draw(t, "name")
		if want := plainModel(tenant.Models, name) && plainModel(key.Models, name); both.Model(name) != want {
			t.Fatalf("model: want %t", want)
		}
		wantProvider := plainProvider(tenant.Providers, name) && plainProvider(key.Providers, name)
		if both.Provider(name) != wantProvider {
			t.Fatalf("provider: want %t", wantProvider)
		}
		if any := both.AnyModel(); !any.Model(name) || any.Provider(name) != wantProvider {
			t.Fatal("with any model the providers are others")
		}
		if both.Restricts() != (len(tenant.Providers)+len(key.Providers) > 0) {
			t.Fatal("it is wrong whether providers are left out")
		}
	})
}

func plainModel(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if pattern == name || strings.HasSuffix(pattern, "*") && strings.HasPrefix(name, pattern[:len(pattern)-1]) {
			return true
		}
	}
	return len(patterns) == 0
}

func plainProvider(list []string, name string) bool {
	return len(list) == 0 || slices.Contains(list, name)
}
