package persistencetest

import (
	"sync"
	"time"

	"example.com/parley/messages"
)

func testTurn(b *bench) {
	ref := b.conversation()
	a := b.activate(ref)
	b.same(messages.Activation{Epoch: 1, Next: 1}, a)
	record := b.turn(ref, a.Epoch, a.Next, "question", "answer")
	b.same("1:question 2:answer", b.text(ref))

	kept, err := b.store.Turn(b.ctx(), tenant, record.ID)
	b.must(err)
	b.same(record, kept)
	items, err := b.store.TurnItems(b.ctx(), tenant, record.ID)
	b.must(err)
	b.same("1:question 2:answer", line(items))
	if items[0].Output || !items[1].Output || items[0].Turn != record.ID {
		b.Errorf("inputs and outputs are not told apart: %+v", items)
	}
	rows, err := b.store.UsageRows(b.ctx(), tenant, record.ID)
	b.must(err)
	b.same([]messages.UsageRow{usageRow(record.ID, 1)}, rows)

	b.reopen()
	a = b.activate(ref)
	if a.Epoch != 2 || a.Next != 3 || a.Tip != record.ID || line(a.Items) != "1:question 2:answer" {
		b.Errorf("after a restart: %+v", a)
	}
}

func testCreate(b *bench) {
	ref := messages.ConversationRef{Tenant: tenant, Conversation: "conv_made"}
	begin := b.begin(ref, 1, 1, "question")
	begin.Create, begin.Record.Private = true, true
	b.must(b.store.BeginTurn(b.ctx(), begin))
	b.must(b.store.EndTurn(b.ctx(), end(begin, "answer")))
	b.same("1:question 2:answer", b.text(ref))
	c, err := b.store.Conversation(b.ctx(), ref)
	b.must(err)
	if !c.Private {
		b.Error("it is not private")
	}
	again := b.begin(ref, 1, 1, "question")
	again.Create = true
	b.refused(b.store.BeginTurn(b.ctx(), again), messages.CodeStaleEpoch)

	_, err = b.store.Activate(b.ctx(), messages.Activate{Ref: messages.ConversationRef{Tenant: tenant, Conversation: "conv_none"}, MaxItems: 1, MaxBytes: 1})
	b.refused(err, messages.CodeConversationAbsent)
}

func testFence(b *bench) {
	ref := b.conversation()
	old := b.activate(ref)
	running := b.begin(ref, old.Epoch, old.Next, "running")
	b.must(b.store.BeginTurn(b.ctx(), running))
	owner := b.activate(ref)

	b.refused(b.store.SavePrefix(b.ctx(), messages.TurnPrefix{
		Ref: ref, Epoch: old.Epoch, Turn: running.Record.ID, First: 2, Items: named(running.Record.ID, 1, said(messages.RoleAssistant, "late")),
	}), messages.CodeStaleEpoch)
	b.refused(b.store.EndTurn(b.ctx(), end(running, "late")), messages.CodeStaleEpoch)
	b.refused(b.store.BeginTurn(b.ctx(), b.begin(ref, old.Epoch, owner.Next, "late")), messages.CodeStaleEpoch)
	_, err := b.store.AppendItems(b.ctx(), messages.ItemsAppend{Ref: ref, Epoch: old.Epoch, Request: b.id(), Items: said(messages.RoleUser, "late")})
	b.refused(err, messages.CodeStaleEpoch)
	b.refused(b.store.EraseItem(b.ctx(), ref, old.Epoch, running.Input[0].ID), messages.CodeStaleEpoch)
	b.refused(b.store.EraseTurn(b.ctx(), ref, old.Epoch, running.Record.ID), messages.CodeStaleEpoch)
	b.refused(b.store.DropConversation(b.ctx(), ref, old.Epoch), messages.CodeStaleEpoch)
	b.same("1:running", b.text(ref))
	rows, err := b.store.UsageRows(b.ctx(), tenant, running.Record.ID)
	b.must(err)
	b.same(0, len(rows))
	b.turn(ref, owner.Epoch, owner.Next, "mine", "yes")
	b.same("1:running 2:mine 3:yes", b.text(ref))
}

