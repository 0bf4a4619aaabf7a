package messages

import "time"

// LimitScope says whose use a limit bounds.
type LimitScope string

// The scopes. A request has to be within all that apply to it.
const (
	LimitTenant  LimitScope = "tenant"
	LimitKey     LimitScope = "key"
	LimitModel   LimitScope = "model"   // of one tenant
	LimitAddress LimitScope = "address" // of the client, whoever's key it has
)

// NoLimit takes a limit away that would hold otherwise.
const NoLimit = -1

// Limits bound what a tenant, a key, a model of a tenant or an address uses. Zero
// says nothing, and leaves it to what is more general; NoLimit is no limit.
type Limits struct {
	Requests    int64 // turns a minute
	Tokens      int64 // a minute, of input and output together
	Turns       int64 // at the same time
	Connections int64 // WebSocket connections at the same time
	Messages    int64 // over WebSocket, a minute
}

// LimitHolder names somebody for whom an operator may set limits.
type LimitHolder struct {
	Tenant TenantID
	Scope  LimitScope // any but LimitAddress
	Name   string     // the key's id or the model's name; empty for the tenant itself
}

// Limit is what an operator set for one tenant, key or model.
type Limit struct {
	LimitHolder
	Limits Limits
	Weight int // of a tenant that competes with others for places; 0 says nothing
}

// LimitState is a limit with what comes of it.
type LimitState struct {
	Limit
	InForce Limits // with what the configuration says of what is not set; 0 for no limit
	Weighs  int    // likewise; 0 for what has no weight
}

// Rate is how far a bucket with so many a minute is.
type Rate struct {
	Limit     int64 // a minute; 0 where there is none, and then the rest says nothing
	Remaining int64 // at once; never below 0
	Reset     time.Duration
}

// Rates are the tightest of those that apply to a request, as its client reads
// them.
type Rates struct{ Requests, Tokens Rate }

// LimitUse is who uses something that is limited.
type LimitUse struct {
	Tenant  TenantID
	Key     KeyID
	Model   string // as the client named it; empty for none
	Address string // of the client, as text; empty where there is none
}

// LimitHold is what somebody has of limits that count what is used at the same
// time, and what was counted in advance of tokens. Whoever limits implements it.
type LimitHold interface {
	// Settle gives back what is not used any more, and counts the tokens that
	// were, in place of those that were expected. It is called once.
	Settle(tokens int)
}
