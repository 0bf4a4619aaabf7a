package persistencetest

import (
	"encoding/json"
	"strings"
	"sync"
	"time"

	"example.com/parley/messages"
)

func testDense(b *bench) {
	const writers, appends = 8, 5
	ref := b.conversation("first")
	epoch := b.activate(ref).Epoch
	var wait sync.WaitGroup
	for range writers {
		wait.Go(func() {
			for range appends {
				if _, err := b.store.AppendItems(b.ctx(), messages.ItemsAppend{Ref: ref, Epoch: epoch, Request: b.id(), Items: said(messages.RoleUser, "x", "y")}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wait.Wait()
	items, _, err := b.store.Items(b.ctx(), ref, messages.Page{Limit: 100, Asc: true})
	b.must(err)
	b.same(1+writers*appends*2, len(items))
	for i := range items {
		if items[i].Seq != messages.Seq(i+1) {
			b.Fatalf("item %d is in place %d", i+1, items[i].Seq)
		}
	}
}

func testItems(b *bench) {
	ref := b.conversation("a", "b", "c", "d", "e")
	page := func(p messages.Page) ([]messages.StoredItem, bool) {
		b.Helper()
		items, more, err := b.store.Items(b.ctx(), ref, p)
		b.must(err)
		return items, more
	}
	items, more := page(messages.Page{Limit: 2})
	if line(items) != "5:e 4:d" || !more {
		b.Errorf("the first page is %s, more: %t", line(items), more)
	}
	items, more = page(messages.Page{Limit: 3, After: string(items[1].ID)})
	if line(items) != "3:c 2:b 1:a" || more {
		b.Errorf("the second page is %s, more: %t", line(items), more)
	}
	items, _ = page(messages.Page{Limit: 2, Asc: true, After: string(items[1].ID)})
	b.same("3:c 4:d", line(items))

	one, err := b.store.Item(b.ctx(), ref, items[0].ID)
	b.must(err)
	b.same("c", one.Text())
	epoch := b.activate(ref).Epoch
	b.must(b.store.EraseItem(b.ctx(), ref, epoch, items[0].ID))
	b.refused(b.store.EraseItem(b.ctx(), ref, epoch, items[0].ID), messages.CodeItemAbsent)
	_, err = b.store.Item(b.ctx(), ref, items[0].ID)
	b.refused(err, messages.CodeItemAbsent)
	b.same("1:a 2:b 4:d 5:e", b.text(ref))
	after, _ := page(messages.Page{Limit: 1, Asc: true, After: string(items[0].ID)}) // a cursor outlives its item
	b.same("4:d", line(after))
	_, _, err = b.store.Items(b.ctx(), ref, messages.Page{Limit: 1, After: "msg_none"})
	b.refused(err, messages.CodeItemAbsent)
	b.same("1:a 2:b 4:d 5:e", line(b.activate(ref).Items))
}

func testForks(b *bench) {
	parent := b.conversation()
	a := b.activate(parent)
	b.turn(parent, a.Epoch, 1, "q1", "a1")
	b.turn(parent, a.Epoch, 3, "q2", "a2")
	fork := func(of, ref messages.ConversationRef, upTo messages.Seq) messages.Activation {
		b.Helper()
		a, err := b.store.Activate(b.ctx(), messages.Activate{Ref: ref, Fork: of.Conversation, ForkSeq: upTo, MaxItems: 100, MaxBytes: 1 << 20})
		b.must(err)
		return a
	}
	child := b.forkOf(parent)
	forked := fork(parent, child, 2)
	if line(forked.Items) != "1:q1 2:a1" || forked.Next != 3 || !forked.Private {
		b.Errorf("forked as %+v", forked)
	}
	b.turn(child, forked.Epoch, 3, "q2b", "a2b")
	b.same("1:q1 2:a1 3:q2b 4:a2b", b.text(child))
	b.same("1:q1 2:a1 3:q2 4:a2", b.text(parent))

	grandchild := b.forkOf(child)
	forked = fork(child, grandchild, 4)
	b.turn(grandchild, forked.Epoch, 5, "q3", "a3")
	b.same("1:q1 2:a1 3:q2b 4:a2b 5:q3 6:a3", b.text(grandchild))
	again := fork(parent, child, 2)
	b.same("1:q1 2:a1 3:q2b 4:a2b", line(again.Items))
	history, err := b.store.History(b.ctx(), messages.ReadHistory{Ref: grandchild, UpTo: 3, MaxItems: 100, MaxBytes: 1 << 20})
	b.must(err)
	b.same("1:q1 2:a1 3:q2b", line(history))

	_, err = b.store.Activate(b.ctx(), messages.Activate{Ref: messages.ConversationRef{Tenant: tenant, Conversation: "conv_x"}, Fork: "conv_none", ForkSeq: 1, MaxItems: 1, MaxBytes: 1})
	b.refused(err, messages.CodeConversationAbsent)
	_, err = b.store.Activate(b.ctx(), messages.Activate{Ref: messages.ConversationRef{Tenant: tenant, Conversation: "conv_x"}, Fork: parent.Conversation, ForkSeq: 99, MaxItems: 1, MaxBytes: 1})
	b.refused(err, messages.CodeConversationAbsent)
}

func testDrop(b *bench) {
	parent := b.conversation()
	a := b.activate(parent)
	record := b.turn(parent, a.Epoch, 1, "q1", "a1")
	b.turn(parent, a.Epoch, 3, "q2", "a2")
	child := b.forkOf(parent)
	forked, err := b.store.Activate(b.ctx(), messages.Activate{Ref: child, Fork: parent.Conversation, ForkSeq: 2, MaxItems: 100, MaxBytes: 1 << 20})
	b.must(err)

	b.must(b.store.DropConversation(b.ctx(), parent, a.Epoch))
	_, err = b.store.Conversation(b.ctx(), parent)
	b.refused(err, messages.CodeConversationAbsent)
	_, err = b.store.Turn(b.ctx(), tenant, record.ID)
	b.refused(err, messages.CodeResponseAbsent)
	_, _, err = b.store.Items(b.ctx(), parent, messages.Page{Limit: 1})
	b.refused(err, messages.CodeConversationAbsent)
	_, err = b.store.Activate(b.ctx(), messages.Activate{Ref: parent, MaxItems: 1, MaxBytes: 1})
	b.refused(err, messages.CodeConversationAbsent)
	b.refused(b.store.BeginTurn(b.ctx(), b.begin(parent, a.Epoch, 5, "late")), messages.CodeConversationAbsent)
	b.same("1:q1 2:a1", b.text(child))

	activate := messages.Activate{Ref: child, Fork: parent.Conversation, ForkSeq: 2, MaxItems: 100, MaxBytes: 1 << 20}
	forked, err = b.store.Activate(b.ctx(), activate) // it is there: its parent does not matter any more
	b.must(err)
	b.same("1:q1 2:a1", line(forked.Items))
	activate.Ref = b.forkOf(parent)
	_, err = b.store.Activate(b.ctx(), activate)
	b.refused(err, messages.CodeConversationAbsent)

	b.must(b.store.DropConversation(b.ctx(), child, forked.Epoch))
	_, err = b.store.Conversation(b.ctx(), child)
	b.refused(err, messages.CodeConversationAbsent)
	items, err := b.store.TurnItems(b.ctx(), tenant, record.ID)
	b.must(err)
	b.same(0, len(items))
}

// testForkRace forks a conversation while it is dropped: the fork has all its
// items, or is refused.
func testForkRace(b *bench) {
	const rounds = 20
	for range rounds {
		parent := b.conversation("a", "b")
		epoch := b.activate(parent).Epoch
		child := b.forkOf(parent)
		var forked messages.Activation
		var forkErr, dropErr error
		var wait sync.WaitGroup
		wait.Go(func() {
			forked, forkErr = b.store.Activate(b.ctx(), messages.Activate{Ref: child, Fork: parent.Conversation, ForkSeq: 2, MaxItems: 9, MaxBytes: 1 << 10})
		})
		wait.Go(func() { dropErr = b.store.DropConversation(b.ctx(), parent, epoch) })
		wait.Wait()
		b.must(dropErr)
		if forkErr != nil {
			b.refused(forkErr, messages.CodeConversationAbsent)
			continue
		}
		b.same("1:a 2:b", line(forked.Items))
		b.same("1:a 2:b", b.text(child))
	}
}

func testConversations(b *bench) {
	refs := make([]messages.ConversationRef, 5)
	for i := range refs {
		refs[i] = b.conversation()
	}
	hidden := b.begin(messages.ConversationRef{Tenant: tenant, Conversation: "conv_hidden"}, 1, 1, "x")
	hidden.Create, hidden.Record.Private = true, true
	b.must(b.store.BeginTurn(b.ctx(), hidden))
	list := func(p messages.Page) (names []messages.ConversationID, more bool) {
		b.Helper()
		found, more, err := b.store.Conversations(b.ctx(), tenant, p)
		b.must(err)
		for _, c := range found {
			names = append(names, c.Ref.Conversation)
		}
		return names, more
	}
	names, more := list(messages.Page{Limit: 2})
	b.same([]messages.ConversationID{refs[4].Conversation, refs[3].Conversation}, names)
	b.same(true, more)
	names, more = list(messages.Page{Limit: 3, After: string(names[1])})
	b.same([]messages.ConversationID{refs[2].Conversation, refs[1].Conversation, refs[0].Conversation}, names)
	b.same(false, more)
	names, _ = list(messages.Page{Limit: 1, Asc: true, After: string(refs[0].Conversation)})
	b.same([]messages.ConversationID{refs[1].Conversation}, names)

	updated, err := b.store.UpdateConversation(b.ctx(), refs[0], map[string]string{"topic": "tea"})
	b.must(err)
	b.same(map[string]string{"topic": "tea"}, updated.Metadata)
	read, err := b.store.Conversation(b.ctx(), refs[0])
	b.must(err)
	b.same(updated, read)
	_, err = b.store.UpdateConversation(b.ctx(), messages.ConversationRef{Tenant: tenant, Conversation: "conv_none"}, nil)
	b.refused(err, messages.CodeConversationAbsent)

	id := b.id()
	c := messages.Conversation{
		Ref: messages.ConversationRef{Tenant: tenant, Conversation: messages.NewConversationID(id)}, Metadata: map[string]string{"a": "b"},
		Created: time.Now().Round(time.Microsecond),
	}
	for range 2 {
		made, err := b.store.CreateConversation(b.ctx(), c, id, said(messages.RoleUser, "hi"))
		b.must(err)
		b.same(c, made)
	}
	b.same("1:hi", b.text(c.Ref))
}

func testHistory(b *bench) {
	ref := b.conversation("a", "b", strings.Repeat("c", 1000), "d")
	read := func(h messages.ReadHistory) string {
		b.Helper()
		h.Ref = ref
		items, err := b.store.History(b.ctx(), h)
		b.must(err)
		return line(items)
	}
	b.same("4:d", read(messages.ReadHistory{MaxItems: 10, MaxBytes: 500}))
	b.same("1:a 2:b", read(messages.ReadHistory{UpTo: 2, MaxItems: 10, MaxBytes: 500}))
	b.same("2:b", read(messages.ReadHistory{UpTo: 2, MaxItems: 1, MaxBytes: 500}))
	_, err := b.store.History(b.ctx(), messages.ReadHistory{Ref: messages.ConversationRef{Tenant: tenant, Conversation: "conv_none"}, MaxItems: 1, MaxBytes: 1})
	b.refused(err, messages.CodeConversationAbsent)
}

func testFidelity(b *bench) {
	strict := true
	temperature := 0.25
	id := b.id()
	items := named(id, 0, []messages.Item{
		{Kind: messages.ItemMessage, Role: messages.RoleUser, Name: "ann", Parts: []messages.Part{
			messages.TextPart("línea ☂ \u2028 \"quoted\" <b>"),
			{Kind: messages.PartImage, Image: "data:image/png;base64,AAAA", Detail: "low"},
			{Kind: messages.PartOther, Raw: json.RawMessage(`{"type":"input_audio","n":1.50,"x":12345678901234567890}`), Format: messages.FormatOpenAIChat},
		}},
		{Kind: messages.ItemToolCall, Name: "look", CallID: "call_1", Args: `{"q": "tea`},
		{Kind: messages.ItemToolOutput, CallID: "call_1", Parts: []messages.Part{messages.TextPart("none")}},
		{Kind: messages.ItemReasoning, Parts: []messages.Part{messages.TextPart("hm")}, Opaque: "sig=="},
	})
	ref := b.conversation()
	begin := b.begin(ref, b.activate(ref).Epoch, 1, "")
	begin.Record.Inputs, begin.Input = len(items), items
	begin.Record.ID = id
	begin.Record.Instructions, begin.Record.Background = "be brief", true
	begin.Record.Options = messages.Options{
		Temperature: &temperature, Stop: []string{"\n"}, Metadata: map[string]string{"k": "v"},
		Tools: []messages.Tool{{Name: "look", Parameters: json.RawMessage(`{"type":"object"}`), Strict: &strict}},
		Extra: []messages.Field{{Name: "top_k", Value: json.RawMessage("40")}}, ExtraFormat: messages.FormatOpenAIChat,
	}
	b.must(b.store.BeginTurn(b.ctx(), begin))
	record, err := b.store.Turn(b.ctx(), tenant, id)
	b.must(err)
	b.same(begin.Record, record)
	kept, err := b.store.TurnItems(b.ctx(), tenant, id)
	b.must(err)
	for i := range kept {
		b.same(items[i], kept[i].Item)
	}
}