func testFenceRace(b *bench) {
	const rounds, writers = 10, 8
	ref := b.conversation()
	next := messages.Seq(1)
	for range rounds {
		epochs := make([]messages.Epoch, writers)
		for i := range epochs {
			epochs[i] = b.activate(ref).Epoch
		}
		won := make([]bool, writers)
		var wait sync.WaitGroup
		for i := range writers {
			begin := b.begin(ref, epochs[i], next, "race")
			wait.Go(func() { won[i] = b.store.BeginTurn(b.ctx(), begin) == nil })
		}
		wait.Wait()
		for i := range writers {
			if won[i] != (i == writers-1) {
				b.Fatalf("epoch %d of %d won: %t", epochs[i], epochs[writers-1], won[i])
			}
		}
		next++
	}
}

// testBeginRace lets a turn begin while another activation wakes: it is either
// refused, or seen and interrupted. None is left running for good.
func testBeginRace(b *bench) {
	const rounds = 20
	ref := b.conversation()
	owner := b.activate(ref)
	for range rounds {
		begin := b.begin(ref, owner.Epoch, owner.Next, "race")
		var next messages.Activation
		var beginErr, activateErr error
		var wait sync.WaitGroup
		wait.Go(func() { beginErr = b.store.BeginTurn(b.ctx(), begin) })
		wait.Go(func() {
			next, activateErr = b.store.Activate(b.ctx(), messages.Activate{Ref: ref, MaxItems: 1, MaxBytes: 1 << 10})
		})
		wait.Wait()
		b.must(activateErr)
		record, err := b.store.Turn(b.ctx(), tenant, begin.Record.ID)
		switch {
		case beginErr != nil:
			b.refused(beginErr, messages.CodeStaleEpoch)
			b.refused(err, messages.CodeResponseAbsent)
		case record.Status != messages.TurnPartial || next.Tip != record.ID || next.Next != owner.Next+1:
			b.Fatalf("the turn is %s, the activation %+v", record.Status, next)
		}
		owner = next
	}
}

// testMisplaced writes output where it does not belong, and less of it than
// before.
func testMisplaced(b *bench) {
	ref := b.conversation("first")
	a := b.activate(ref)
	begin := b.begin(ref, a.Epoch, a.Next, "question")
	b.must(b.store.BeginTurn(b.ctx(), begin))
	id := begin.Record.ID
	save := func(first messages.Seq, texts ...string) error {
		return b.store.SavePrefix(b.ctx(), messages.TurnPrefix{
			Ref: ref, Epoch: a.Epoch, Turn: id, First: first, Items: named(id, 1, said(messages.RoleAssistant, texts...)),
		})
	}
	b.refused(save(1, "over what was there"), messages.CodeStaleEpoch)
	b.refused(save(2, "over the question"), messages.CodeStaleEpoch)
	b.refused(save(4, "behind a gap"), messages.CodeStaleEpoch)
	b.must(save(3, "one", "two", "three"))
	b.must(b.store.EraseItem(b.ctx(), ref, a.Epoch, messages.NewItemID(messages.ItemMessage, id, 1)))
	b.must(save(3, "one again", "two", "three"))
	b.same("1:first 2:question 4:two 5:three", b.text(ref))

	b.must(b.store.EndTurn(b.ctx(), end(begin, "one", "two and a half")))
	b.same("1:first 2:question 4:two and a half", b.text(ref))
	record, err := b.store.Turn(b.ctx(), tenant, id)
	b.must(err)
	b.same(messages.Seq(5), record.LastSeq())
	a = b.activate(ref)
	b.same(record.LastSeq()+1, a.Next)
	b.turn(ref, a.Epoch, a.Next, "next", "yes")
}

