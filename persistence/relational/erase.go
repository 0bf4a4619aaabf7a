package relational

import (
	"context"

	"example.com/parley/messages"
)

// EraseTurn forgets a response, and where its conversation is private its
// items' content too.
func (s *Store) EraseTurn(ctx context.Context, ref messages.ConversationRef, epoch messages.Epoch, turn messages.TurnID) error {
	return s.write(ctx, ref.Tenant, "EraseTurn", func(t *transaction) error {
		if _, err := t.fence(ref, epoch); err != nil {
			return err
		}
		var after []byte
		found, err := t.row("DELETE FROM turns WHERE tenant = ? AND id = ? AND conversation = ? RETURNING after",
			[]any{ref.Tenant, turnBytes(turn), ref.Conversation}, &after)
		if err != nil {
			return err
		}
		if !found {
			return responseAbsent()
		}
		if _, err := t.exec("UPDATE conversations SET tip = ? WHERE tenant = ? AND id = ? AND tip = ?",
			after, ref.Tenant, ref.Conversation, turnBytes(turn)); err != nil {
			return err
		}
		_, err = t.erase("turn = ? AND conversation = (SELECT id FROM conversations WHERE tenant = items.tenant AND id = ? AND private = TRUE)",
			ref.Tenant, turnBytes(turn), ref.Conversation)
		return err
	})
}

// DropConversation deletes a conversation with everything in it. Where forks
// begin with its items those that they need are kept, out of reach, until the
// last of the forks is dropped.
func (s *Store) DropConversation(ctx context.Context, ref messages.ConversationRef, epoch messages.Epoch) error {
	return s.write(ctx, ref.Tenant, "DropConversation", func(t *transaction) error {
		if _, err := t.fence(ref, epoch); err != nil {
			return err
		}
		return t.drop(ref)
	})
}

func (t *transaction) drop(ref messages.ConversationRef) error {
	if _, err := t.exec("DELETE FROM turns WHERE tenant = ? AND conversation = ?", ref.Tenant, ref.Conversation); err != nil {
		return err
	}
	var needed messages.Seq // by forks, up to here
	if _, err := t.row("SELECT coalesce(max(parent_seq), 0) FROM conversations WHERE tenant = ? AND parent = ?",
		[]any{ref.Tenant, ref.Conversation}, &needed); err != nil {
		return err
	}
	if _, err := t.exec("DELETE FROM items WHERE tenant = ? AND conversation = ? AND seq > ?", ref.Tenant, ref.Conversation, needed); err != nil {
		return err
	}
	if needed > 0 {
		_, err := t.exec("UPDATE conversations SET deleted = TRUE, metadata = '{}' WHERE tenant = ? AND id = ?", ref.Tenant, ref.Conversation)
		return err
	}
	return t.purge(ref)
}

// purge removes a conversation that nothing depends on, and then its parent if
// that was only kept for it.
func (t *transaction) purge(ref messages.ConversationRef) error {
	parent := messages.ConversationRef{Tenant: ref.Tenant}
	if _, err := t.row("DELETE FROM conversations WHERE tenant = ? AND id = ? RETURNING parent",
		[]any{ref.Tenant, ref.Conversation}, &parent.Conversation); err != nil || parent.Conversation == "" {
		return err
	}
	kept, err := t.row("SELECT TRUE FROM conversations WHERE tenant = ? AND id = ? AND deleted = TRUE", []any{parent.Tenant, parent.Conversation}, new(bool))
	if err != nil || !kept {
		return err
	}
	return t.drop(parent)
}
