package conversation

import "example.com/parley/messages"

// shardEpoch is under which this node owns a conversation's shard; 0 where it is
// alone.
func (d *Deps) shardEpoch(ref messages.ConversationRef) messages.ShardEpoch {
	if d.ShardEpoch == nil {
		return 0
	}
	return d.ShardEpoch(ref)
}

// doubt says so where the store has refused a write, since another activation has
// the conversation: in a cluster it may be another node's.
func (d *Deps) doubt(ref messages.ConversationRef, err error) {
	if d.Doubt != nil && messages.CodeOf(err) == messages.CodeStaleEpoch {
		d.Doubt(ref)
	}
}
