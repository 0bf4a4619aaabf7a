package tenant

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"example.com/parley/messages"
)

// shelf is a store of prices in memory.
type shelf struct {
	mu      sync.Mutex
	version uint64
	set     []messages.PriceVersion
	away    error
}

func (s *shelf) Prices(context.Context) ([]messages.PriceVersion, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.set), s.away
}

func (s *shelf) PricesVersion(context.Context) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version, s.away
}

func (s *shelf) SetPrice(_ context.Context, v messages.PriceVersion) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	s.set = append(s.set, v)
	return s.away
}

func (s *shelf) DropPrice(_ context.Context, model string, from time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	s.set = slices.DeleteFunc(s.set, func(v messages.PriceVersion) bool { return v.Model == model && v.From.Equal(from) })
	return s.away
}

// charged is what a token of input costs, and by which price.
func charged(p *Prices, target messages.Target, at time.Time) string {
	c := p.Charge(target, messages.Usage{Input: 1000}, at)
	return fmt.Sprintf("%d %v %s", c.Cost, c.Known, c.Price)
}

func TestPriceThatHeldAtTheBeginningCounts(t *testing.T) {
	t.Parallel()
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	p := newPrices(t, PriceConfig{
		"gpt-4o@2030-01-01": {Input: 5, Output: 9},
		"gpt-4o@2030-02-01": {Input: 6, Output: 9},
		"acme/*":            {Input: 7, Output: 9},
	})
	for at, want := range map[string]string{
		"2029-12-31": "2500000 true table:gpt-4o@2026-10-04",
		"2030-01-01": "5 true configuration:gpt-4o@2030-01-01=5/0/0/9",
		"2030-01-31": "5 true configuration:gpt-4o@2030-01-01=5/0/0/9",
		"2030-02-01": "6 true configuration:gpt-4o@2030-02-01=6/0/0/9",
	} {
		if got := charged(p, messages.Target{Provider: "openai", Model: "gpt-4o"}, day(at)); got != want {
			t.Errorf("on %s it costs %s, want %s", at, got, want)
		}
	}
	store := &shelf{version: 1, set: []messages.PriceVersion{
		{Model: "gpt-4o", From: day("2030-01-15"), Price: messages.Price{Input: 1}, Origin: messages.PriceOperator, Name: "set"},
		{Model: "gpt-4o", From: day("2030-01-20"), Withdrawn: true, Origin: messages.PriceOperator, Name: "withdrawn"},
		{Model: "gpt-4o", From: day("2030-03-01"), Price: messages.Price{Input: 2}, Origin: messages.PriceOperator, Name: "again"},
		{Model: "acme/gpt-4o", From: day("2030-03-01"), Price: messages.Price{Input: 3}, Origin: messages.PriceOperator, Name: "of one"},
	}}
	if err := p.Load(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{
		"2030-01-14": "5 true configuration:gpt-4o@2030-01-01=5/0/0/9",
		"2030-01-15": "1 true set",
		"2030-01-20": "5 true configuration:gpt-4o@2030-01-01=5/0/0/9",
		"2030-02-01": "6 true configuration:gpt-4o@2030-02-01=6/0/0/9",
		"2030-03-01": "2 true again",
	} {
		if got := charged(p, messages.Target{Provider: "openai", Model: "gpt-4o"}, day(at)); got != want {
			t.Errorf("with the operator's, on %s it costs %s, want %s", at, got, want)
		}
	}
	if got := charged(p, messages.Target{Provider: "acme", Model: "gpt-4o"}, day("2030-03-02")); got != "3 true of one" {
		t.Errorf("of one provider it costs %s", got)
	}
	if got := charged(p, messages.Target{Provider: "acme", Model: "own"}, day("2030-03-02")); got != "7 true configuration:acme/*=7/0/0/9" {
		t.Errorf("of a provider whose prices are alike it costs %s", got)
	}
}

func TestTableHasPricesOfThePast(t *testing.T) {
	t.Parallel()
	p := newPrices(t, nil)
	o3 := messages.Target{Provider: "openai", Model: "o3-2025-04-16"}
	before := p.Charge(o3, messages.Usage{Input: 1e6, Output: 1e6}, time.Date(2025, 6, 9, 0, 0, 0, 0, time.UTC))
	after := p.Charge(o3, messages.Usage{Input: 1e6, Output: 1e6}, time.Date(2025, 6, 10, 0, 0, 0, 0, time.UTC))
	if before.Cost != 50e9 || after.Cost != 10e9 || before.Price == after.Price {
		t.Errorf("it cost %+v, and then %+v", before, after)
	}
}

// What is found in snapshots agrees with a look through all versions.
func TestPriceIsFoundAsAModelFindsIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"a", "b", "p/a", "p/b", "a*", "p/*", "p*", "*"}
		var all []messages.PriceVersion
		used := make(map[string]bool)
		for n := range rapid.IntRange(0, 12).Draw(t, "versions") {
			v := messages.PriceVersion{
				Model: rapid.SampledFrom(names).Draw(t, "name"), From: time.Unix(rapid.Int64Range(1, 9).Draw(t, "from"), 0),
				Withdrawn: rapid.Bool().Draw(t, "withdrawn"), Name: fmt.Sprint(n),
				Origin: rapid.SampledFrom([]messages.PriceOrigin{messages.PriceOperator, messages.PriceConfiguration}).Draw(t, "origin"),
			}
			v.Withdrawn = v.Withdrawn && v.Origin == messages.PriceOperator
			if key := fmt.Sprint(v.Model, v.From.Unix(), v.Origin); !used[key] {
				used[key] = true
				all = append(all, v)
			}
		}
		target := messages.Target{Provider: rapid.SampledFrom([]string{"p", "q", "pp"}).Draw(t, "provider"), Model: rapid.SampledFrom([]string{"a", "b", "ab"}).Draw(t, "model")}
		at := time.Unix(rapid.Int64Range(0, 10).Draw(t, "at"), 0)
		got := ""
		if v := newTariffs(all).find(target, at); v != nil {
			got = v.name
		}
		if want := plainly(all, target, at); got != want {
			t.Fatalf("found %q, want %q", got, want)
		}
	})
}

