package messages

import (
	"context"
	"time"
)

// MaxOwners bounds how many processes may have a turn one after the other. A turn
// that ends whatever has it must not end all of them.
const MaxOwners = 3

// TurnTerms are what a turn was asked on beside what its record has. They are kept of
// a turn that goes on although nobody waits for it, so that whoever has its
// conversation next can take it up; with its end they are forgotten.
type TurnTerms struct {
	Endpoint       string        `json:"endpoint"`
	Override       RouteOverride `json:"override,omitzero"`
	Allowed        *Allowed      `json:"allowed,omitempty"`
	Cache          CacheControl  `json:"cache,omitzero"`
	Priority       Priority      `json:"priority,omitempty"`
	IdempotencyKey string        `json:"idempotency_key,omitempty"`

	Deadline time.Time `json:"-"` // nobody takes it up behind that
}

// Outlives tells whether the next owner of a turn's conversation is to take it up by
// itself: one in the background, which has no client that could hand it over, where
// its request asked for that.
func (s *TurnSpec) Outlives() bool { return s.Keep && s.Background && s.Continue }

// Terms are those to keep of the turn; nil where nobody takes it up.
func (s *TurnSpec) Terms() *TurnTerms {
	if !s.Outlives() {
		return nil
	}
	return &TurnTerms{
		Endpoint: s.Endpoint, Override: s.Override, Allowed: s.Allowed, Cache: s.Cache, Priority: s.Priority,
		IdempotencyKey: s.IdempotencyKey, Deadline: s.Deadline,
	}
}

// UnfinishedTurn is a turn that its owner did not live to end, and that is to be taken up.
// What it was asked and has said so far is in the store.
type UnfinishedTurn struct {
	Record TurnRecord
	Terms  TurnTerms
	Owners int // how many had it
}

// Start returns the turn for its conversation's next owner. It has no client that could
// leave: of ctx its values count alone.
func (u *UnfinishedTurn) Start(ctx context.Context) *StartTurn {
	r, terms := &u.Record, &u.Terms
	return NewStartTurn(context.WithoutCancel(ctx), TurnSpec{
		ID: r.ID, Tenant: r.Ref.Tenant, Key: r.Key, Endpoint: terms.Endpoint, Conversation: r.Ref.Conversation, Keep: true,
		IdempotencyKey: terms.IdempotencyKey, Handover: &Handover{Owners: u.Owners, Stored: true},
		Model: r.Model, Override: terms.Override, Allowed: terms.Allowed, Instructions: r.Instructions, Options: r.Options,
		Stream: true, Cache: terms.Cache, Continue: true, Background: true, Priority: terms.Priority, Deadline: terms.Deadline,
	})
}
