package persistencetest

import (
	"time"

	"example.com/parley/messages"
)

// spoken carries a turn out that a user asked for, and returns its record.
func (b *bench) spoken(ref messages.ConversationRef, epoch messages.Epoch, first messages.Seq, user, question, answer string) messages.TurnRecord {
	b.Helper()
	begin := b.begin(ref, epoch, first, question)
	begin.Record.Options.User = user
	b.must(b.store.BeginTurn(b.ctx(), begin))
	end := end(begin, answer)
	b.must(b.store.EndTurn(b.ctx(), end))
	return end.Record
}

// erase has an erasure carried out to its end, and returns the receipt.
func (b *bench) erase(e messages.Erasure) messages.Erasure {
	b.Helper()
	if e.User != "" {
		e.UserHash = messages.HashUser(e.User)
	}
	b.must(b.store.CreateErasure(b.ctx(), e))
	pending, err := b.store.PendingErasures(b.ctx())
	b.must(err)
	if len(pending) != 1 || pending[0].ID != e.ID || pending[0].User != e.User || pending[0].Done() {
		b.Fatalf("%+v is to be done", pending)
	}
	for range 20 {
		at, err := b.store.EraseSome(b.ctx(), e.ID)
		b.must(err)
		if at.Done() {
			return at
		}
	}
	b.Fatal("it does not end")
	return e
}

func (b *bench) tenants(names ...messages.TenantID) {
	b.Helper()
	for _, name := range names {
		b.must(b.store.CreateTenant(b.ctx(), messages.Tenant{ID: name, Name: string(name), Created: time.Now()}))
	}
}

func testEraseUser(b *bench) {
	b.tenants(tenant)
	alone, both, other := b.conversation("added"), b.conversation(), b.conversation()
	epoch := b.activate(alone).Epoch
	gone := b.spoken(alone, epoch, 2, "ann", "mine", "to ann")
	shared := b.activate(both).Epoch
	first := b.spoken(both, shared, 1, "bob", "bob asks", "to bob")
	second := b.spoken(both, shared, 3, "ann", "ann asks", "to ann")
	kept := b.spoken(other, b.activate(other).Epoch, 1, "bob", "again", "to bob")
	_, err := b.store.ClaimKey(b.ctx(), messages.Claim{Tenant: tenant, Key: "k", Hash: hash("x"), Request: b.id(), Deadline: time.Now().Add(time.Hour)})
	b.must(err)
	b.must(b.store.KeepReply(b.ctx(), tenant, "k", messages.KeptReply{Status: 200, Body: []byte("secret")}))

	receipt := b.erase(messages.Erasure{ID: "erasure_1", Tenant: tenant, User: "ann", Requested: time.Now().Add(time.Second)})
	want := messages.Erasure{
		ID: "erasure_1", Tenant: tenant, UserHash: messages.HashUser("ann"), Requested: receipt.Requested, Ended: receipt.Ended,
		Conversations: 1, Turns: 2, Items: 5, Replies: 1,
	}
	b.same(want, receipt)
	_, err = b.store.Conversation(b.ctx(), alone)
	b.refused(err, messages.CodeConversationAbsent)
	b.same("1:bob asks 2:to bob", b.text(both))
	b.same("1:again 2:to bob", b.text(other))
	for _, id := range []messages.TurnID{gone.ID, second.ID} {
		_, err = b.store.Turn(b.ctx(), tenant, id)
		b.refused(err, messages.CodeResponseAbsent)
		rows, err := b.store.UsageRows(b.ctx(), tenant, id)
		b.must(err)
		b.same(1, len(rows))
	}
	for _, id := range []messages.TurnID{first.ID, kept.ID} {
		_, err = b.store.Turn(b.ctx(), tenant, id)
		b.must(err)
	}
	// Who remembered the conversation is told to look again; it goes on behind the tombstones.
	b.refused(b.store.BeginTurn(b.ctx(), b.begin(both, shared, 5, "x")), messages.CodeStaleEpoch)
	woken := b.activate(both)
	b.same(first.ID, woken.Tip)
	b.turn(both, woken.Epoch, 5, "more", "yes")
	b.same("1:bob asks 2:to bob 5:more 6:yes", b.text(both))

	b.reopen()
	found, err := b.store.Erasure(b.ctx(), "erasure_1")
	b.must(err)
	b.same(receipt, found)
	listed, err := b.store.Erasures(b.ctx(), tenant)
	b.must(err)
	b.same([]messages.Erasure{receipt}, listed)
	ended, err := b.store.ErasedSince(b.ctx(), receipt.Ended)
	b.must(err)
	b.same([]messages.Erasure{receipt}, ended)
	ended, err = b.store.ErasedSince(b.ctx(), receipt.Ended.Add(time.Microsecond))
	b.must(err)
	b.same(0, len(ended))
	again, err := b.store.EraseSome(b.ctx(), "erasure_1")
	b.must(err)
	b.same(receipt, again)
	_, err = b.store.Erasure(b.ctx(), "erasure_2")
	b.refused(err, messages.CodeItemAbsent)
	b.refused(b.store.CreateErasure(b.ctx(), messages.Erasure{ID: "erasure_3", Tenant: "nobody"}), messages.CodeItemAbsent)
}