// plainly is the rule in the plainest words.
func plainly(all []messages.PriceVersion, target messages.Target, at time.Time) string {
	names := []string{target.String(), target.Model, "p/*", "a*", "p*", "*"} // the longest first
	for _, name := range names {
		prefix, many := strings.CutSuffix(name, "*")
		if many && !strings.HasPrefix(target.String(), prefix) && !strings.HasPrefix(target.Model, prefix) {
			continue
		}
		for _, origin := range []messages.PriceOrigin{messages.PriceOperator, messages.PriceConfiguration} {
			var latest *messages.PriceVersion
			for i := range all {
				v := &all[i]
				if v.Model == name && v.Origin == origin && !v.From.After(at) && (latest == nil || v.From.After(latest.From)) {
					latest = v
				}
			}
			if latest != nil && !latest.Withdrawn {
				return latest.Name
			}
		}
	}
	return ""
}

func TestServersGoByAChangeFromTheSameMomentOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &shelf{}
		here, there := newPrices(t, nil), newPrices(t, nil)
		ctx, stop := context.WithCancel(t.Context())
		var done sync.WaitGroup
		for _, p := range []*Prices{here, there} {
			done.Go(func() {
				if err := p.Follow(ctx, store, prometheus.NewRegistry()); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(250 * time.Millisecond)
		kept, err := NewPriceAdministration(store, here).SetPrice(ctx, messages.PriceVersion{Model: "m", Price: messages.Price{Input: 1, Output: 1}})
		if err != nil {
			t.Fatal(err)
		}
		if wait := time.Until(kept.From); wait <= 2*time.Second || wait > 5*time.Second || kept.From.Nanosecond() != 0 {
			t.Errorf("it holds in %s, from %s on", wait, kept.From)
		}
		time.Sleep(time.Until(kept.From) - time.Millisecond)
		target := messages.Target{Provider: "p", Model: "m"}
		for _, p := range []*Prices{here, there} {
			if _, known := p.Cost(target, messages.Usage{}); known {
				t.Error("it holds too early")
			}
		}
		time.Sleep(time.Millisecond)
		for _, p := range []*Prices{here, there} {
			if c := p.Charge(target, messages.Usage{Input: 1}, time.Now()); c.Price != messages.NameSetPrice("m", kept.From) || c.Cost != 1 {
				t.Errorf("it costs %+v", c)
			}
		}
		stop()
		done.Wait()
	})
}

