package tenant

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"example.com/parley/messages"
)

// tariffs are all prices as calls look for them. They are immutable.
type tariffs struct {
	exact map[messages.Target]*tariff // of a provider's model
	own   map[string]*tariff          // of a model, whoever serves it; set by operators
	globs []glob                      // the longest first, equals by name
	known map[string]*tariff          // of the table, by model
	free  version                     // of what is simulated
}

type glob struct {
	prefix string // of a model or of provider/model
	tariff *tariff
}

// tariff is one name's prices: those of operators before the configuration's, each
// the latest first.
type tariff struct{ versions []version }

type version struct {
	from      int64 // microseconds since 1970
	name      string
	price     messages.Price
	long      *messages.LongPrice
	origin    messages.PriceOrigin
	withdrawn bool
}

// priceOf is the price of a call with so many tokens of input.
func (v *version) priceOf(input int) *messages.Price {
	if v.long != nil && input > v.long.Above {
		return &v.long.Price
	}
	return &v.price
}

// since is a moment as versions have it; the zero time is before all others.
func since(at time.Time) int64 {
	if at.IsZero() {
		return -1 << 63
	}
	return at.UnixMicro()
}

func newTariffs(all []messages.PriceVersion) *tariffs {
	t := &tariffs{exact: make(map[messages.Target]*tariff), own: make(map[string]*tariff), known: make(map[string]*tariff), free: version{name: simulatedProvider}}
	globs := make(map[string]*tariff)
	for i := range all {
		v := &all[i]
		switch prefix, many := strings.CutSuffix(v.Model, "*"); {
		case v.Origin == messages.PriceTable:
			put(t.known, v.Model, v)
		case many:
			put(globs, prefix, v)
		default:
			put(t.own, v.Model, v)
			if target, ok := messages.ParseTarget(v.Model); ok {
				put(t.exact, target, v)
			}
		}
	}
	for prefix, tariff := range globs {
		t.globs = append(t.globs, glob{prefix, tariff})
	}
	slices.SortFunc(t.globs, func(a, b glob) int { return cmp.Or(len(b.prefix)-len(a.prefix), cmp.Compare(a.prefix, b.prefix)) })
	return t
}

func put[Key comparable](into map[Key]*tariff, key Key, v *messages.PriceVersion) {
	of := into[key]
	if of == nil {
		of = &tariff{}
		into[key] = of
	}
	of.versions = append(of.versions, version{since(v.From), v.Name, v.Price, v.Long, v.Origin, v.Withdrawn})
	slices.SortStableFunc(of.versions, func(a, b version) int {
		return cmp.Or(cmp.Compare(rank(a.origin), rank(b.origin)), cmp.Compare(b.from, a.from))
	})
}

// rank says whose price goes first.
func rank(of messages.PriceOrigin) int {
	if of == messages.PriceOperator {
		return 0
	}
	return 1
}

// at returns the version that holds at a moment, or nil. What an operator withdrew
// leaves the configuration's.
func (t *tariff) at(moment int64) *version {
	if t == nil {
		return nil
	}
	var withdrawn messages.PriceOrigin
	for i := range t.versions {
		switch v := &t.versions[i]; {
		case v.from > moment, v.origin == withdrawn:
		case v.withdrawn:
			withdrawn = v.origin
		default:
			return v
		}
	}
	return nil
}

// simulatedProvider costs nothing.
const simulatedProvider = "simulated"

// find returns the price of a call to the target that began at a moment, or nil.
// The nearest name is the one that counts: the provider's model, the model, what
// begins like it, and last what Parley knows.
func (t *tariffs) find(target messages.Target, began time.Time) *version {
	moment := since(began)
	if len(t.own) > 0 {
		if v := t.exact[target].at(moment); v != nil {
			return v
		}
		if v := t.own[target.Model].at(moment); v != nil {
			return v
		}
	}
	for i := range t.globs {
		if t.globs[i].covers(target) {
			if v := t.globs[i].tariff.at(moment); v != nil {
				return v
			}
		}
	}
	if target.Provider == simulatedProvider {
		return &t.free
	}
	if v := t.known[target.Model].at(moment); v != nil {
		return v
	}
	return t.known[undated(target.Model)].at(moment)
}

// covers tells whether the target's model, or provider/model, begins so. It puts
// no text together.
func (g *glob) covers(target messages.Target) bool {
	if strings.HasPrefix(target.Model, g.prefix) {
		return true
	}
	rest, long := strings.CutPrefix(g.prefix, target.Provider)
	if !long { // the prefix is a part of the provider's name, or of another's
		return strings.HasPrefix(target.Provider, g.prefix)
	}
	if rest == "" {
		return true
	}
	rest, slash := strings.CutPrefix(rest, "/")
	return slash && strings.HasPrefix(target.Model, rest)
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
