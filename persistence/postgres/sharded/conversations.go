package sharded

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"example.com/parley/messages"
	"example.com/parley/persistence/postgres"
	"example.com/parley/persistence/relational"
)

// Activate implements conversation.Journal, as do those below.
func (s *Store) Activate(ctx context.Context, a messages.Activate) (activation messages.Activation, err error) {
	err = s.in(ctx, a.Ref, func(d *postgres.Store) (err error) {
		activation, err = d.Activate(ctx, a)
		return err
	})
	return activation, err
}

// History returns what a model is to remember.
func (s *Store) History(ctx context.Context, h messages.ReadHistory) (items []messages.StoredItem, err error) {
	err = s.in(ctx, h.Ref, func(d *postgres.Store) (err error) {
		items, err = d.History(ctx, h)
		return err
	})
	return items, err
}

// AppendItems adds items that no turn brought.
func (s *Store) AppendItems(ctx context.Context, a messages.ItemsAppend) (added []messages.StoredItem, err error) {
	err = s.in(ctx, a.Ref, func(d *postgres.Store) (err error) {
		added, err = d.AppendItems(ctx, a)
		return err
	})
	return added, err
}

// EraseItem erases an item's content.
func (s *Store) EraseItem(ctx context.Context, ref messages.ConversationRef, epoch messages.Epoch, item messages.ItemID) error {
	return s.in(ctx, ref, func(d *postgres.Store) error { return d.EraseItem(ctx, ref, epoch, item) })
}

// EraseTurn erases a response.
func (s *Store) EraseTurn(ctx context.Context, ref messages.ConversationRef, epoch messages.Epoch, turn messages.TurnID) error {
	return s.in(ctx, ref, func(d *postgres.Store) error { return d.EraseTurn(ctx, ref, epoch, turn) })
}

// DropConversation deletes a conversation.
func (s *Store) DropConversation(ctx context.Context, ref messages.ConversationRef, epoch messages.Epoch) error {
	return s.in(ctx, ref, func(d *postgres.Store) error { return d.DropConversation(ctx, ref, epoch) })
}

// CreateConversation stores a conversation with its first items.
func (s *Store) CreateConversation(ctx context.Context, c messages.Conversation, request messages.TurnID, items []messages.Item) (created messages.Conversation, err error) {
	err = s.in(ctx, c.Ref, func(d *postgres.Store) (err error) {
		created, err = d.CreateConversation(ctx, c, request, items)
		return err
	})
	return created, err
}

// Conversation returns what is kept of a conversation beside its items.
func (s *Store) Conversation(ctx context.Context, ref messages.ConversationRef) (c messages.Conversation, err error) {
	err = s.in(ctx, ref, func(d *postgres.Store) (err error) {
		c, err = d.Conversation(ctx, ref)
		return err
	})
	return c, err
}

// UpdateConversation replaces the conversation's metadata.
func (s *Store) UpdateConversation(ctx context.Context, ref messages.ConversationRef, metadata map[string]string) (c messages.Conversation, err error) {
	err = s.in(ctx, ref, func(d *postgres.Store) (err error) {
		c, err = d.UpdateConversation(ctx, ref, metadata)
		return err
	})
	return c, err
}

// Items lists a conversation's items.
func (s *Store) Items(ctx context.Context, ref messages.ConversationRef, p messages.Page) (found []messages.StoredItem, more bool, err error) {
	err = s.in(ctx, ref, func(d *postgres.Store) (err error) {
		found, more, err = d.Items(ctx, ref, p)
		return err
	})
	return found, more, err
}

// Item returns one item of a conversation.
func (s *Store) Item(ctx context.Context, ref messages.ConversationRef, id messages.ItemID) (item messages.StoredItem, err error) {
	err = s.in(ctx, ref, func(d *postgres.Store) (err error) {
		item, err = d.Item(ctx, ref, id)
		return err
	})
	return item, err
}

// Conversations lists those of a tenant that are not private: each database is asked
// for a page, and what they say is merged by age. The cursor is a conversation's own
// place in the list, wherever it is by now.
func (s *Store) Conversations(ctx context.Context, tenant messages.TenantID, p messages.Page) (found []messages.Conversation, more bool, err error) {
	from, err := s.listFrom(ctx, tenant, p.After)
	if err != nil {
		return nil, false, err
	}
	chart := s.atlas.current.Load()
	pages, faults := everywhere(s, func(d *database) ([]messages.Conversation, error) {
		return d.owned(ctx, chart, tenant, p, from)
	})
	if err := errors.Join(faults...); err != nil {
		return nil, false, err
	}
	found = slices.Concat(pages...)
	slices.SortFunc(found, func(a, b messages.Conversation) int {
		order := cmp.Or(a.Created.Compare(b.Created), strings.Compare(string(a.Ref.Conversation), string(b.Ref.Conversation)))
		if !p.Asc {
			order = -order
		}
		return order
	})
	if len(found) > p.Limit {
		found, more = found[:p.Limit], true
	}
	return found, more, nil
}

func (s *Store) listFrom(ctx context.Context, tenant messages.TenantID, after string) (from *relational.ConversationPlace, err error) {
	if after == "" {
		return nil, nil
	}
	ref := messages.ConversationRef{Tenant: tenant, Conversation: messages.ConversationID(after)}
	err = s.in(ctx, ref, func(d *postgres.Store) error {
		place, err := d.ConversationPlace(ctx, ref)
		from = &place
		return err
	})
	return from, err
}

// owned lists one more than a page of what the map has in this database: not what a
// move has brought so far, nor what one left.
func (d *database) owned(ctx context.Context, c *chart, tenant messages.TenantID, p messages.Page, from *relational.ConversationPlace) (found []messages.Conversation, err error) {
	for len(found) <= p.Limit {
		page, err := d.ConversationsFrom(ctx, tenant, p.Asc, from, p.Limit+1)
		if err != nil {
			return nil, err
		}
		for i := range page {
			if c.of[messages.ShardOf(page[i].Ref)] == d {
				found = append(found, page[i])
			}
		}
		if len(page) <= p.Limit {
			break
		}
		last := relational.PlaceOf(&page[len(page)-1])
		from = &last
	}
	return found, nil
}
