package http

import (
	"context"

	"example.com/parley/messages"
)

// Conversations is where handlers leave messages for a conversation. It finds
// the actor, here or on another node, and never blocks: a refusal comes back as
// an error or on the message's Reply. actors.System implements it.
type Conversations interface {
	Send(m *messages.StartTurn) error
	// Look tells whether a turn would be refused, before anything is done for it.
	Look(tenant messages.TenantID, class messages.Priority) error
	AddItems(m *messages.AddItems) error
	EraseItem(m *messages.EraseItem) error
	EraseTurn(m *messages.EraseTurn) error
	DropConversation(m *messages.DropConversation) error
	FollowTurn(m *messages.FollowTurn) error
	CancelTurn(m *messages.CancelTurn) error
}

// Library reads what is kept, and creates what no actor owns yet. Every method
// takes the tenant, and answers for another tenant's name as for one that does
// not exist: CodeConversationAbsent, CodeResponseAbsent, CodeItemAbsent.
// persistence/sqlite and persistence/postgres implement it.
type Library interface {
	// CreateConversation stores c with its first items under request; done
	// again under the same request it returns the first.
	CreateConversation(ctx context.Context, c messages.Conversation, request messages.TurnID, items []messages.Item) (messages.Conversation, error)
	Conversation(ctx context.Context, ref messages.ConversationRef) (messages.Conversation, error)
	// Conversations lists those that are not private.
	Conversations(ctx context.Context, tenant messages.TenantID, p messages.Page) (found []messages.Conversation, more bool, err error)
	UpdateConversation(ctx context.Context, ref messages.ConversationRef, metadata map[string]string) (messages.Conversation, error)
	// Items lists a conversation's items with those of its parents before
	// them, without tombstones.
	Items(ctx context.Context, ref messages.ConversationRef, p messages.Page) (found []messages.StoredItem, more bool, err error)
	Item(ctx context.Context, ref messages.ConversationRef, id messages.ItemID) (messages.StoredItem, error)
	Turn(ctx context.Context, tenant messages.TenantID, id messages.TurnID) (messages.TurnRecord, error)
	// TurnItems returns what the turn brought, inputs before outputs, without
	// tombstones.
	TurnItems(ctx context.Context, tenant messages.TenantID, id messages.TurnID) ([]messages.StoredItem, error)
}

// IdempotencyKeys remembers which requests were answered.
// persistence/sqlite and persistence/postgres implement it.
type IdempotencyKeys interface {
	ClaimKey(ctx context.Context, c messages.Claim) (messages.Claimed, error)
	KeepReply(ctx context.Context, tenant messages.TenantID, key string, reply messages.KeptReply) error
	// ReleaseKey frees a key that a request holds, LapseKey has the next who comes
	// with it find out what became of the request. One that is another's, or was
	// answered, stays as it is.
	ReleaseKey(ctx context.Context, tenant messages.TenantID, key string, held messages.TurnID) error
	LapseKey(ctx context.Context, tenant messages.TenantID, key string, held messages.TurnID) error
	// UndoClaim takes back what may have come of a claim whose answer was lost.
	UndoClaim(ctx context.Context, c messages.Claim) error
	// MoveKey gives c's request the key of one that came to nothing; seen is the
	// status that its turn has in the store, empty where it is not there. It tells
	// whether it did: not where another has the key, or where the turn is complete,
	// was begun after all or runs again.
	MoveKey(ctx context.Context, c messages.Claim, from messages.TurnID, seen messages.TurnStatus) (moved bool, err error)
}

// Keys tells who presents a key: CodeInvalidKey for one that is unknown,
// revoked or expired. actors/tenant implements it, from memory.
type Keys interface {
	Authenticate(ctx context.Context, presented string) (messages.Principal, error)
	// Recall is for a key that was seen lately. It asks nobody.
	Recall(presented string) (who messages.Principal, known bool)
}

// Catalogue lists the public model names. actors.System implements it from the
// router's snapshot.
type Catalogue interface {
	// Models lists those that a request may ask for.
	Models(allowed *messages.Allowed) []messages.ModelCard
	// Model fails with CodeModelNotFound and the nearest names, and with
	// CodePermission for a name that a request may not ask for.
	Model(name string, allowed *messages.Allowed) (messages.ModelCard, error)
}
