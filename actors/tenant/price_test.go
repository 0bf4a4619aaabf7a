package tenant

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"example.com/parley/messages"
)

func newPrices(t testing.TB, own PriceConfig) *Prices {
	t.Helper()
	p, err := NewPrices(own)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCost(t *testing.T) {
	t.Parallel()
	own := PriceConfig{
		"local/*":      {},
		"azure/gpt-5":  {Input: 7e6, Output: 7e6},
		"mistral-*":    {Input: 1e6, Output: 2e6},
		"mistral-tiny": {Input: 3e6, Output: 4e6},
		"odd":          {Input: 1, Output: 1},
	}
	million := messages.Usage{Input: 1e6, Output: 1e6}
	const dollar = messages.NanoDollars(1e9)
	for name, tt := range map[string]struct {
		target messages.Target
		usage  messages.Usage
		want   messages.NanoDollars
		priced bool
	}{
		"a model of the table":               {messages.Target{Provider: "openai", Model: "gpt-4o"}, million, 12*dollar + dollar/2, true},
		"a version of it":                    {messages.Target{Provider: "openai", Model: "gpt-4o-2024-08-06"}, million, 12*dollar + dollar/2, true},
		"a version with a price of its own":  {messages.Target{Provider: "openai", Model: "gpt-4o-2024-05-13"}, million, 20 * dollar, true},
		"a version of a Claude":              {messages.Target{Provider: "anthropic", Model: "claude-haiku-4-5-20251001"}, million, 6 * dollar, true},
		"a version at Google":                {messages.Target{Provider: "vertex", Model: "claude-haiku-4-5@20251001"}, million, 6 * dollar, true},
		"cached and written input":           {messages.Target{Provider: "anthropic", Model: "claude-sonnet-4-5"}, messages.Usage{Input: 3e6, Cached: 1e6, CacheWrite: 1e6}, 3*dollar + dollar*3/10 + 3*dollar + dollar*3/4, true},
		"a short prompt":                     {messages.Target{Provider: "openai", Model: "gpt-6.2-sol"}, messages.Usage{Input: 272000}, dollar * 544 / 1000, true},
		"a long prompt":                      {messages.Target{Provider: "openai", Model: "gpt-6.2-sol"}, messages.Usage{Input: 272001, Output: 1000}, 1088004000 + 15000000, true},
		"another model with a known prefix":  {messages.Target{Provider: "openai", Model: "gpt-5-ultra"}, million, 0, false},
		"an unknown model":                   {messages.Target{Provider: "openai", Model: "nobody"}, million, 0, false},
		"a simulated model":                  {messages.Target{Provider: "simulated", Model: "echo"}, million, 0, true},
		"a simulated model with a real name": {messages.Target{Provider: "simulated", Model: "gpt-4o"}, million, 0, true},
		"a provider whose models are free":   {messages.Target{Provider: "local", Model: "gpt-4o"}, million, 0, true},
		"a provider with another price":      {messages.Target{Provider: "azure", Model: "gpt-5"}, million, 14 * dollar, true},
		"the operator's family":              {messages.Target{Provider: "any", Model: "mistral-large"}, million, 3 * dollar, true},
		"one of it by name":                  {messages.Target{Provider: "any", Model: "mistral-tiny"}, million, 7 * dollar, true},
		"less than a nano-dollar":            {messages.Target{Provider: "any", Model: "odd"}, messages.Usage{Input: 1}, 1, true},
		"nothing":                            {messages.Target{Provider: "openai", Model: "gpt-4o"}, messages.Usage{}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, priced := newPrices(t, own).Cost(tt.target, tt.usage)
			if got != tt.want || priced != tt.priced {
				t.Errorf("got %d, %v, want %d, %v", got, priced, tt.want, tt.priced)
			}
		})
	}
}

