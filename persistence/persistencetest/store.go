// Package persistencetest holds the one suite that every store must pass.
package persistencetest

import (
	"context"
	"time"

	"example.com/parley/messages"
)

// Store is all that a store can do, as its users declare it between them:
// conversations, the edge, the tenants, the ledger and main.
type Store interface {
	Activate(ctx context.Context, a messages.Activate) (messages.Activation, error)
	History(ctx context.Context, h messages.ReadHistory) ([]messages.StoredItem, error)
	BeginTurn(ctx context.Context, b messages.TurnBegin) error
	SavePrefix(ctx context.Context, p messages.TurnPrefix) error
	EndTurn(ctx context.Context, e messages.TurnEnd) error
	ResumeTurn(ctx context.Context, r messages.TurnResume) (messages.TurnResumed, error)
	AppendItems(ctx context.Context, a messages.ItemsAppend) ([]messages.StoredItem, error)
	EraseItem(ctx context.Context, ref messages.ConversationRef, epoch messages.Epoch, item messages.ItemID) error
	EraseTurn(ctx context.Context, ref messages.ConversationRef, epoch messages.Epoch, turn messages.TurnID) error
	DropConversation(ctx context.Context, ref messages.ConversationRef, epoch messages.Epoch) error

	CreateConversation(ctx context.Context, c messages.Conversation, request messages.TurnID, items []messages.Item) (messages.Conversation, error)
	Conversation(ctx context.Context, ref messages.ConversationRef) (messages.Conversation, error)
	Conversations(ctx context.Context, tenant messages.TenantID, p messages.Page) (found []messages.Conversation, more bool, err error)
	UpdateConversation(ctx context.Context, ref messages.ConversationRef, metadata map[string]string) (messages.Conversation, error)
	Items(ctx context.Context, ref messages.ConversationRef, p messages.Page) (found []messages.StoredItem, more bool, err error)
	Item(ctx context.Context, ref messages.ConversationRef, id messages.ItemID) (messages.StoredItem, error)
	Turn(ctx context.Context, tenant messages.TenantID, id messages.TurnID) (messages.TurnRecord, error)
	TurnItems(ctx context.Context, tenant messages.TenantID, id messages.TurnID) ([]messages.StoredItem, error)

	ClaimKey(ctx context.Context, c messages.Claim) (messages.Claimed, error)
	KeepReply(ctx context.Context, tenant messages.TenantID, key string, reply messages.KeptReply) error
	ReleaseKey(ctx context.Context, tenant messages.TenantID, key string, held messages.TurnID) error
	UndoClaim(ctx context.Context, c messages.Claim) error
	LapseKey(ctx context.Context, tenant messages.TenantID, key string, held messages.TurnID) error
	MoveKey(ctx context.Context, c messages.Claim, from messages.TurnID, seen messages.TurnStatus) (moved bool, err error)
	SweepIdempotency(ctx context.Context, now time.Time) (removed int, err error)

	Deny(ctx context.Context, d messages.CacheDrop) error
	Denied(ctx context.Context, most int) ([]messages.CacheDrop, error)

	CreateTenant(ctx context.Context, tenant messages.Tenant) error
	ChangeTenant(ctx context.Context, id messages.TenantID, change messages.TenantChange) (messages.Tenant, error)
	DeleteTenant(ctx context.Context, e messages.Erasure) error
	EraseDeleted(ctx context.Context) (removed int, err error)
	Tenant(ctx context.Context, id messages.TenantID) (messages.Tenant, error)
	Tenants(ctx context.Context) ([]messages.Tenant, error)
	ChangeKey(ctx context.Context, id messages.KeyID, change messages.KeyChange) (messages.APIKey, error)
	RotateKey(ctx context.Context, id messages.KeyID, r messages.KeyRotation) (messages.APIKey, error)
	MarkUsed(ctx context.Context, uses []messages.KeyUse) error
	CreateKey(ctx context.Context, key messages.APIKey) error
	Keys(ctx context.Context, tenant messages.TenantID) ([]messages.APIKey, error)
	Key(ctx context.Context, id messages.KeyID) (messages.APIKey, error)
	RevokeKey(ctx context.Context, id messages.KeyID, at time.Time) error
	KeysVersion(ctx context.Context) (uint64, error)

	Audit(ctx context.Context, c messages.AuditChange) error
	AuditEntries(ctx context.Context, p messages.AuditPage) (found []messages.AuditEntry, more bool, err error)

	AppendUsage(ctx context.Context, rows []messages.UsageRow) error
	Prices(ctx context.Context) ([]messages.PriceVersion, error)
	PricesVersion(ctx context.Context) (uint64, error)
	SetPrice(ctx context.Context, v messages.PriceVersion) error
	DropPrice(ctx context.Context, model string, from time.Time) error

	Limits(ctx context.Context) ([]messages.Limit, error)
	LimitsVersion(ctx context.Context) (uint64, error)
	SetLimit(ctx context.Context, l messages.Limit) error
	ClearLimit(ctx context.Context, of messages.LimitHolder) error

	CreateErasure(ctx context.Context, e messages.Erasure) error
	EraseSome(ctx context.Context, id string) (messages.Erasure, error)
	Erasure(ctx context.Context, id string) (messages.Erasure, error)
	Erasures(ctx context.Context, tenant messages.TenantID) ([]messages.Erasure, error)
	PendingErasures(ctx context.Context) ([]messages.Erasure, error)
	ErasedSince(ctx context.Context, at time.Time) ([]messages.Erasure, error)

	Retentions(ctx context.Context) ([]messages.Retention, error)
	SetRetention(ctx context.Context, r messages.Retention) error
	SweepContent(ctx context.Context, tenant messages.TenantID, before time.Time) (removed int, err error)
	SweepLedger(ctx context.Context, tenant messages.TenantID, before time.Time) (removed int, err error)

	UsageReport(ctx context.Context, q messages.UsageQuery) (messages.UsageReport, error)
	UsageRows(ctx context.Context, tenant messages.TenantID, request messages.TurnID) ([]messages.UsageRow, error)

	PutBudget(ctx context.Context, b messages.Budget) (put messages.Budget, created bool, err error)
	DeleteBudget(ctx context.Context, id messages.BudgetID) error
	Budgets(ctx context.Context) ([]messages.Budget, error)
	BudgetStates(ctx context.Context, tenant messages.TenantID, now time.Time) ([]messages.BudgetState, error)
	LookAtBudgets(ctx context.Context, now int64) (messages.BudgetNews, error)
	LeaseBudget(ctx context.Context, q messages.LeaseRequest) (messages.Lease, error)
	EndLeases(ctx context.Context, node string) error
	TakeAlerts(ctx context.Context, now, until time.Time, most int) ([]messages.BudgetAlert, error)
	PostponeAlert(ctx context.Context, a messages.BudgetAlert, due time.Time) error

	RecoverTurns(ctx context.Context) (int, error)
	UnfinishedTurns(ctx context.Context, owned func(messages.Shard) bool) ([]messages.UnfinishedTurn, error)
	Ready(ctx context.Context) error
	Close()
}

// Opener opens the test's own store, empty the first time, and again after it
// was closed: another process on the same data.
type Opener func() Store
