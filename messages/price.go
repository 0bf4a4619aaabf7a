package messages

import "time"

// Price is what tokens cost, in pico-dollars (1e-12 US dollar) each: 1000000 is
// a dollar for a million tokens.
type Price struct {
	Input      int64 // in pico-dollars a token, as all
	Cached     int64 // input that the provider had in its cache; 0 as input
	CacheWrite int64 // input that it put there; 0 as input
	Output     int64 // reasoning included
}

// PriceVersion is a price that holds from a moment on, until the next one of the
// same model does. One that holds is never changed, so that a row which names it
// can be checked for ever.
type PriceVersion struct {
	// Model is a model's name, or a provider/model where only that provider's
	// price is meant; it may end in * for all that begin so.
	Model string
	From  time.Time // zero: since ever
	Price
	Long      *LongPrice // where a long prompt makes every token of the call dearer; nil as a rule
	Withdrawn bool       // from then on the model has no price of this origin
	Origin    PriceOrigin
	Source    string // who says so: an address, or a remark
	Name      string // of the version, as usage rows have it
}

// NameSetPrice names a version that an operator set.
func NameSetPrice(model string, from time.Time) string {
	return string(PriceOperator) + ":" + model + "@" + from.UTC().Format(time.RFC3339Nano)
}

// LongPrice is the price of calls with a long prompt.
type LongPrice struct {
	Above int // tokens of input
	Price
}

// PriceOrigin says where a price is from.
type PriceOrigin string

// The origins, in the order in which they are asked.
const (
	PriceOperator      PriceOrigin = "operator"      // set through the admin API, kept in the store
	PriceConfiguration PriceOrigin = "configuration" // the section prices
	PriceTable         PriceOrigin = "table"         // what Parley knows
)
