package relational

import (
	"errors"
	"slices"

	"example.com/parley/messages"
)

// span is a conversation, or one that it was forked from, and between which
// places the items in it count: behind low, up to high.
type span struct {
	conversation messages.ConversationID
	low, high    messages.Seq
}

func (s span) holds(conversation messages.ConversationID, seq messages.Seq) bool {
	return s.conversation == conversation && s.low < seq && seq <= s.high
}

// endless is a place behind every item.
const endless = messages.Seq(1) << 62

// lineage returns the spans that make a conversation up to a place, the youngest
// first. 0 is the end.
func lineage(q querier, ref messages.ConversationRef, upTo messages.Seq) (spans []span, err error) {
	high := upTo
	if high == 0 {
		high = endless
	}
	err = q.rows(`WITH RECURSIVE lineage (id, parent, low, age) AS (
			SELECT id, parent, parent_seq, 0 FROM conversations WHERE tenant = ? AND id = ? AND deleted = FALSE
			UNION ALL
			SELECT c.id, c.parent, c.parent_seq, lineage.age + 1
			FROM lineage JOIN conversations c ON c.tenant = ? AND c.id = lineage.parent WHERE lineage.parent <> ''
		) SELECT id, low FROM lineage ORDER BY age`, []any{ref.Tenant, ref.Conversation, ref.Tenant}, func(row Scanner) error {
		s := span{high: high}
		err := row.Scan(&s.conversation, &s.low)
		high = min(s.low, high)
		spans = append(spans, s)
		return err
	})
	if err == nil && len(spans) == 0 {
		err = conversationAbsent(ref.Conversation)
	}
	return spans, err
}

// errEnough ends a walk before its end.
var errEnough = errors.New("enough")

// walk calls take for the items of spans in the order of their places, the
// newest first or asc, until there are limit of them or take says that it has
// enough. Each span is read in the order of its index: what is not taken costs
// nothing.
func walk(q querier, tenant messages.TenantID, spans []span, asc bool, limit int, take func(messages.StoredItem) error) error {
	order := " ORDER BY i.seq DESC LIMIT ?"
	if asc {
		order = " ORDER BY i.seq LIMIT ?"
		spans = slices.Clone(spans)
		slices.Reverse(spans)
	}
	left := limit
	for _, s := range spans {
		if s.low >= s.high {
			continue
		}
		if left <= 0 {
			return nil
		}
		err := q.rows(selectItem+"items i WHERE i.tenant = ? AND i.conversation = ? AND i.seq > ? AND i.seq <= ? AND i.erased = FALSE"+order,
			[]any{tenant, s.conversation, s.low, s.high, left}, func(row Scanner) error {
				item, err := scanItem(row)
				if err != nil {
					return err
				}
				left--
				return take(item)
			})
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
