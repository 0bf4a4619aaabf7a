package messages

// Shards is how many there are, on one node or many. It is part of the cluster's
// wire contract and of storage's layout: it cannot change.
const Shards = 1024

// Shard is a share of the conversations: those whose hash it is. Shards are what
// moves between the nodes of a cluster.
type Shard int

// ShardOf returns the shard of a conversation, by the hash of tenant and
// conversation. Neither may contain a zero byte.
func ShardOf(ref ConversationRef) Shard {
	hash := Hash(string(ref.Tenant), string(ref.Conversation))
	return Shard((hash ^ hash>>32) % Shards) // #nosec G115 -- below 1024
}

// ShardEpoch counts the owners that a shard has had, from 1. It is 0 on a node
// that is alone and owns all of them.
type ShardEpoch uint32

// activationBits is how much of an [Epoch] counts activations under one owner of
// the shard.
const activationBits = 32

// First is the epoch below all those of a shard's owner. An owner's activations
// come behind it, and those of earlier owners before it.
func (e ShardEpoch) First() Epoch { return Epoch(e) << activationBits }

// Shard returns the epoch that the conversation's shard had.
func (e Epoch) Shard() ShardEpoch { return ShardEpoch(e >> activationBits) } // #nosec G115 -- an epoch has 63 bits, as the store does

// OpenShard tells a shard that it is this node's, and under which epoch. On a node
// that is alone every shard is open from the start, under epoch 0.
type OpenShard struct{ Epoch ShardEpoch }

// CloseShard asks a shard to stop, since another node is to have it. It does so
// once it is at nothing, or with Force at once: what runs is cut off then, with a
// failure that says to try again. A shard that is closed sends back what comes.
type CloseShard struct {
	Force bool
	Reply chan<- bool // capacity 1; whether it is closed
}