// Costs against whole numbers without a limit.
func TestCostIsExactAndRoundedUpOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.OneOf(rapid.IntRange(0, 1e6), rapid.IntRange(0, math.MaxInt))
		amount := rapid.OneOf(rapid.Int64Range(1, 1e9), rapid.Int64Range(1, maxPrice))
		p := messages.Price{Input: amount.Draw(t, "input"), Cached: amount.Draw(t, "cached"), CacheWrite: amount.Draw(t, "write"), Output: amount.Draw(t, "output")}
		u := messages.Usage{Input: count.Draw(t, "in"), Output: count.Draw(t, "out")}
		u.Cached = rapid.IntRange(0, u.Input).Draw(t, "hit")
		u.CacheWrite = rapid.IntRange(0, u.Input-u.Cached).Draw(t, "written")

		sum := new(big.Int)
		for _, part := range [][2]int64{
			{int64(u.Input - u.Cached - u.CacheWrite), p.Input},
			{int64(u.Cached), p.Cached},
			{int64(u.CacheWrite), p.CacheWrite},
			{int64(u.Output), p.Output},
		} {
			sum.Add(sum, new(big.Int).Mul(big.NewInt(part[0]), big.NewInt(part[1])))
		}
		want, rest := new(big.Int).QuoRem(sum, big.NewInt(1000), new(big.Int))
		if rest.Sign() > 0 {
			want.Add(want, big.NewInt(1))
		}
		if most := big.NewInt(math.MaxInt64); want.Cmp(most) > 0 {
			want = most
		}
		if got := costOf(&p, u); big.NewInt(int64(got)).Cmp(want) != 0 {
			t.Fatalf("got %d, want %s", got, want)
		}
	})
}

func TestMoreTokensNeverCostLess(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.Int()
		p := messages.Price{Input: 3e6, Cached: 3e5, CacheWrite: 3e6, Output: 15e6}
		u := messages.Usage{Input: count.Draw(t, "in"), Output: count.Draw(t, "out"), Cached: count.Draw(t, "hit"), CacheWrite: count.Draw(t, "written")}
		cost := costOf(&p, u)
		if cost < 0 {
			t.Fatalf("it costs %d", cost)
		}
		u.Output = max(u.Output, rapid.IntRange(u.Output, math.MaxInt).Draw(t, "more"))
		if more := costOf(&p, u); more < cost {
			t.Fatalf("%d became %d", cost, more)
		}
	})
}

func TestTableHasASourceAndADateForEveryPrice(t *testing.T) {
	t.Parallel()
	var table table
	if err := yaml.Unmarshal(priceTable, &table); err != nil {
		t.Fatal(err)
	}
	type version struct{ model, from string }
	seen := make(map[version]bool)
	for _, m := range table.Models {
		if seen[version{m.Model, m.From}] {
			t.Errorf("%s is listed twice", m.Model)
		}
		seen[version{m.Model, m.From}] = true
		if !seen[version{m.Model, ""}] {
			t.Errorf("%s: the first of its prices is not above the others", m.Model)
		}
		if _, err := time.Parse(time.DateOnly, m.Date); err != nil || table.Sources[m.Source] == "" {
			t.Errorf("%s: date %q, source %q", m.Model, m.Date, m.Source)
		}
		prices := []Price{m.Price}
		if m.Long != nil {
			prices = append(prices, m.Long.Price)
			if m.Long.Above <= 0 || m.Long.Input < m.Input || m.Long.Output < m.Output {
				t.Errorf("%s is cheaper for a long prompt", m.Model)
			}
		}
		for _, p := range prices {
			if p.Input <= 0 || p.Output < p.Input || p.Cached > p.Input || p.Cached < 0 || p.CacheWrite < 0 || p.Output > maxPrice {
				t.Errorf("%s has an unlikely price: %+v", m.Model, p)
			}
		}
	}
}

func TestPriceConfigFaultsNameTheKey(t *testing.T) {
	t.Parallel()
	for says, own := range map[string]PriceConfig{
		`prices.m.input is -1`:          {"m": {Input: -1}},
		`prices.m.output is 2000000000`: {"m": {Output: 2e12}},
		`prices."a*b"`:                  {"a*b": {}},
		`prices.""`:                     {"": {}},
	} {
		if err := own.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want it to say %s", err, says)
		}
		if _, err := NewPrices(own); err == nil {
			t.Errorf("prices with a fault were taken: %s", says)
		}
	}
}

func BenchmarkCost(b *testing.B) {
	p := newPrices(b, PriceConfig{"local/*": {}})
	usage := messages.Usage{Input: 1000, Output: 500, Cached: 200}
	target := messages.Target{Provider: "openai", Model: "gpt-4o-2024-08-06"}
	b.ReportAllocs()
	for b.Loop() {
		if _, priced := p.Cost(target, usage); !priced {
			b.Fatal("it has no price")
		}
	}
}
