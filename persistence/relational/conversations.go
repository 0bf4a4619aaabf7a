package relational

import (
	"context"
	"encoding/json"
	"time"

	"example.com/parley/messages"
)

// Activate raises the conversation's epoch and loads the newest of its items.
// Whatever turn an earlier activation left running is ended as partial, but for the
// one that is about to go on.
func (s *Store) Activate(ctx context.Context, a messages.Activate) (activation messages.Activation, err error) {
	err = s.write(ctx, a.Ref.Tenant, "Activate", func(t *transaction) error {
		if a.Fork != "" {
			if err := t.holdPlace(a.Ref); err != nil {
				return err
			}
			if err := t.fork(a); err != nil {
				return err
			}
		}
		if activation, err = t.raiseEpoch(a.Ref, a.Shard); err != nil {
			return err
		}
		if err := t.interruptTurn(&a, &activation); err != nil {
			return err
		}
		activation.Items, err = history(t, messages.ReadHistory{Ref: a.Ref, MaxItems: a.MaxItems, MaxBytes: a.MaxBytes})
		return err
	})
	return activation, err
}

// raiseEpoch comes before everything else of an activation: it holds the row, so
// that whatever an older one had begun to write is either seen or refused. It is
// refused itself where the shard has another owner by now.
func (t *transaction) raiseEpoch(ref messages.ConversationRef, shard messages.ShardEpoch) (a messages.Activation, err error) {
	if err := t.holdShard(ref, shard); err != nil {
		return a, err
	}
	var tip []byte
	found, err := t.row(`UPDATE conversations SET epoch = CASE WHEN epoch < ? THEN ? ELSE epoch END + 1
		WHERE tenant = ? AND id = ? AND deleted = FALSE AND epoch < ?
		RETURNING epoch, next_seq, tip, private`,
		[]any{shard.First(), shard.First(), ref.Tenant, ref.Conversation, ceiling(shard)}, &a.Epoch, &a.Next, &tip, &a.Private)
	if err == nil && !found {
		err = t.whyNot(ref)
	}
	a.Tip = turnID(tip)
	return a, err
}

// interruptTurn ends the turn that an earlier activation left running.
func (t *transaction) interruptTurn(asked *messages.Activate, a *messages.Activation) error {
	var running []byte
	found, err := t.row("SELECT id FROM turns WHERE tenant = ? AND conversation = ? AND status = 'in_progress' ORDER BY first_seq DESC LIMIT 1",
		[]any{asked.Ref.Tenant, asked.Ref.Conversation}, &running)
	if err != nil || !found {
		return err
	}
	if turnID(running) != asked.Turn {
		a.Tip = turnID(running)
	}
	_, err = t.interruptTurns("tenant = ? AND conversation = ? AND id <> ?", asked.Ref.Tenant, asked.Ref.Conversation, turnBytes(asked.Turn))
	return err
}

// fork makes a.Ref as a fork, unless it is there. The update that changes
// nothing keeps the parent from being dropped meanwhile.
func (t *transaction) fork(a messages.Activate) error {
	there, err := t.row("SELECT TRUE FROM conversations WHERE tenant = ? AND id = ?", []any{a.Ref.Tenant, a.Ref.Conversation}, new(bool))
	if err != nil || there {
		return err
	}
	var next messages.Seq
	found, err := t.row("UPDATE conversations SET epoch = epoch WHERE tenant = ? AND id = ? AND deleted = FALSE RETURNING next_seq",
		[]any{a.Ref.Tenant, a.Fork}, &next)
	if err != nil {
		return err
	}
	if !found || a.ForkSeq >= next {
		return conversationAbsent(a.Fork)
	}
	_, err = t.exec(`INSERT INTO conversations (tenant, id, private, parent, parent_seq, epoch, next_seq, tip, metadata, created)
		VALUES (?, ?, TRUE, ?, ?, 0, ?, ?, '{}', ?) ON CONFLICT DO NOTHING`,
		a.Ref.Tenant, a.Ref.Conversation, a.Fork, a.ForkSeq, a.ForkSeq+1, turnBytes(messages.TurnID{}), micros(time.Now()))
	return err
}