func testPrefix(b *bench) {
	ref := b.conversation()
	a := b.activate(ref)
	begin := b.begin(ref, a.Epoch, a.Next, "question")
	b.must(b.store.BeginTurn(b.ctx(), begin))
	save := func(first messages.Seq, texts ...string) {
		b.Helper()
		items := named(begin.Record.ID, int(first-begin.Record.FirstSeq), said(messages.RoleAssistant, texts...)) // #nosec G115 -- small
		b.must(b.store.SavePrefix(b.ctx(), messages.TurnPrefix{
			Ref: ref, Epoch: a.Epoch, Turn: begin.Record.ID, Served: messages.Served{Provider: "p"}, First: first, Items: items,
		}))
	}
	save(2, "Hel")
	save(2, "Hello", "And")
	save(3, "And more")
	b.same("1:question 2:Hello 3:And more", b.text(ref))

	b.reopen()
	n, err := b.store.RecoverTurns(b.ctx())
	b.must(err)
	b.same(1, n)
	record, err := b.store.Turn(b.ctx(), tenant, begin.Record.ID)
	b.must(err)
	if record.Status != messages.TurnPartial || record.Reason != messages.ReasonServerRestart || record.Outputs != 2 || record.Served.Provider != "p" || record.Ended.IsZero() {
		b.Errorf("recovered as %+v", record)
	}
	b.same("1:question 2:Hello 3:And more", b.text(ref))
	b.same(messages.Seq(4), b.activate(ref).Next)
	b.refused(b.store.SavePrefix(b.ctx(), messages.TurnPrefix{Ref: ref, Epoch: 2, Turn: begin.Record.ID, First: 2}), messages.CodeStaleEpoch)
}

// testResume has the next activation of a conversation go on with the turn that the
// last one left.
func testResume(b *bench) {
	ref := b.conversation()
	first := b.activate(ref)
	begin := b.begin(ref, first.Epoch, first.Next, "question")
	begin.Record.Model = "m"
	b.must(b.store.BeginTurn(b.ctx(), begin))
	id := begin.Record.ID
	b.must(b.store.SavePrefix(b.ctx(), messages.TurnPrefix{
		Ref: ref, Epoch: first.Epoch, Turn: id, Served: messages.Served{Provider: "p"}, First: 2, Items: named(id, 1, said(messages.RoleAssistant, "ans")),
	}))
	owner := b.activate(ref)
	resume := func(epoch messages.Epoch, turn messages.TurnID) (messages.TurnResumed, error) {
		return b.store.ResumeTurn(b.ctx(), messages.TurnResume{Ref: ref, Epoch: epoch, Turn: turn})
	}
	_, err := resume(first.Epoch, id)
	b.refused(err, messages.CodeStaleEpoch)
	_, err = b.store.ResumeTurn(b.ctx(), messages.TurnResume{Ref: messages.ConversationRef{Tenant: tenant, Conversation: "conv_none"}, Epoch: owner.Epoch, Turn: id})
	b.refused(err, messages.CodeConversationAbsent)
	absent, err := resume(owner.Epoch, messages.TurnID{9})
	b.must(err)
	b.same(false, absent.Found)

	running, err := resume(owner.Epoch, id)
	b.must(err)
	if !running.Found || running.Record.Status != messages.TurnRunning || running.Record.Served.Provider != "p" || len(running.Output) != 1 || running.Output[0].Text() != "ans" {
		b.Fatalf("it goes on as %+v", running)
	}
	kept, err := b.store.Turn(b.ctx(), tenant, id)
	b.must(err)
	b.same(running.Record, kept)
	ended := end(begin, "answer")
	ended.Epoch = owner.Epoch
	b.must(b.store.EndTurn(b.ctx(), ended))
	b.same("1:question 2:answer", b.text(ref))
	whole, err := resume(owner.Epoch, id)
	b.must(err)
	b.same(messages.TurnComplete, whole.Record.Status)
	b.same("answer", whole.Output[0].Text())

	late := b.begin(ref, owner.Epoch, 3, "late")
	b.must(b.store.BeginTurn(b.ctx(), late))
	next := b.activate(ref)
	b.turn(ref, next.Epoch, next.Next, "next", "yes")
	_, err = resume(next.Epoch, late.Record.ID)
	b.refused(err, messages.CodeRestarted)
	b.same("1:question 2:answer 3:late 4:next 5:yes", b.text(ref))
}

