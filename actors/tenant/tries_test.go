package tenant

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"example.com/parley/messages"
)

func newTries(most int) *Tries {
	cfg := DefaultConfig()
	cfg.MaxTries = most
	return NewTries(cfg, prometheus.NewRegistry())
}

func TestAddressHasItsTriesAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tries := newTries(3)
		for range 3 {
			if err := tries.Allowed("192.0.2.1"); err != nil {
				t.Fatalf("before it had its tries: %v", err)
			}
			tries.Failed("192.0.2.1")
			time.Sleep(10 * time.Second)
		}
		f := messages.AsFailure(tries.Allowed("192.0.2.1"))
		if f.Code != messages.CodeTooManyTries || f.RetryAfter != 30*time.Second {
			t.Errorf("got %v, retry after %s", f, f.RetryAfter)
		}
		if err := tries.Allowed("192.0.2.2"); err != nil {
			t.Errorf("another address: %v", err)
		}
		time.Sleep(f.RetryAfter)
		if err := tries.Allowed("192.0.2.1"); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	})
}

func TestTriesAreNotCountedWhereNoneAreLimited(t *testing.T) {
	t.Parallel()
	tries := newTries(0)
	for range 100 {
		tries.Failed("192.0.2.1")
	}
	if err := tries.Allowed("192.0.2.1"); err != nil {
		t.Error(err)
	}
}

func TestSourceOfAnAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.1":                 "192.0.2.1/32",
		"::ffff:192.0.2.1":          "192.0.2.1/32",
		"2001:db8:1:2:3:4:5:6":      "2001:db8:1:2::/64",
		"fe80::1%eth0":              "fe80::/64",
		"not an address":            "invalid Prefix",
		"":                          "invalid Prefix",
		"2001:db8:1:2:ffff:ffff::1": "2001:db8:1:2::/64",
	} {
		if got := sourceOf(address).String(); got != want {
			t.Errorf("%q counts as %s, want %s", address, got, want)
		}
	}
}

func TestTableIsBounded(t *testing.T) {
	t.Parallel()
	table := tryTable{sources: make(map[netip.Prefix]tries)}
	now := time.Unix(1e9, 0)
	source := func(i int) netip.Prefix { return sourceOf(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)) }
	for i := range maxSources + 100 {
		table.add(source(i), now)
	}
	if len(table.sources) != maxSources {
		t.Errorf("%d sources, want %d", len(table.sources), maxSources)
	}
	table.add(source(maxSources+1), now.Add(tryWindow))
	if len(table.sources) != 1 {
		t.Errorf("%d sources once all windows are over, want 1", len(table.sources))
	}
}

// The table against a list of all tries.
func TestTableCountsLikeAList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		table := tryTable{sources: make(map[netip.Prefix]tries)}
		now, opened, list := time.Unix(1e9, 0), time.Time{}, []time.Time(nil)
		source := sourceOf("192.0.2.1")
		const most = 3
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "seconds")) * time.Second)
			if now.Sub(opened) >= tryWindow {
				opened, list = now, nil
			}
			if rapid.Bool().Draw(t, "try") {
				if len(list) == 0 {
					opened = now
				}
				table.add(source, now)
				list = append(list, now)
			}
			want := time.Duration(0)
			if len(list) >= most {
				want = tryWindow - now.Sub(opened)
			}
			if got := table.wait(source, most, now); got != want {
				t.Fatalf("waits %s, want %s after %d tries", got, want, len(list))
			}
		}
	})
}