// CreateConversation stores c with its first items. Done again under the same
// id it returns the first.
func (s *Store) CreateConversation(ctx context.Context, c messages.Conversation, request messages.TurnID, items []messages.Item) (messages.Conversation, error) {
	err := s.write(ctx, c.Ref.Tenant, "CreateConversation", func(t *transaction) error {
		if err := t.holdPlace(c.Ref); err != nil {
			return err
		}
		metadata, err := encode(c.Metadata)
		if err != nil {
			return err
		}
		created, err := t.exec(`INSERT INTO conversations (tenant, id, private, parent, parent_seq, epoch, next_seq, tip, metadata, created)
			VALUES (?, ?, ?, '', 0, 0, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			c.Ref.Tenant, c.Ref.Conversation, c.Private, 1+len(items), turnBytes(messages.TurnID{}), metadata, micros(c.Created))
		if err != nil || created == 0 {
			return err
		}
		_, err = t.append(c.Ref, 1, request, items)
		return err
	})
	if err != nil {
		return messages.Conversation{}, err
	}
	return s.Conversation(ctx, c.Ref)
}

const selectConversation = "SELECT id, private, parent, parent_seq, metadata, created FROM conversations "

func scanConversation(row Scanner, tenant messages.TenantID) (c messages.Conversation, err error) {
	var metadata []byte
	var created int64
	if err := row.Scan(&c.Ref.Conversation, &c.Private, &c.Parent, &c.ParentSeq, &metadata, &created); err != nil {
		return c, err
	}
	c.Ref.Tenant, c.Created = tenant, fromMicros(created)
	return c, json.Unmarshal(metadata, &c.Metadata)
}

// Conversation returns what is kept of a conversation beside its items.
func (s *Store) Conversation(ctx context.Context, ref messages.ConversationRef) (c messages.Conversation, err error) {
	found := false
	err = s.readIn(ctx, ref, "Conversation", func(r *querying) error {
		return r.rows(selectConversation+"WHERE tenant = ? AND id = ? AND deleted = FALSE", []any{ref.Tenant, ref.Conversation},
			func(row Scanner) (err error) {
				found = true
				c, err = scanConversation(row, ref.Tenant)
				return err
			})
	})
	if err == nil && !found {
		err = conversationAbsent(ref.Conversation)
	}
	return c, err
}

// Conversations lists those of a tenant that are not private.
func (s *Store) Conversations(ctx context.Context, tenant messages.TenantID, p messages.Page) (found []messages.Conversation, more bool, err error) {
	err = s.read(ctx, tenant, "Conversations", func(r *querying) error {
		var from *ConversationPlace
		if p.After != "" {
			place, err := r.conversationPlace(messages.ConversationRef{Tenant: tenant, Conversation: messages.ConversationID(p.After)})
			if err != nil {
				return err
			}
			from = &place
		}
		found, err = r.conversations(tenant, p.Asc, from, p.Limit+1)
		return err
	})
	if len(found) > p.Limit {
		found, more = found[:p.Limit], true
	}
	return found, more, err
}

// ConversationPlace is where a conversation is in the list of its tenant's.
type ConversationPlace struct {
	Created int64 // microseconds since 1970
	ID      messages.ConversationID
}

// PlaceOf is where a conversation is in the list.
func PlaceOf(c *messages.Conversation) ConversationPlace {
	return ConversationPlace{Created: micros(c.Created), ID: c.Ref.Conversation}
}

// ConversationPlace finds where a conversation is in the list, in which it need not be
// any more.
func (s *Store) ConversationPlace(ctx context.Context, ref messages.ConversationRef) (place ConversationPlace, err error) {
	err = s.readIn(ctx, ref, "Conversations", func(r *querying) error {
		place, err = r.conversationPlace(ref)
		return err
	})
	return place, err
}

// ConversationsFrom lists at most limit of those that a database has, behind a place
// or from the first.
func (s *Store) ConversationsFrom(ctx context.Context, tenant messages.TenantID, asc bool, from *ConversationPlace, limit int) (found []messages.Conversation, err error) {
	err = s.read(ctx, tenant, "Conversations", func(r *querying) error {
		found, err = r.conversations(tenant, asc, from, limit)
		return err
	})
	return found, err
}

func (q *querying) conversationPlace(ref messages.ConversationRef) (place ConversationPlace, err error) {
	place.ID = ref.Conversation
	found, err := q.row("SELECT created FROM conversations WHERE tenant = ? AND id = ?", []any{ref.Tenant, ref.Conversation}, &place.Created)
	if err == nil && !found {
		err = conversationAbsent(ref.Conversation)
	}
	return place, err
}

func (q *querying) conversations(tenant messages.TenantID, asc bool, from *ConversationPlace, limit int) (found []messages.Conversation, err error) {
	order, beyond := "ORDER BY created DESC, id DESC LIMIT ?", "AND (created, id) < (?, ?) "
	if asc {
		order, beyond = "ORDER BY created, id LIMIT ?", "AND (created, id) > (?, ?) "
	}
	where, args := "WHERE tenant = ? AND private = FALSE AND deleted = FALSE ", []any{tenant}
	if from != nil {
		where, args = where+beyond, append(args, from.Created, from.ID)
	}
	err = q.rows(selectConversation+where+order, append(args, limit), func(row Scanner) error {
		c, err := scanConversation(row, tenant)
		found = append(found, c)
		return err
	})
	return found, err
}

// UpdateConversation replaces the conversation's metadata.
func (s *Store) UpdateConversation(ctx context.Context, ref messages.ConversationRef, metadata map[string]string) (messages.Conversation, error) {
	text, err := encode(metadata)
	if err != nil {
		return messages.Conversation{}, err
	}
	err = s.write(ctx, ref.Tenant, "UpdateConversation", func(t *transaction) error {
		if err := t.holdPlace(ref); err != nil {
			return err
		}
		changed, err := t.exec("UPDATE conversations SET metadata = ? WHERE tenant = ? AND id = ? AND deleted = FALSE", text, ref.Tenant, ref.Conversation)
		if err == nil && changed == 0 {
			err = conversationAbsent(ref.Conversation)
		}
		return err
	})
	if err != nil {
		return messages.Conversation{}, err
	}
	return s.Conversation(ctx, ref)
}
