package relational

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"example.com/parley/messages"
)

// append writes items at places that were taken for them.
func (t *transaction) append(ref messages.ConversationRef, first messages.Seq, request messages.TurnID, items []messages.Item) ([]messages.StoredItem, error) {
	now := time.Now()
	stored := make([]messages.StoredItem, len(items))
	for i := range items {
		stored[i] = messages.StoredItem{Item: items[i], Seq: first + messages.Seq(i), Turn: request, Created: now}
		if stored[i].ID == "" {
			stored[i].ID = messages.NewItemID(items[i].Kind, request, i)
		}
		if err := t.put(ref, &stored[i]); err != nil {
			return nil, err
		}
	}
	return stored, nil
}

// put writes an item in its place, over what a running turn had there before. A
// place that something else has taken is not given up: whoever asks is mistaken
// about the conversation. What was erased stays so.
func (t *transaction) put(ref messages.ConversationRef, item *messages.StoredItem) error {
	body, err := encode(&item.Item)
	if err != nil {
		return err
	}
	return t.later(orElse(func() error { return stale(ref) }), `INSERT INTO items (tenant, conversation, seq, id, turn, output, erased, body, created) VALUES (?, ?, ?, ?, ?, ?, FALSE, ?, ?)
		ON CONFLICT (tenant, conversation, seq) DO UPDATE SET body = CASE WHEN items.erased THEN '' ELSE excluded.body END
		WHERE items.turn = excluded.turn AND items.output AND excluded.output`,
		ref.Tenant, ref.Conversation, item.Seq, item.ID, turnBytes(item.Turn), item.Output, body, micros(item.Created))
}

// AppendItems adds items that no turn brought, once for a request.
func (s *Store) AppendItems(ctx context.Context, a messages.ItemsAppend) (added []messages.StoredItem, err error) {
	err = s.write(ctx, a.Ref.Tenant, "AppendItems", func(t *transaction) error {
		next, err := t.fence(a.Ref, a.Epoch)
		if err != nil {
			return err
		}
		done, err := t.row("SELECT TRUE FROM items WHERE tenant = ? AND turn = ? LIMIT 1", []any{a.Ref.Tenant, turnBytes(a.Request)}, new(bool))
		if err != nil {
			return err
		}
		if done { // what was erased of it since stays so
			added, err = turnItems(t, a.Ref.Tenant, a.Request)
			return err
		}
		if err := t.takeFenced(a.Ref, next, len(a.Items)); err != nil {
			return err
		}
		added, err = t.append(a.Ref, next, a.Request, a.Items)
		return err
	})
	return added, err
}

// EraseItem erases an item's content and keeps its place.
func (s *Store) EraseItem(ctx context.Context, ref messages.ConversationRef, epoch messages.Epoch, item messages.ItemID) error {
	return s.write(ctx, ref.Tenant, "EraseItem", func(t *transaction) error {
		if _, err := t.fence(ref, epoch); err != nil {
			return err
		}
		erased, err := t.erase("conversation = ? AND id = ?", ref.Tenant, ref.Conversation, item)
		if err == nil && erased == 0 {
			err = itemAbsent(item)
		}
		return err
	})
}

// erase makes tombstones of a tenant's items.
func (t *transaction) erase(where string, tenant messages.TenantID, args ...any) (int64, error) {
	return t.exec("UPDATE items SET erased = TRUE, body = '' WHERE tenant = ? AND erased = FALSE AND "+where, append([]any{tenant}, args...)...)
}

const selectItem = "SELECT i.seq, i.turn, i.output, i.body, i.created FROM "

func scanItem(row Scanner) (item messages.StoredItem, err error) {
	var turn, body []byte
	var created int64
	if err := row.Scan(&item.Seq, &turn, &item.Output, &body, &created); err != nil {
		return item, err
	}
	item.Turn, item.Created = turnID(turn), fromMicros(created)
	return item, json.Unmarshal(body, &item.Item)
}

// History returns what a model is to remember, without waking anybody.
func (s *Store) History(ctx context.Context, h messages.ReadHistory) (items []messages.StoredItem, err error) {
	err = s.readIn(ctx, h.Ref, "History", func(q *querying) error {
		items, err = history(q, h)
		return err
	})
	return items, err
}

