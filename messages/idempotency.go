package messages

import "time"

// Claim asks for an idempotency key. The first claim wins; it is kept for 24
// hours, or until the request that holds it fails.
type Claim struct {
	Tenant   TenantID
	Key      string   // as the client sent it, 1 to 255 characters
	Hash     [32]byte // SHA-256 of method, path and body
	Request  TurnID   // what the request creates is named after this
	Deadline time.Time
}

// ClaimState answers a [Claim].
type ClaimState uint8

// The answers.
const (
	ClaimWon      ClaimState = iota // go on, and keep the reply or release the key
	ClaimReplay                     // answered before: send Reply again
	ClaimMismatch                   // the key was used with another request
	ClaimInFlight                   // the first request still runs
	ClaimResumed                    // the first request died with its process: go on under Request, what it wrote is found by that name
)

// Claimed is the answer to a [Claim].
type Claimed struct {
	State   ClaimState
	Request TurnID // of the claim that holds the key
	Reply   KeptReply
}

// KeptReply is a reply as it was sent.
type KeptReply struct {
	Status      int
	ContentType string
	Body        []byte
}
