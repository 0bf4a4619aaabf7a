package relational

import (
	"math"

	"example.com/parley/messages"
)

// ceiling is the least epoch that no activation under the shard's epoch may have. A
// node that is alone takes up whatever a cluster left.
func ceiling(shard messages.ShardEpoch) messages.Epoch {
	if shard == 0 {
		return math.MaxInt64
	}
	return (shard + 1).First()
}

// holdShard fails as stale where the conversation's shard has another owner by
// now. It travels with the statement behind it, which holds the conversation's row:
// whoever takes the shard over and wakes the conversation comes before it, and is
// seen, or behind it, and sees what was written. A server that is alone asks nothing,
// whatever epochs a cluster has left.
func (t *transaction) holdShard(ref messages.ConversationRef, shard messages.ShardEpoch) error {
	if err := t.holdPlace(ref); err != nil {
		return err
	}
	switch {
	case !t.shared:
		return nil
	case t.away:
		return t.holdEpoch(ref, shard)
	}
	return t.later(orElse(func() error { return stale(ref) }), "SELECT 1 FROM cluster_shards WHERE shard = ? AND epoch = ?", messages.ShardOf(ref), shard)
}

// take claims n places from first on for an activation, or fails as stale. The
// check and the claim are one statement.
func (t *transaction) take(ref messages.ConversationRef, epoch messages.Epoch, first messages.Seq, n int) error {
	if err := t.holdShard(ref, epoch.Shard()); err != nil {
		return err
	}
	changed, err := t.exec(`UPDATE conversations SET next_seq = next_seq + ?
		WHERE tenant = ? AND id = ? AND epoch = ? AND next_seq = ? AND deleted = FALSE`,
		n, ref.Tenant, ref.Conversation, epoch, first)
	if err == nil && changed == 0 {
		err = t.whyNot(ref)
	}
	return err
}

// takeFenced claims places for an activation that holds the row.
func (t *transaction) takeFenced(ref messages.ConversationRef, first messages.Seq, n int) error {
	return t.later(orElse(func() error { return stale(ref) }), "UPDATE conversations SET next_seq = next_seq + ? WHERE tenant = ? AND id = ? AND next_seq = ?",
		n, ref.Tenant, ref.Conversation, first)
}

// fence returns the next place, if the activation still owns the conversation.
// The update that changes nothing holds the row until the transaction ends, so
// that no other activation comes in between; not every database has FOR UPDATE.
func (t *transaction) fence(ref messages.ConversationRef, epoch messages.Epoch) (next messages.Seq, err error) {
	if err := t.holdShard(ref, epoch.Shard()); err != nil {
		return 0, err
	}
	found, err := t.row("UPDATE conversations SET epoch = epoch WHERE tenant = ? AND id = ? AND epoch = ? AND deleted = FALSE RETURNING next_seq",
		[]any{ref.Tenant, ref.Conversation, epoch}, &next)
	if err == nil && !found {
		err = t.whyNot(ref)
	}
	return next, err
}

// whyNot tells a conversation that is not there from one that moved on.
func (t *transaction) whyNot(ref messages.ConversationRef) error {
	var there bool
	found, err := t.row("SELECT TRUE FROM conversations WHERE tenant = ? AND id = ? AND deleted = FALSE", []any{ref.Tenant, ref.Conversation}, &there)
	switch {
	case err != nil:
		return err
	case !found:
		return conversationAbsent(ref.Conversation)
	default:
		return stale(ref)
	}
}
