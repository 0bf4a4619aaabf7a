package tenant

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"
	"time"

	"example.com/parley/messages"
)

// PriceConfig is the section "prices": prices of the operator's own, before
// those that Parley knows. A name is a model's, or a provider/model where only
// that provider's price is meant; it may end in * for all that begin so. With an @
// and a day behind it a price holds from that day on, in UTC.
//
//	prices:
//	  "local/*": { input: 0, output: 0 }
//	  gpt-5: { input: 1000000, cached: 100000, output: 8000000 }
//	  gpt-5@2030-01-31: { input: 800000, cached: 80000, output: 6000000 }
type PriceConfig map[string]Price

// Price is what tokens cost, in pico-dollars (1e-12 US dollar) each: 1000000 is
// a dollar for a million tokens.
type Price struct {
	Input      int64 `koanf:"input" yaml:"input"`             // in pico-dollars a token, as all
	Cached     int64 `koanf:"cached" yaml:"cached"`           // input that the provider had in its cache; 0 as input
	CacheWrite int64 `koanf:"cache_write" yaml:"cache_write"` // input that it put there; 0 as input
	Output     int64 `koanf:"output" yaml:"output"`           // reasoning included
}

// maxPrice bounds a price: a thousand dollars for a thousand tokens.
const maxPrice = 1e12

// Validate reports every fault at once.
func (c PriceConfig) Validate() error {
	var faults []error
	for _, key := range slices.Sorted(maps.Keys(c)) {
		name, _ := cutDay(key)
		if err := checkPriceName(name); err != nil {
			faults = append(faults, fmt.Errorf("prices.%q: %w", key, err))
		}
		for _, f := range c[key].faults() {
			faults = append(faults, fmt.Errorf("prices.%s.%w", key, f))
		}
	}
	return errors.Join(faults...)
}

func checkPriceName(name string) error {
	if star := strings.IndexByte(name, '*'); name == "" || star >= 0 && star != len(name)-1 {
		return errors.New("give a model's name, or its beginning and one * at the end")
	}
	return nil
}

// faults are those of the numbers, each with the key's name in front.
func (p Price) faults() (faults []error) {
	for _, part := range [...]struct {
		key   string
		value int64
	}{{"input", p.Input}, {"cached", p.Cached}, {"cache_write", p.CacheWrite}, {"output", p.Output}} {
		if part.value < 0 || part.value > maxPrice {
			faults = append(faults, fmt.Errorf("%s is %d: give pico-dollars a token, such as 1000000 for a dollar for a million", part.key, part.value))
		}
	}
	return faults
}

// cutDay takes the day off a name of the configuration; it is zero where there is
// none.
func cutDay(key string) (name string, from time.Time) {
	at := strings.LastIndexByte(key, '@')
	if at < 0 {
		return key, time.Time{}
	}
	from, err := time.Parse(time.DateOnly, key[at+1:])
	if err != nil {
		return key, time.Time{}
	}
	return key[:at], from
}

// versions are the configuration's prices. Nobody dates a change of one that has no
// day, so its name has what it says.
func (c PriceConfig) versions() []messages.PriceVersion {
	all := make([]messages.PriceVersion, 0, len(c))
	for _, key := range slices.Sorted(maps.Keys(c)) {
		name, from := cutDay(key)
		p := c[key]
		all = append(all, messages.PriceVersion{
			Model: name, From: from, Price: messages.Price(p), Origin: messages.PriceConfiguration, Source: "the section prices",
			Name: fmt.Sprintf("configuration:%s=%d/%d/%d/%d", key, p.Input, p.Cached, p.CacheWrite, p.Output),
		})
	}
	return all
}

// costOf is what a usage costs, rounded up to the nano-dollar once. Counts below zero, or of cached tokens above those
// of input, are a provider's mistakes and cost nothing.
func costOf(p *messages.Price, u messages.Usage) messages.NanoDollars {
	input := max(0, u.Input)
	cached := min(max(0, u.Cached), input)
	written := min(max(0, u.CacheWrite), input-cached)
	var sum pico
	sum.add(input-cached-written, p.Input)
	sum.add(cached, or(p.Cached, p.Input))
	sum.add(written, or(p.CacheWrite, p.Input))
	sum.add(max(0, u.Output), p.Output)
	return sum.nano()
}

func or(price, otherwise int64) int64 {
	if price == 0 {
		return otherwise
	}
	return price
}

// pico is an amount of pico-dollars in 128 bits, which no sum of four products
// of tokens and prices leaves.
type pico struct{ high, low uint64 }

func (s *pico) add(tokens int, price int64) {
	high, low := bits.Mul64(uint64(tokens), uint64(price)) // #nosec G115 -- neither is below zero
	var carry uint64
	s.low, carry = bits.Add64(s.low, low, 0)
	s.high, _ = bits.Add64(s.high, high, carry)
}

// nano rounds up to nano-dollars. What is more than all money there is becomes
// the most that can be counted.
func (s *pico) nano() messages.NanoDollars {
	const picoPerNano = 1000
	low, carry := bits.Add64(s.low, picoPerNano-1, 0)
	high := s.high + carry
	if high >= picoPerNano {
		return math.MaxInt64
	}
	nano, _ := bits.Div64(high, low, picoPerNano)
	return messages.NanoDollars(min(nano, math.MaxInt64)) // #nosec G115 -- at most that
}
