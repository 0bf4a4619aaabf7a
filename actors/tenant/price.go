package tenant

import (
	"bytes"
	_ "embed" // the price table
	"errors"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"example.com/parley/messages"
)

//go:embed prices.yaml
var priceTable []byte

// PriceConfig is the section "prices": prices of the operator's own, before
// those that Parley knows. A name is a model's, or a provider/model where only
// that provider's price is meant; it may end in * for all that begin so.
//
//	prices:
//	  "local/*": { input: 0, output: 0 }
//	  gpt-5: { input: 1000000, cached: 100000, output: 8000000 }
type PriceConfig map[string]Price

// Price is what tokens cost, in pico-dollars (1e-12 US dollar) each: 1000000 is
// a dollar for a million tokens.
type Price struct {
	Input      int64 `koanf:"input" yaml:"input"`             // in pico-dollars a token, as all
	Cached     int64 `koanf:"cached" yaml:"cached"`           // input that the provider had in its cache; 0 as input
	CacheWrite int64 `koanf:"cache_write" yaml:"cache_write"` // input that it put there; 0 as input
	Output     int64 `koanf:"output" yaml:"output"`           // reasoning included
}

// listed is an entry of the embedded table.
type listed struct {
	Model  string `yaml:"model"`
	Source string `yaml:"source"` // a key of the table's sources
	Date   string `yaml:"date"`   // on which the source said so
	Price  `yaml:",inline"`
	Long   *long `yaml:"long"` // where a long prompt makes every token of the call dearer
}

type long struct {
	Above int `yaml:"above"` // tokens of input
	Price `yaml:",inline"`
}

// maxPrice bounds a configured price: a thousand dollars for a thousand tokens.
const maxPrice = 1e12

// Validate reports every fault at once.
func (c PriceConfig) Validate() error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(c)) {
		if star := strings.IndexByte(name, '*'); name == "" || star >= 0 && star != len(name)-1 {
			faults = append(faults, fmt.Errorf("prices.%q: give a model's name, or its beginning and one * at the end", name))
		}
		p := c[name]
		for key, value := range map[string]int64{"input": p.Input, "cached": p.Cached, "cache_write": p.CacheWrite, "output": p.Output} {
			if value < 0 || value > maxPrice {
				faults = append(faults, fmt.Errorf("prices.%s.%s is %d: give pico-dollars a token, such as 1000000 for a dollar for a million", name, key, value))
			}
		}
	}
	return errors.Join(faults...)
}

// Prices tells what calls cost. It is immutable, and safe for concurrent use.
type Prices struct {
	own   map[string]Price // by model or provider/model
	globs []glob           // the longest first
	known map[string]tariff
}

type glob struct {
	prefix string
	price  Price
}

type tariff struct {
	price Price
	long  *long
}

// NewPrices returns the embedded table with the operator's own before it.
func NewPrices(own PriceConfig) (*Prices, error) {
	if err := own.Validate(); err != nil {
		return nil, err
	}
	var table struct {
		Sources map[string]string `yaml:"sources"`
		Models  []listed          `yaml:"models"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(priceTable))
	decoder.KnownFields(true)
	if err := decoder.Decode(&table); err != nil {
		return nil, fmt.Errorf("read the price table: %w", err)
	}
	p := &Prices{own: make(map[string]Price), known: make(map[string]tariff, len(table.Models))}
	for i := range table.Models {
		m := &table.Models[i]
		p.known[m.Model] = tariff{price: m.Price, long: m.Long}
	}
	for name, price := range own {
		if prefix, all := strings.CutSuffix(name, "*"); all {
			p.globs = append(p.globs, glob{prefix, price})
		} else {
			p.own[name] = price
		}
	}
	slices.SortFunc(p.globs, func(a, b glob) int { return len(b.prefix) - len(a.prefix) })
	return p, nil
}

// simulatedProvider costs nothing.
const simulatedProvider = "simulated"

// Cost is what the usage of a call to the target costs, rounded up to the
// nano-dollar once. It returns false for a target without a price.
func (p *Prices) Cost(target messages.Target, usage messages.Usage) (messages.NanoDollars, bool) {
	price, ok := p.find(target, usage.Input)
	if !ok {
		return 0, false
	}
	return price.of(usage), true
}

// find returns the price of a call with so many tokens of input.
func (p *Prices) find(target messages.Target, input int) (Price, bool) {
	if len(p.own)+len(p.globs) > 0 {
		if price, ok := p.findOwn(target); ok {
			return price, true
		}
	}
	if target.Provider == simulatedProvider {
		return Price{}, true
	}
	t, ok := p.known[target.Model]
	if !ok {
		t, ok = p.known[undated(target.Model)]
	}
	if t.long != nil && input > t.long.Above {
		return t.long.Price, ok
	}
	return t.price, ok
}

func (p *Prices) findOwn(target messages.Target) (Price, bool) {
	whole := target.String()
	for _, name := range []string{whole, target.Model} {
		if price, ok := p.own[name]; ok {
			return price, true
		}
	}
	for _, g := range p.globs {
		if strings.HasPrefix(whole, g.prefix) || strings.HasPrefix(target.Model, g.prefix) {
			return g.price, true
		}
	}
	return Price{}, false
}

// undated is the model of which this is a version, as providers name them:
// gpt-4o-2024-08-06, claude-sonnet-4-5-20250929, claude-3-5-haiku-latest. Any
// other ending makes another model, with another price.
func undated(model string) string {
	for _, shape := range []string{"-0000-00-00", "-00000000", "@00000000", "-latest"} {
		if base := len(model) - len(shape); base > 0 && hasShape(model[base:], shape) {
			return model[:base]
		}
	}
	return model
}

// hasShape tells whether s is like shape, in which 0 stands for any digit. They
// are of one length.
func hasShape(s, shape string) bool {
	for i := range len(s) {
		if digit := '0' <= s[i] && s[i] <= '9'; shape[i] == '0' && !digit || shape[i] != '0' && s[i] != shape[i] {
			return false
		}
	}
	return true
}

// of is the cost of a usage. Counts below zero, or of cached tokens above those
// of input, are a provider's mistakes and cost nothing.
func (p Price) of(u messages.Usage) messages.NanoDollars {
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
