package persistencetest

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"example.com/parley/messages"
)

// conversationModel is what the rules say of one conversation, in the plainest
// words.
type conversationModel struct {
	epoch messages.Epoch
	next  messages.Seq
	items map[messages.Seq]string
	ids   map[messages.Seq]messages.ItemID
	open  *messages.TurnBegin
	said  int // output items of the open turn
}

// testModel does whatever can be done in any order, also under old epochs, and
// compares with the model after each step.
func testModel(b *bench) {
	rapid.Check(b.T, func(t *rapid.T) {
		ref := b.conversation()
		m := &conversationModel{next: 1, items: make(map[messages.Seq]string), ids: make(map[messages.Seq]messages.ItemID)}
		m.epoch = b.activate(ref).Epoch
		t.Repeat(map[string]func(*rapid.T){
			"activate": func(*rapid.T) {
				m.epoch = b.activate(ref).Epoch
				m.open = nil
			},
			"append":        func(t *rapid.T) { m.append(b, t, ref) },
			"begin":         func(t *rapid.T) { m.begin(b, t, ref) },
			"save a prefix": func(t *rapid.T) { m.savePrefix(b, t, ref) },
			"end":           func(t *rapid.T) { m.end(b, t) },
			"erase":         func(t *rapid.T) { m.erase(b, t, ref) },
			"": func(t *rapid.T) {
				if got := b.text(ref); got != m.text() {
					t.Fatalf("the store has %q, the model %q", got, m.text())
				}
			},
		})
	})
}

func (m *conversationModel) text() string {
	var texts []string
	for seq := messages.Seq(1); seq < m.next; seq++ {
		if text, ok := m.items[seq]; ok {
			texts = append(texts, fmt.Sprintf("%d:%s", seq, text))
		}
	}
	return strings.Join(texts, " ")
}

// old draws the epoch to write under, now and then an outdated one.
func (m *conversationModel) draw(t *rapid.T) (epoch messages.Epoch, current bool) {
	if m.epoch > 1 && rapid.IntRange(0, 4).Draw(t, "stale") == 0 {
		return m.epoch - 1, false
	}
	return m.epoch, true
}

func (m *conversationModel) expect(t *rapid.T, err error, current bool) bool {
	switch {
	case current && err != nil:
		t.Fatal(err)
	case !current && messages.CodeOf(err) != messages.CodeStaleEpoch:
		t.Fatalf("under an old epoch: %v", err)
	}
	return current
}

func (m *conversationModel) append(b *bench, t *rapid.T, ref messages.ConversationRef) {
	if m.open != nil {
		return // the conversation's actor does one thing at a time
	}
	epoch, current := m.draw(t)
	texts := rapid.SliceOfN(rapid.StringMatching("[a-z]{1,3}"), 1, 3).Draw(t, "texts")
	added, err := b.store.AppendItems(b.ctx(), messages.ItemsAppend{Ref: ref, Epoch: epoch, Request: b.id(), Items: said(messages.RoleUser, texts...)})
	if m.expect(t, err, current) {
		for _, item := range added {
			m.items[item.Seq], m.ids[item.Seq] = item.Text(), item.ID
		}
		m.next += messages.Seq(len(texts))
	}
}

func (m *conversationModel) begin(b *bench, t *rapid.T, ref messages.ConversationRef) {
	if m.open != nil {
		return
	}
	epoch, current := m.draw(t)
	begin := b.begin(ref, epoch, m.next, "q")
	if m.expect(t, b.store.BeginTurn(b.ctx(), begin), current) {
		m.open, m.said = &begin, 0
		m.items[m.next], m.ids[m.next] = "q", begin.Input[0].ID
		m.next++
	}
}

func (m *conversationModel) savePrefix(b *bench, t *rapid.T, ref messages.ConversationRef) {
	if m.open == nil {
		return
	}
	texts := rapid.SliceOfN(rapid.StringMatching("[a-z]{1,3}"), max(m.said, 1), m.said+2).Draw(t, "texts")
	id, first := m.open.Record.ID, m.open.Record.FirstSeq+1
	err := b.store.SavePrefix(b.ctx(), messages.TurnPrefix{
		Ref: ref, Epoch: m.open.Epoch, Turn: id, First: first, Items: named(id, 1, said(messages.RoleAssistant, texts...)),
	})
	m.expect(t, err, true)
	m.say(id, first, texts)
}

func (m *conversationModel) say(id messages.TurnID, first messages.Seq, texts []string) {
	for i, text := range texts {
		seq := first + messages.Seq(i)
		m.items[seq], m.ids[seq] = text, messages.NewItemID(messages.ItemMessage, id, 1+i)
		m.next = max(m.next, seq+1)
	}
	m.said = len(texts)
}

func (m *conversationModel) end(b *bench, t *rapid.T) {
	if m.open == nil {
		return
	}
	texts := rapid.SliceOfN(rapid.StringMatching("[a-z]{1,3}"), max(m.said, 1), m.said+2).Draw(t, "texts")
	m.expect(t, b.store.EndTurn(b.ctx(), end(*m.open, texts...)), true)
	m.say(m.open.Record.ID, m.open.Record.FirstSeq+1, texts)
	m.open = nil
}

func (m *conversationModel) erase(b *bench, t *rapid.T, ref messages.ConversationRef) {
	if len(m.items) == 0 || m.open != nil {
		return
	}
	epoch, current := m.draw(t)
	seq := messages.Seq(rapid.Uint64Range(1, uint64(m.next)-1).Draw(t, "place"))
	if _, there := m.items[seq]; !there {
		return
	}
	if m.expect(t, b.store.EraseItem(b.ctx(), ref, epoch, m.ids[seq]), current) {
		delete(m.items, seq)
	}
}
