package shard

import "example.com/parley/messages"

// Count is how many shards there are, on one node or many. It is part of the
// cluster's wire contract and of storage's layout: it cannot change.
const Count = 1024

// Of returns the shard of a conversation: FNV-1a over tenant, a zero byte, and
// conversation. Neither may contain a zero byte.
func Of(ref messages.ConversationRef) int {
	const offset, prime = 14695981039346656037, 1099511628211 // of FNV-1a, 64 bits
	hash := uint64(offset)
	for i := range len(ref.Tenant) {
		hash = (hash ^ uint64(ref.Tenant[i])) * prime
	}
	hash *= prime // the zero byte
	for i := range len(ref.Conversation) {
		hash = (hash ^ uint64(ref.Conversation[i])) * prime
	}
	return int((hash ^ hash>>32) % Count) // #nosec G115 -- below 1024
}