// testUnfinished leaves a turn running that nobody waits for, for the next owner of its
// conversation.
func testUnfinished(b *bench) {
	ref := b.conversation()
	first := b.activate(ref)
	begin := b.begin(ref, first.Epoch, first.Next, "question")
	begin.Record.Background, begin.Record.Model, begin.Record.Key, begin.Record.Instructions = true, "m", "key_1", "be brief"
	begin.Terms = &messages.TurnTerms{
		Endpoint: "/v1/responses", Override: messages.RouteOverride{Targets: []messages.Target{{Provider: "p", Model: "m"}}, Strategy: messages.StrategyLatency},
		Cache: messages.CacheControl{NoCache: true}, Priority: messages.PriorityBatch, Deadline: time.Now().Add(time.Hour).Truncate(time.Microsecond),
	}
	id := begin.Record.ID
	b.must(b.store.BeginTurn(b.ctx(), begin))
	b.must(b.store.SavePrefix(b.ctx(), messages.TurnPrefix{
		Ref: ref, Epoch: first.Epoch, Turn: id, Served: messages.Served{Provider: "p"}, First: 2, Items: named(id, 1, said(messages.RoleAssistant, "ans")),
	}))
	late := b.conversation()
	past := b.begin(late, b.activate(late).Epoch, 1, "in time?")
	past.Record.Background, past.Terms = true, &messages.TurnTerms{Deadline: time.Now().Add(-time.Second)}
	b.must(b.store.BeginTurn(b.ctx(), past))

	b.reopen()
	cut, err := b.store.RecoverTurns(b.ctx())
	b.must(err)
	b.same(1, cut)
	all := func(messages.Shard) bool { return true }
	for owners := 1; owners < messages.MaxOwners; owners++ {
		unfinished, err := b.store.UnfinishedTurns(b.ctx(), all)
		b.must(err)
		if len(unfinished) != 1 {
			b.Fatalf("%d turns are to be taken up", len(unfinished))
		}
		u := unfinished[0]
		if r := u.Record; r.ID != id || r.Ref != ref || r.Key != "key_1" || r.Model != "m" || r.Instructions != "be brief" || u.Owners != owners {
			b.Errorf("taken up as %+v", u)
		}
		b.same(begin.Terms.Deadline.UnixMicro(), u.Terms.Deadline.UnixMicro())
		u.Terms.Deadline = begin.Terms.Deadline
		b.same(*begin.Terms, u.Terms)
		owner, err := b.store.Activate(b.ctx(), messages.Activate{Ref: ref, Turn: id, MaxItems: 100, MaxBytes: 1 << 20})
		b.must(err)
		resumed, err := b.store.ResumeTurn(b.ctx(), messages.TurnResume{Ref: ref, Epoch: owner.Epoch, Turn: id})
		b.must(err)
		if !resumed.Found || resumed.Record.Status != messages.TurnRunning || resumed.Owners != owners ||
			len(resumed.Input) != 1 || resumed.Input[0].Text() != "question" || len(resumed.Output) != 1 || resumed.Output[0].Text() != "ans" {
			b.Errorf("goes on as %+v", resumed)
		}
	}
	unfinished, err := b.store.UnfinishedTurns(b.ctx(), all)
	b.must(err)
	b.same(0, len(unfinished)) // it ended all of them
	cut, err = b.store.RecoverTurns(b.ctx())
	b.must(err)
	b.same(1, cut)

	erased := b.conversation()
	owner := b.activate(erased)
	begin = b.begin(erased, owner.Epoch, owner.Next, "question")
	begin.Terms = &messages.TurnTerms{Deadline: time.Now().Add(time.Hour)}
	b.must(b.store.BeginTurn(b.ctx(), begin))
	b.must(b.store.EraseItem(b.ctx(), erased, owner.Epoch, messages.NewItemID(messages.ItemMessage, begin.Record.ID, 0)))
	owner, err = b.store.Activate(b.ctx(), messages.Activate{Ref: erased, Turn: begin.Record.ID, MaxItems: 100, MaxBytes: 1 << 20})
	b.must(err)
	resumed, err := b.store.ResumeTurn(b.ctx(), messages.TurnResume{Ref: erased, Epoch: owner.Epoch, Turn: begin.Record.ID})
	b.must(err)
	b.same(messages.ReasonServerRestart, resumed.Record.Reason)
	record, err := b.store.Turn(b.ctx(), tenant, begin.Record.ID)
	b.must(err)
	b.same(messages.TurnPartial, record.Status)
}