func TestPricesStayWhileTheStoreIsAway(t *testing.T) {
	t.Parallel()
	p, store := newPrices(t, nil), &shelf{version: 1, set: []messages.PriceVersion{{Model: "m", From: time.Unix(1, 0), Origin: messages.PriceOperator}}}
	if err := p.Load(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	store.version, store.set, store.away = 2, nil, &messages.Failure{Code: messages.CodeStoreUnavailable}
	if err := p.Load(t.Context(), store); messages.CodeOf(err) != messages.CodeStoreUnavailable {
		t.Errorf("got %v", err)
	}
	if _, known := p.Cost(messages.Target{Model: "m"}, messages.Usage{}); !known {
		t.Error("the price was forgotten")
	}
}

func TestPricesThatCannotBeSet(t *testing.T) {
	t.Parallel()
	a := NewPriceAdministration(&shelf{}, newPrices(t, nil))
	for param, v := range map[string]messages.PriceVersion{
		"model":  {Model: "a*b"},
		"price":  {Model: "m", Price: messages.Price{Output: -1}},
		"source": {Model: "m", Source: strings.Repeat("x", 501)},
		"from":   {Model: "m", From: time.Now().Add(-2 * time.Second)},
	} {
		_, err := a.SetPrice(t.Context(), v)
		if f := messages.AsFailure(err); f.Code != messages.CodeInvalidRequest || f.Param != param {
			t.Errorf("%s: %v", param, err)
		}
	}
	if _, err := a.WithdrawPrice(t.Context(), "m", time.Now().Add(-time.Hour)); messages.AsFailure(err).Param != "from" {
		t.Errorf("a price that held was taken back: %v", err)
	}
}

func TestPlannedPriceIsTakenBack(t *testing.T) {
	t.Parallel()
	store := &shelf{}
	p := newPrices(t, nil)
	a := NewPriceAdministration(store, p)
	from := time.Now().Add(time.Hour)
	kept, err := a.SetPrice(t.Context(), messages.PriceVersion{Model: "m", From: from})
	if err != nil {
		t.Fatal(err)
	}
	later := kept.From.Add(time.Second)
	if !p.Charge(messages.Target{Model: "m"}, messages.Usage{}, later).Known {
		t.Error("it was not planned")
	}
	if _, err := a.WithdrawPrice(t.Context(), "m", kept.From); err != nil {
		t.Fatal(err)
	}
	if p.Charge(messages.Target{Model: "m"}, messages.Usage{}, later).Known {
		t.Error("it is planned still")
	}
	all, err := a.Prices(t.Context())
	if err != nil || len(all) != len(p.fixed) {
		t.Errorf("%d prices: %v", len(all), err)
	}
}

func TestChargeAllocatesNothing(t *testing.T) {
	p := newPrices(t, PriceConfig{"local/*": {}, "acme/gpt-4o": {Input: 1}})
	at := time.Now()
	for _, target := range []messages.Target{{Provider: "openai", Model: "gpt-4o-2024-08-06"}, {Provider: "acme", Model: "gpt-4o"}, {Provider: "local", Model: "llama"}, {Provider: "p", Model: "nobody"}} {
		if n := testing.AllocsPerRun(100, func() { p.Charge(target, messages.Usage{Input: 1000}, at) }); n != 0 {
			t.Errorf("%s: %v allocations", target, n)
		}
	}
}
