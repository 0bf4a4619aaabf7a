package messages

import "time"

// NanoDollars is money as the ledger keeps it: 1e-9 US dollar, an integer,
// rounded up once where a row is priced and never again.
type NanoDollars int64

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
	Saved        NanoDollars    `json:"saved,omitempty"` // what a reply from the cache would have cost
	Created      time.Time      `json:"created"`
}

// UsageTotal is a line of a usage report.
type UsageTotal struct {
	Tenant   TenantID
	Provider string
	Model    string // as the provider calls it
	Attempts int64
	Usage    Usage
	Cost     NanoDollars
	Saved    NanoDollars
	Unpriced int64 // attempts without a price
}