func testRepeated(b *bench) {
	ref := b.conversation()
	a := b.activate(ref)
	begin := b.begin(ref, a.Epoch, a.Next, "question")
	b.must(b.store.BeginTurn(b.ctx(), begin))
	end := end(begin, "answer")
	b.must(b.store.EndTurn(b.ctx(), end))
	b.must(b.store.EndTurn(b.ctx(), end))
	again := begin
	again.Record.FirstSeq = 3
	b.refused(b.store.BeginTurn(b.ctx(), again), messages.CodeIdempotencyRunning)
	b.same("1:question 2:answer", b.text(ref))

	request := b.id()
	for range 2 {
		added, err := b.store.AppendItems(b.ctx(), messages.ItemsAppend{Ref: ref, Epoch: a.Epoch, Request: request, Items: said(messages.RoleUser, "x", "y")})
		b.must(err)
		b.same("3:x 4:y", line(added))
	}
	b.same("1:question 2:answer 3:x 4:y", b.text(ref))

	b.must(b.store.EraseItem(b.ctx(), ref, a.Epoch, messages.NewItemID(messages.ItemMessage, request, 0)))
	added, err := b.store.AppendItems(b.ctx(), messages.ItemsAppend{Ref: ref, Epoch: a.Epoch, Request: request, Items: said(messages.RoleUser, "x", "y")})
	b.must(err)
	b.same("4:y", line(added))
	b.same("1:question 2:answer 4:y", b.text(ref))

	b.must(b.store.AppendUsage(b.ctx(), end.Usage))
	rows, err := b.store.UsageRows(b.ctx(), tenant, begin.Record.ID)
	b.must(err)
	b.same(1, len(rows))
}

func testFailedTurn(b *bench) {
	ref := b.conversation()
	a := b.activate(ref)
	first := b.turn(ref, a.Epoch, 1, "question", "answer")
	begin := b.begin(ref, a.Epoch, 3, "again")
	b.must(b.store.BeginTurn(b.ctx(), begin))
	failed := end(begin)
	failed.Record.Status, failed.Record.FailureCode, failed.Record.FailureText = messages.TurnFailed, messages.CodeProviderFailed, "no answer"
	b.must(b.store.EndTurn(b.ctx(), failed))
	b.same("1:question 2:answer", b.text(ref))
	record, err := b.store.Turn(b.ctx(), tenant, begin.Record.ID)
	b.must(err)
	b.same(failed.Record, record)
	a = b.activate(ref)
	if a.Next != 4 || a.Tip != first.ID {
		b.Errorf("the next place is %d and the last turn %s", a.Next, a.Tip)
	}
}

func testRecovery(b *bench) {
	ref := b.conversation()
	a := b.activate(ref)
	begin := b.begin(ref, a.Epoch, a.Next, "question")
	b.must(b.store.BeginTurn(b.ctx(), begin))
	a = b.activate(ref) // its actor died, the process did not
	if a.Tip != begin.Record.ID || a.Next != 2 {
		b.Errorf("activated as %+v", a)
	}
	record, err := b.store.Turn(b.ctx(), tenant, begin.Record.ID)
	b.must(err)
	if record.Status != messages.TurnPartial || record.Reason != messages.ReasonServerRestart {
		b.Errorf("it is %s, %s", record.Status, record.Reason)
	}
	b.turn(ref, a.Epoch, a.Next, "go on", "yes")
	b.same("1:question 2:go on 3:yes", b.text(ref))
	n, err := b.store.RecoverTurns(b.ctx())
	b.must(err)
	b.same(0, n)
}

func testEraseTurn(b *bench) {
	open := b.conversation()
	a := b.activate(open)
	record := b.turn(open, a.Epoch, 1, "question", "answer")
	b.must(b.store.EraseTurn(b.ctx(), open, a.Epoch, record.ID))
	_, err := b.store.Turn(b.ctx(), tenant, record.ID)
	b.refused(err, messages.CodeResponseAbsent)
	b.same("1:question 2:answer", b.text(open))
	b.refused(b.store.EraseTurn(b.ctx(), open, a.Epoch, record.ID), messages.CodeResponseAbsent)

	private := messages.ConversationRef{Tenant: tenant, Conversation: "conv_private"}
	begin := b.begin(private, 1, 1, "secret")
	begin.Create, begin.Record.Private = true, true
	b.must(b.store.BeginTurn(b.ctx(), begin))
	b.must(b.store.EndTurn(b.ctx(), end(begin, "told")))
	b.must(b.store.EraseTurn(b.ctx(), private, 1, begin.Record.ID))
	b.same("", b.text(private))
	b.same(messages.Seq(3), b.activate(private).Next)
}
