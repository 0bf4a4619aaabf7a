package messages

import "time"

// WarmingID names a warming: "warm_" and the id of the request that asked for it.
type WarmingID string

// NewWarmingID names the warming that a request asks for.
func NewWarmingID(id TurnID) WarmingID { return WarmingID("warm_" + id.String()) }

// WarmingStatus is how far a warming is.
type WarmingStatus string

// The states of a warming. Only the first changes.
const (
	WarmingRunning   WarmingStatus = "in_progress"
	WarmingComplete  WarmingStatus = "completed"
	WarmingCancelled WarmingStatus = "cancelled"
	WarmingSpent     WarmingStatus = "budget_spent" // the rest was not asked
)

// WarmingSpec is a list of requests whose replies the cache is to have before
// anybody asks for them.
type WarmingSpec struct {
	ID        WarmingID
	Tenant    TenantID
	Turns     []TurnSpec // but for ids and deadlines
	PerMinute int        // requests at most
	Budget    NanoDollars
	Patience  time.Duration // for one reply
}

// Warming is how far a warming is.
type Warming struct {
	ID      WarmingID
	Status  WarmingStatus
	Total   int // requests, of which the next ones are parts
	Kept    int // a model answered, and the cache has the reply
	Known   int // the cache had a reply
	Unfit   int // the cache keeps no reply to such a request, and no model was asked
	Failed  int
	Failure Code // of the last that failed
	Spent   NanoDollars
	Budget  NanoDollars
	Created time.Time
	Ended   time.Time // zero while it runs
}

// The bounds of what a warming may ask for.
const (
	MostWarmed          = 10_000 // requests
	MaxWarmingPerMinute = 6000
)
