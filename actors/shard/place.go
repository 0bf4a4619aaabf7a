package shard

import "example.com/parley/messages"

// Count is how many shards there are, on one node or many. It is part of the
// cluster's wire contract and of storage's layout: it cannot change.
const Count = 1024

// Of returns the shard of a conversation, by the hash of tenant and conversation.
// Neither may contain a zero byte.
func Of(ref messages.ConversationRef) int {
	hash := messages.Hash(string(ref.Tenant), string(ref.Conversation))
	return int((hash ^ hash>>32) % Count) // #nosec G115 -- below 1024
}