// history reads from the newest item back until there is enough.
func history(q querier, h messages.ReadHistory) (items []messages.StoredItem, err error) {
	spans, err := lineage(q, h.Ref, h.UpTo)
	if err != nil {
		return nil, err
	}
	size := 0
	err = walk(q, h.Ref.Tenant, spans, false, h.MaxItems, func(item messages.StoredItem) error {
		if size += itemSize(&item.Item); size > h.MaxBytes {
			return errEnough
		}
		items = append(items, item)
		return nil
	})
	slices.Reverse(items)
	return items, err
}

// itemSize is about the size of an item's JSON, in bytes.
func itemSize(item *messages.Item) int {
	size := len(item.Args) + len(item.Opaque)
	for i := range item.Parts {
		size += len(item.Parts[i].Text) + len(item.Parts[i].Image) + len(item.Parts[i].Raw)
	}
	return size
}

// Items lists a conversation's items, those of its parents among them.
func (s *Store) Items(ctx context.Context, ref messages.ConversationRef, p messages.Page) (found []messages.StoredItem, more bool, err error) {
	err = s.readIn(ctx, ref, "Items", func(q *querying) error {
		spans, err := lineage(q, ref, 0)
		if err != nil {
			return err
		}
		if p.After != "" {
			cursor, err := place(q, ref.Tenant, spans, messages.ItemID(p.After))
			if err != nil {
				return err
			}
			beyond(spans, cursor, p.Asc)
		}
		return walk(q, ref.Tenant, spans, p.Asc, p.Limit+1, func(item messages.StoredItem) error {
			found = append(found, item)
			return nil
		})
	})
	if len(found) > p.Limit {
		found, more = found[:p.Limit], true
	}
	return found, more, err
}

// beyond leaves of spans what lies behind a cursor.
func beyond(spans []span, cursor messages.Seq, asc bool) {
	for i := range spans {
		if asc {
			spans[i].low = max(spans[i].low, cursor)
		} else {
			spans[i].high = min(spans[i].high, cursor-1)
		}
	}
}

// place finds an item, erased or not: a cursor outlives what it points at.
func place(q querier, tenant messages.TenantID, spans []span, id messages.ItemID) (seq messages.Seq, err error) {
	var in messages.ConversationID
	found, err := q.row("SELECT conversation, seq FROM items WHERE tenant = ? AND id = ?", []any{tenant, id}, &in, &seq)
	if err == nil && (!found || !slices.ContainsFunc(spans, func(s span) bool { return s.holds(in, seq) })) {
		err = itemAbsent(id)
	}
	return seq, err
}

// Item returns one item of a conversation or of its parents.
func (s *Store) Item(ctx context.Context, ref messages.ConversationRef, id messages.ItemID) (item messages.StoredItem, err error) {
	err = s.readIn(ctx, ref, "Item", func(q *querying) error {
		spans, err := lineage(q, ref, 0)
		if err != nil {
			return err
		}
		if _, err := place(q, ref.Tenant, spans, id); err != nil {
			return err
		}
		found := false
		err = q.rows(selectItem+"items i WHERE i.tenant = ? AND i.id = ? AND i.erased = FALSE", []any{ref.Tenant, id}, func(row Scanner) (err error) {
			found = true
			item, err = scanItem(row)
			return err
		})
		if err == nil && !found {
			err = itemAbsent(id)
		}
		return err
	})
	return item, err
}

// TurnItems returns what a turn brought, inputs before outputs.
func (s *Store) TurnItems(ctx context.Context, tenant messages.TenantID, id messages.TurnID) (items []messages.StoredItem, err error) {
	err = s.read(ctx, tenant, "TurnItems", func(r *querying) error {
		if items, err = turnItems(r, tenant, id); err != nil || len(items) == 0 {
			return err
		}
		return r.seeTurn(tenant, id)
	})
	return items, err
}

func turnItems(q querier, tenant messages.TenantID, id messages.TurnID) (items []messages.StoredItem, err error) {
	err = q.rows(selectItem+"items i WHERE i.tenant = ? AND i.turn = ? AND i.erased = FALSE ORDER BY i.seq", []any{tenant, turnBytes(id)},
		func(row Scanner) error {
			item, err := scanItem(row)
			items = append(items, item)
			return err
		})
	return items, err
}
