package messages

import "time"

// BudgetID names a budget: "bud_" and hex digits.
type BudgetID string

// BudgetPeriod is how long a budget lasts before it begins anew, in UTC.
type BudgetPeriod string

// The periods.
const (
	BudgetDay   BudgetPeriod = "day"
	BudgetMonth BudgetPeriod = "month"
	BudgetTotal BudgetPeriod = "total" // never
)

// PeriodKey names one period of a kind: 20260131 is a day, 202601 a month, 0 all
// time. A request's is that of the moment in its id, as the ledger has it.
type PeriodKey int

// Key is the period that a day, such as 20260131, belongs to.
func (p BudgetPeriod) Key(day int) PeriodKey {
	switch p {
	case BudgetDay:
		return PeriodKey(day)
	case BudgetMonth:
		return PeriodKey(day / 100)
	default:
		return 0
	}
}

// KeyAt is the period that a moment belongs to.
func (p BudgetPeriod) KeyAt(at time.Time) PeriodKey { return p.Key(DayOf(at)) }

// Next is when the period after that of a moment begins; zero where none does.
func (p BudgetPeriod) Next(at time.Time) time.Time {
	year, month, day := at.UTC().Date()
	switch p {
	case BudgetDay:
		return time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
	case BudgetMonth:
		return time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
	default:
		return time.Time{}
	}
}

// DayOf is a moment's day in UTC, such as 20260131.
func DayOf(at time.Time) int {
	year, month, day := at.UTC().Date()
	return (year*100+int(month))*100 + day
}

// Budget bounds what a tenant, or one of its keys, spends within a period. A
// tenant has at most one of each kind, and so has each key.
type Budget struct {
	ID     BudgetID
	Tenant TenantID
	Key    KeyID // empty: of the whole tenant
	Period BudgetPeriod
	Limit  NanoDollars
	// Hard budgets refuse what might pass them; others only tell of it.
	Hard       bool
	Thresholds []int // in percent of the limit, ascending: each is told of once a period
	Webhook    string
	Secret     string // what calls of the webhook are signed with; never shown but once
	Created    time.Time
}

// BudgetState is a budget with how it stands.
type BudgetState struct {
	Budget
	PeriodKey PeriodKey
	Begins    time.Time // of the period; zero for one that has no beginning
	Ends      time.Time // zero for one that has no end
	Spent     NanoDollars
	Leased    NanoDollars // what nodes hold for requests that run or may come
	Reached   []int       // thresholds that were reached in this period
}

// Left is what may still be spent, not below 0. What nodes hold counts as left:
// most of it is.
func (s *BudgetState) Left() NanoDollars { return max(0, s.Limit-s.Spent) }

// BudgetNews is what nodes look for again and again.
type BudgetNews struct {
	Version uint64     // changes whenever a budget does
	Short   []BudgetID // of which nodes are to give back what they do not use
	// Waiting are the budgets with spending that nobody has added up, each with
	// the first of its entries: one that stays is nobody's business so far.
	Waiting map[BudgetID]int64
}

// LeaseRequest is a node's word on one budget's period: what it needs of its
// lease, and what it wants beyond that. It is a whole, and may be repeated.
type LeaseRequest struct {
	Budget BudgetID
	Tenant TenantID
	Period PeriodKey
	Node   string
	Held   NanoDollars // by attempts whose rows the store does not have
	Free   NanoDollars // of the lease, beyond that; below 0 where attempts came to more
	Least  NanoDollars // more is wanted, for requests that wait
	Most   NanoDollars // what could be used besides, Least included
	Now    time.Time
	TTL    time.Duration // after which the lease of a node that says nothing ends
	Short  bool          // requests wait for what other nodes hold
}

// Lease is what came of a [LeaseRequest].
type Lease struct {
	Gone    bool // there is no such budget any more
	Granted NanoDollars
	// Limit, Spent and Others are those of the period: what rows came to, and
	// what other nodes hold.
	Limit, Spent, Others NanoDollars
	Reached              []int // thresholds that this node is the first to see reached
}

// BudgetAlert is a threshold that was reached and of which a webhook is to be told.
type BudgetAlert struct {
	ID        string // of the telling: the same in every try
	Budget    BudgetState
	Threshold int
	Reached   time.Time
	Tries     int // before this one
}
