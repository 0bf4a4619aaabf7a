package messages

import (
	"encoding/hex"
	"strconv"
	"time"
)

// TenantID names who pays. Names are distinct types, so that the compiler
// refuses a tenant where a conversation is meant.
type TenantID string

// KeyID is the public half of an API key: the id in pk_<id>_<secret>.
type KeyID string

// ConversationID names a conversation within its tenant, as "conv_" and 32 hex
// digits. It is empty for a turn that belongs to none.
type ConversationID string

// NewConversationID names the conversation that the request id brings into
// being: a request that is tried twice creates it once.
func NewConversationID(id TurnID) ConversationID { return ConversationID("conv_" + id.String()) }

// NewForkID names the conversation that the request id forks off another. It is in
// its parent's shard, since it has its parent's items and is kept where they are.
func NewForkID(id TurnID, parent ConversationRef) ConversationID {
	shard, candidate := ShardOf(parent), id
	for n := uint32(0); ; n++ { // about as many times as there are shards
		candidate[9], candidate[10], candidate[11] = id[9]^byte(n>>16), id[10]^byte(n>>8), id[11]^byte(n) // #nosec G115 -- 24 of its bits
		fork := NewConversationID(candidate)
		if ShardOf(ConversationRef{Tenant: parent.Tenant, Conversation: fork}) == shard && fork != parent.Conversation {
			return fork
		}
	}
}

// ConversationRef is a conversation's full name. Nothing is ever found by the
// conversation's id alone.
type ConversationRef struct {
	Tenant       TenantID
	Conversation ConversationID
}

// TurnID names a turn, the response that it becomes, and the request that
// asked for it: a UUIDv7, so that ids sort by the time of asking.
type TurnID [16]byte

// String returns 32 lower-case hex digits.
func (t TurnID) String() string { return hex.EncodeToString(t[:]) }

// IsZero tells whether no turn is named.
func (t TurnID) IsZero() bool { return t == TurnID{} }

// Time returns the moment that the id carries, in milliseconds' precision.
func (t TurnID) Time() time.Time {
	ms := int64(t[0])<<40 | int64(t[1])<<32 | int64(t[2])<<24 | int64(t[3])<<16 | int64(t[4])<<8 | int64(t[5])
	return time.UnixMilli(ms)
}

// FirstTurnID is the least id of a millisecond: what is not below it was asked
// for at that moment or later. The time before 1970 has none, and gets the zero id.
func FirstTurnID(at time.Time) (id TurnID) {
	ms := max(at.UnixMilli(), 0)
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i)) // #nosec G115 -- one byte of six
	}
	return id
}

// ParseTurnID reads what String wrote.
func ParseTurnID(s string) (id TurnID, ok bool) {
	if len(s) != 2*len(id) {
		return TurnID{}, false
	}
	_, err := hex.Decode(id[:], []byte(s))
	return id, err == nil
}

// ItemID names an item: its kind's prefix, the request that brought it, and
// its position among that request's items.
type ItemID string

// NewItemID names the item at position (from 0, inputs before outputs) of what
// the request id brought. The name is a function of its arguments, so that a
// replay names items alike.
func NewItemID(kind ItemKind, id TurnID, position int) ItemID {
	return ItemID(kind.prefix() + id.String() + "_" + strconv.Itoa(position))
}

// Epoch counts a conversation's activations, from 1. It is the fence between
// two writers: the store refuses an older one with [CodeStaleEpoch]. Its upper
// half is the epoch of the conversation's shard, so that no activation of an
// earlier owner of the shard comes behind one of a later owner.
type Epoch uint64

// Seq is an item's place in its conversation: dense, from 1, taken in the
// transaction that writes the item. Order is Seq, never a timestamp.
type Seq uint64
