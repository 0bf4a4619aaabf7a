package messages

import "time"

// NanoDollars is money as the ledger keeps it: 1e-9 US dollar, an integer,
// rounded up once where a row is priced and never again.
type NanoDollars int64

// MicroDollars is money as reports show it: 1e-6 US dollar, rounded once from
// the exact sum of what they show, and never added up.
type MicroDollars int64

// nanosPerMicro is how many of the ledger's units are one of the reports'.
const nanosPerMicro = 1000

// Micro rounds to the nearest micro-dollar, a half up.
func (n NanoDollars) Micro() MicroDollars {
	whole, rest := n/nanosPerMicro, n%nanosPerMicro
	switch {
	case rest >= nanosPerMicro/2:
		whole++
	case rest < -nanosPerMicro/2:
		whole--
	}
	return MicroDollars(whole)
}

// Charge is what a call costs, and by which price.
type Charge struct {
	Cost  NanoDollars
	Known bool   // false: nobody knows the target's price, and Cost is 0
	Price string // the price's version; empty where none is known
}

// AttemptStatus says how an attempt was settled.
type AttemptStatus string

// The ways to settle.
const (
	AttemptSettled     AttemptStatus = "settled"     // by what the provider reported, or by what was counted of a cut stream
	AttemptInterrupted AttemptStatus = "interrupted" // from its reservation: the process died under it
	AttemptFailed      AttemptStatus = "failed"      // the provider answered with an error: nothing was used
)

// UsageRow is one attempt in the ledger. (Tenant, Request, Attempt) is unique:
// a row that is written twice counts once.
type UsageRow struct {
	Tenant       TenantID       `json:"tenant"`
	Key          KeyID          `json:"key"`
	Request      TurnID         `json:"request"`
	Attempt      int            `json:"attempt"` // from 1
	Conversation ConversationID `json:"conversation,omitempty"`
	Endpoint     string         `json:"endpoint"`
	Model        string         `json:"model"` // public name, as asked
	Served       Served         `json:"served"`
	Status       AttemptStatus  `json:"status"`
	Usage        Usage          `json:"usage"`
	Cost         NanoDollars    `json:"cost"`
	Priced       bool           `json:"priced"`          // false: the price table does not know the model, and Cost is 0
	Price        string         `json:"price,omitempty"` // the version of the price that Cost is by; empty where there was none to go by
	Saved        NanoDollars    `json:"saved,omitempty"` // what a reply from the cache would have cost
	CacheTier    CacheTier      `json:"cache_tier"`      // where the reply came from; empty in rows that older versions wrote
	Created      time.Time      `json:"created"`
}