func testEraseTenant(b *bench) {
	b.tenants(tenant, "rival")
	ref := b.conversation("one", "two")
	epoch := b.activate(ref).Epoch
	record := b.turn(ref, epoch, 3, "three", "four")
	forked := b.forkOf(ref)
	fork, err := b.store.Activate(b.ctx(), messages.Activate{
		Ref: forked, Fork: ref.Conversation, ForkSeq: 4, MaxItems: 10, MaxBytes: 1000,
	})
	b.must(err)
	running := b.begin(forked, fork.Epoch, 5, "running")
	b.must(b.store.BeginTurn(b.ctx(), running))
	theirs := messages.ConversationRef{Tenant: "rival", Conversation: "conv_theirs"}
	_, err = b.store.CreateConversation(b.ctx(), messages.Conversation{Ref: theirs, Created: time.Now()}, b.id(), said(messages.RoleUser, "theirs"))
	b.must(err)
	later := messages.ConversationRef{Tenant: tenant, Conversation: "conv_later"}
	_, err = b.store.CreateConversation(b.ctx(), messages.Conversation{Ref: later, Created: time.Now().Add(time.Hour)}, b.id(), said(messages.RoleUser, "later"))
	b.must(err)

	receipt := b.erase(messages.Erasure{ID: "erasure_1", Tenant: tenant, Requested: time.Now().Add(time.Minute)})
	b.same([]int64{2, 2, 5, 0}, []int64{receipt.Conversations, receipt.Turns, receipt.Items, receipt.Replies})
	for _, gone := range []messages.ConversationRef{ref, running.Record.Ref} {
		_, err = b.store.Conversation(b.ctx(), gone)
		b.refused(err, messages.CodeConversationAbsent)
	}
	b.refused(b.store.EndTurn(b.ctx(), end(running, "too late")), messages.CodeConversationAbsent)
	b.same("1:theirs", b.text(theirs))
	b.same("1:later", b.text(later))
	rows, err := b.store.UsageRows(b.ctx(), tenant, record.ID)
	b.must(err)
	b.same(1, len(rows))
}

func testRetention(b *bench) {
	b.tenants(tenant, "rival")
	days, none := 30, 0
	wanted := []messages.Retention{{Tenant: tenant, ContentDays: &days, LedgerDays: &none}, {Tenant: "rival"}}
	for _, r := range wanted {
		b.must(b.store.SetRetention(b.ctx(), r))
		b.must(b.store.SetRetention(b.ctx(), r))
	}
	found, err := b.store.Retentions(b.ctx())
	b.must(err)
	b.same(wanted, found)
	b.refused(b.store.SetRetention(b.ctx(), messages.Retention{Tenant: "nobody"}), messages.CodeItemAbsent)

	mixed, old := b.conversation("added"), b.conversation("old")
	epoch := b.activate(mixed).Epoch
	past := b.turn(mixed, epoch, 2, "past", "gone")
	young := b.begin(mixed, epoch, 4, "young") // its id says so
	young.Record.ID = messages.FirstTurnID(asked.Add(time.Hour))
	young.Input[0].ID = messages.NewItemID(messages.ItemMessage, young.Record.ID, 0)
	b.must(b.store.BeginTurn(b.ctx(), young))
	b.must(b.store.EndTurn(b.ctx(), end(young, "stays")))

	before := asked.Add(time.Minute)
	removed := 0
	for n := -1; n != 0; {
		n, err = b.store.SweepContent(b.ctx(), tenant, before)
		b.must(err)
		removed += n
	}
	b.same("4:young 5:stays", b.text(mixed))
	_, err = b.store.Turn(b.ctx(), tenant, past.ID)
	b.refused(err, messages.CodeResponseAbsent)
	b.refused(b.store.BeginTurn(b.ctx(), b.begin(mixed, epoch, 6, "x")), messages.CodeStaleEpoch)
	b.same("", b.text(old)) // it is younger itself
	b.same(3, removed)      // a turn, and two items that none brought
	for n := -1; n != 0; {
		n, err = b.store.SweepContent(b.ctx(), tenant, time.Now().Add(time.Hour))
		b.must(err)
	}
	for _, gone := range []messages.ConversationRef{mixed, old} {
		_, err = b.store.Conversation(b.ctx(), gone)
		b.refused(err, messages.CodeConversationAbsent)
	}

	n, err := b.store.SweepLedger(b.ctx(), "rival", time.Now())
	b.must(err)
	b.same(0, n)
	n, err = b.store.SweepLedger(b.ctx(), tenant, before)
	b.must(err)
	b.same(1, n)
	rows, err := b.store.UsageRows(b.ctx(), tenant, young.Record.ID)
	b.must(err)
	b.same(1, len(rows))
}
