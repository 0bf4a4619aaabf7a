package messages_test

import (
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"example.com/parley/messages"
)

func TestGroupsAreReadInAnyOrder(t *testing.T) {
	t.Parallel()
	groups, unknown := messages.ParseUsageGroups(" model,day, ,day")
	if unknown != "" || !slices.Equal(groups, []messages.UsageGroup{messages.ByDay, messages.ByModel}) {
		t.Errorf("got %v, unknown %q", groups, unknown)
	}
	if _, unknown = messages.ParseUsageGroups("day,colour"); unknown != "colour" {
		t.Errorf("%q is what nobody knows", unknown)
	}
	if groups, _ = messages.ParseUsageGroups(""); len(groups) != 0 {
		t.Errorf("of nothing came %v", groups)
	}
}

func TestMicroDollarsAreTheNearest(t *testing.T) {
	t.Parallel()
	for nano, want := range map[messages.NanoDollars]messages.MicroDollars{0: 0, 499: 0, 500: 1, 1499: 1, 1500: 2, -500: 0, -501: -1} {
		if got := nano.Micro(); got != want {
			t.Errorf("%d is %d, want %d", nano, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		nano := rapid.Int64().Draw(t, "nano")
		whole := new(big.Int).Div(new(big.Int).Add(big.NewInt(nano), big.NewInt(500)), big.NewInt(1000)) // rounds down, of what is a half more
		if got := messages.NanoDollars(nano).Micro(); int64(got) != whole.Int64() {
			t.Fatalf("%d is %d, want %d", nano, got, whole)
		}
	})
}

func TestWhatTheCacheSavedIsAShareOfWhatAllWouldHaveCost(t *testing.T) {
	t.Parallel()
	line := messages.UsageTotal{Cost: 30, Saved: 10}
	line.Add(&messages.UsageTotal{Cost: 30, Saved: 10, Attempts: 2})
	if line.WithoutCache() != 80 || line.SavedPercent() != 25 || line.Attempts != 2 {
		t.Errorf("%d, %v%%, %d", line.WithoutCache(), line.SavedPercent(), line.Attempts)
	}
	if none := (&messages.UsageTotal{}).SavedPercent(); none != 0 {
		t.Errorf("of nothing %v%% was saved", none)
	}
}
