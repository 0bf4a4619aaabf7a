package persistencetest

import (
	"sync"
	"time"

	"example.com/parley/messages"
)

func testIsolation(b *bench) {
	ref := b.conversation("mine")
	epoch := b.activate(ref).Epoch
	record := b.turn(ref, epoch, 2, "question", "answer")
	foreign := ref
	foreign.Tenant = "rival"
	absent := func(err error, code messages.Code) {
		b.Helper()
		b.refused(err, code)
	}
	_, err := b.store.Conversation(b.ctx(), foreign)
	absent(err, messages.CodeConversationAbsent)
	_, _, err = b.store.Items(b.ctx(), foreign, messages.Page{Limit: 1})
	absent(err, messages.CodeConversationAbsent)
	_, err = b.store.Item(b.ctx(), foreign, messages.NewItemID(messages.ItemMessage, record.ID, 0))
	absent(err, messages.CodeConversationAbsent)
	_, err = b.store.History(b.ctx(), messages.ReadHistory{Ref: foreign, MaxItems: 1, MaxBytes: 1})
	absent(err, messages.CodeConversationAbsent)
	_, err = b.store.Turn(b.ctx(), foreign.Tenant, record.ID)
	absent(err, messages.CodeResponseAbsent)
	_, err = b.store.Activate(b.ctx(), messages.Activate{Ref: foreign, MaxItems: 1, MaxBytes: 1})
	absent(err, messages.CodeConversationAbsent)
	_, err = b.store.Activate(b.ctx(), messages.Activate{Ref: messages.ConversationRef{Tenant: "rival", Conversation: "conv_f"}, Fork: ref.Conversation, ForkSeq: 1, MaxItems: 1, MaxBytes: 1})
	absent(err, messages.CodeConversationAbsent)
	_, err = b.store.UpdateConversation(b.ctx(), foreign, nil)
	absent(err, messages.CodeConversationAbsent)
	absent(b.store.BeginTurn(b.ctx(), b.begin(foreign, epoch, 4, "x")), messages.CodeConversationAbsent)
	_, err = b.store.AppendItems(b.ctx(), messages.ItemsAppend{Ref: foreign, Epoch: epoch, Request: b.id(), Items: said(messages.RoleUser, "x")})
	absent(err, messages.CodeConversationAbsent)
	absent(b.store.EraseItem(b.ctx(), foreign, epoch, messages.NewItemID(messages.ItemMessage, record.ID, 0)), messages.CodeConversationAbsent)
	absent(b.store.EraseTurn(b.ctx(), foreign, epoch, record.ID), messages.CodeConversationAbsent)
	absent(b.store.DropConversation(b.ctx(), foreign, epoch), messages.CodeConversationAbsent)
	_, _, err = b.store.Conversations(b.ctx(), "rival", messages.Page{Limit: 1, After: string(ref.Conversation)})
	absent(err, messages.CodeConversationAbsent)

	items, err := b.store.TurnItems(b.ctx(), "rival", record.ID)
	b.must(err)
	rows, err := b.store.UsageRows(b.ctx(), "rival", record.ID)
	b.must(err)
	found, _, err := b.store.Conversations(b.ctx(), "rival", messages.Page{Limit: 1})
	b.must(err)
	if len(items)+len(rows)+len(found) != 0 {
		b.Error("another tenant sees something")
	}
	running := b.begin(ref, epoch, 4, "running")
	b.must(b.store.BeginTurn(b.ctx(), running))
	stolen := running
	stolen.Record.Ref = foreign
	absent(b.store.EndTurn(b.ctx(), end(stolen, "theirs")), messages.CodeConversationAbsent)
	absent(b.store.SavePrefix(b.ctx(), messages.TurnPrefix{Ref: foreign, Epoch: epoch, Turn: running.Record.ID, First: 5}), messages.CodeConversationAbsent)
	report, err := b.store.UsageReport(b.ctx(), messages.UsageQuery{Tenant: "rival", To: time.Now(), Limit: 1})
	b.must(err)
	b.same(messages.UsageReport{}, report)

	// Of another conversation of the same tenant as little is found.
	own := b.conversation("other")
	ownEpoch := b.activate(own).Epoch
	mine := messages.NewItemID(messages.ItemMessage, record.ID, 0)
	_, err = b.store.Item(b.ctx(), own, mine)
	absent(err, messages.CodeItemAbsent)
	_, _, err = b.store.Items(b.ctx(), own, messages.Page{Limit: 1, After: string(mine)})
	absent(err, messages.CodeItemAbsent)
	absent(b.store.EraseItem(b.ctx(), own, ownEpoch, mine), messages.CodeItemAbsent)
	absent(b.store.EraseTurn(b.ctx(), own, ownEpoch, record.ID), messages.CodeResponseAbsent)
	stolen.Record.Ref, stolen.Epoch = own, ownEpoch
	absent(b.store.EndTurn(b.ctx(), end(stolen, "elsewhere")), messages.CodeResponseAbsent)
	b.same("1:mine 2:question 3:answer 4:running", b.text(ref))
}

func testIdempotency(b *bench) {
	claim := messages.Claim{Tenant: tenant, Key: "k", Hash: hash("body"), Request: b.id(), Deadline: time.Now().Add(time.Hour)}
	state := func(c messages.Claim) messages.Claimed {
		b.Helper()
		claimed, err := b.store.ClaimKey(b.ctx(), c)
		b.must(err)
		return claimed
	}
	b.same(messages.Claimed{State: messages.ClaimWon, Request: claim.Request}, state(claim))
	second := claim
	second.Request = b.id()
	b.same(messages.Claimed{State: messages.ClaimInFlight, Request: claim.Request}, state(second))
	other := second
	other.Hash = hash("another body")
	b.same(messages.ClaimMismatch, state(other).State)
	foreign := other
	foreign.Tenant = "rival"
	b.same(messages.ClaimWon, state(foreign).State)
	b.must(b.store.KeepReply(b.ctx(), "rival", "k", messages.KeptReply{Status: 201}))
	b.must(b.store.ReleaseKey(b.ctx(), "nobody", "k", claim.Request))
	b.same(messages.ClaimInFlight, state(second).State)

	b.must(b.store.ReleaseKey(b.ctx(), tenant, "k", second.Request)) // it is not that one's
	b.same(messages.ClaimInFlight, state(second).State)
	b.must(b.store.ReleaseKey(b.ctx(), tenant, "k", claim.Request))
	b.same(messages.ClaimWon, state(second).State)
	reply := messages.KeptReply{Status: 200, ContentType: "application/json", Body: []byte(`{"ok":true}`)}
	b.must(b.store.KeepReply(b.ctx(), tenant, "k", reply))
	b.same(messages.Claimed{State: messages.ClaimReplay, Request: second.Request, Reply: reply}, state(claim))
	b.must(b.store.ReleaseKey(b.ctx(), tenant, "k", second.Request)) // too late: it was answered
	b.same(messages.ClaimReplay, state(claim).State)
	b.same(messages.ClaimMismatch, state(other).State)

	removed, err := b.store.SweepIdempotency(b.ctx(), time.Now())
	b.must(err)
	b.same(0, removed)
	removed, err = b.store.SweepIdempotency(b.ctx(), time.Now().Add(25*time.Hour))
	b.must(err)
	b.same(2, removed)
	b.same(messages.ClaimWon, state(claim).State)
}

func testResumedKey(b *bench) {
	claim := messages.Claim{Tenant: tenant, Key: "k", Hash: hash("body"), Request: b.id(), Deadline: time.Now().Add(time.Hour)}
	_, err := b.store.ClaimKey(b.ctx(), claim)
	b.must(err)
	b.reopen()
	_, err = b.store.RecoverTurns(b.ctx())
	b.must(err)
	second := claim
	second.Request = b.id()
	const tries = 8
	states := make([]messages.Claimed, tries)
	var wait sync.WaitGroup
	for i := range tries {
		wait.Go(func() {
			claimed, err := b.store.ClaimKey(b.ctx(), second)
			if err != nil {
				b.Error(err)
			}
			states[i] = claimed
		})
	}
	wait.Wait()
	resumed := 0
	for _, claimed := range states {
		b.same(claim.Request, claimed.Request)
		switch claimed.State {
		case messages.ClaimResumed:
			resumed++
		case messages.ClaimInFlight:
		default:
			b.Errorf("claimed as %d", claimed.State)
		}
	}
	b.same(1, resumed)
}

// testUndoneClaim takes claims back of which it is not known what came of them: of a new
// key, of one whose request died, and of one that another has.
func testUndoneClaim(b *bench) {
	claim := func() messages.Claim {
		b.Helper()
		c := messages.Claim{Tenant: tenant, Key: "k", Hash: hash("body"), Request: b.id(), Deadline: time.Now().Add(time.Hour)}
		time.Sleep(time.Millisecond) // so that no two have the same deadline
		return c
	}
	state := func(c messages.Claim) messages.ClaimState {
		b.Helper()
		claimed, err := b.store.ClaimKey(b.ctx(), c)
		b.must(err)
		return claimed.State
	}
	lost, first, lostAgain, second := claim(), claim(), claim(), claim()
	b.must(b.store.UndoClaim(b.ctx(), lost)) // it was never made
	b.same(messages.ClaimWon, state(lost))
	b.must(b.store.UndoClaim(b.ctx(), lost))
	b.same(messages.ClaimWon, state(first))
	b.must(b.store.UndoClaim(b.ctx(), lost))
	b.same(messages.ClaimInFlight, state(second))

	b.must(b.store.LapseKey(b.ctx(), tenant, "k", first.Request))
	b.same(messages.ClaimResumed, state(lostAgain))
	b.same(messages.ClaimInFlight, state(second))
	b.must(b.store.UndoClaim(b.ctx(), lostAgain))
	b.same(messages.ClaimResumed, state(second))
	b.must(b.store.UndoClaim(b.ctx(), lostAgain))
	b.same(messages.ClaimInFlight, state(claim()))

	b.must(b.store.KeepReply(b.ctx(), tenant, "k", messages.KeptReply{Status: 200}))
	b.must(b.store.UndoClaim(b.ctx(), second)) // too late: it was answered
	b.same(messages.ClaimReplay, state(claim()))
}

// testMovedKey has a request fail and another take its key over, while the turn of the
// first may begin, or has begun.
func testMovedKey(b *bench) {
	ref := b.conversation("mine")
	epoch := b.activate(ref).Epoch
	claim := func() messages.Claim {
		return messages.Claim{Tenant: tenant, Key: "k", Hash: hash("body"), Request: b.id(), Deadline: time.Now().Add(time.Hour)}
	}
	state := func(c messages.Claim) messages.ClaimState {
		b.Helper()
		claimed, err := b.store.ClaimKey(b.ctx(), c)
		b.must(err)
		return claimed.State
	}
	moves := func(c, from messages.Claim, seen messages.TurnStatus, want bool) {
		b.Helper()
		moved, err := b.store.MoveKey(b.ctx(), c, from.Request, seen)
		b.must(err)
		b.same(want, moved)
	}
	begin := func(c messages.Claim, first messages.Seq) (messages.TurnBegin, error) {
		begun := b.begin(ref, epoch, first, "question")
		begun.Record.ID, begun.IdempotencyKey = c.Request, c.Key
		begun.Input = named(c.Request, 0, begun.Input)
		return begun, b.store.BeginTurn(b.ctx(), begun)
	}

	first, second, third := claim(), claim(), claim()
	b.same(messages.ClaimWon, state(first))
	b.must(b.store.LapseKey(b.ctx(), tenant, "k", second.Request)) // it is not that one's
	b.same(messages.ClaimInFlight, state(second))
	b.must(b.store.LapseKey(b.ctx(), tenant, "k", first.Request))
	b.same(messages.ClaimResumed, state(second))
	b.same(messages.ClaimInFlight, state(third))
	moves(second, first, "", true)
	moves(third, first, "", false)
	_, err := begin(first, 2) // it comes after all, and too late
	b.refused(err, messages.CodeIdempotencyRunning)

	running, err := begin(second, 2)
	b.must(err)
	moves(third, second, "", false)                   // it was begun after somebody looked
	moves(third, second, messages.TurnPartial, false) // it runs again since somebody looked
	owner := b.activate(ref)
	b.must(b.store.LapseKey(b.ctx(), tenant, "k", second.Request))
	again := func(key string) error {
		_, err := b.store.ResumeTurn(b.ctx(), messages.TurnResume{Ref: ref, Epoch: owner.Epoch, Turn: second.Request, IdempotencyKey: key})
		return err
	}
	b.refused(again("another"), messages.CodeIdempotencyRunning)
	b.must(again("k"))
	moves(third, second, messages.TurnPartial, false)
	running.Epoch = owner.Epoch
	b.must(b.store.EndTurn(b.ctx(), end(running, "answer")))
	moves(third, second, messages.TurnRunning, false)
	b.same("1:mine 2:question 3:answer", b.text(ref))
}

// testKeyRace frees a key again and again while others ask for it: whoever asks
// gets it or is told that it is in use, and nobody that it was another request.
func testKeyRace(b *bench) {
	const askers, tries = 6, 20
	var wait sync.WaitGroup
	for range askers {
		wait.Go(func() {
			for range tries {
				claim := messages.Claim{Tenant: tenant, Key: "k", Hash: hash("body"), Request: b.id(), Deadline: time.Now().Add(time.Hour)}
				claimed, err := b.store.ClaimKey(b.ctx(), claim)
				switch {
				case err != nil:
					b.Error(err)
				case claimed.State == messages.ClaimInFlight:
				case claimed.State != messages.ClaimWon || claimed.Request != claim.Request:
					b.Errorf("claimed as %+v", claimed)
				default:
					if err := b.store.ReleaseKey(b.ctx(), tenant, "k", claim.Request); err != nil {
						b.Error(err)
					}
				}
			}
		})
	}
	wait.Wait()
}

func testTenants(b *bench) {
	now := time.Now().Round(time.Microsecond)
	version := func() uint64 {
		b.Helper()
		v, err := b.store.KeysVersion(b.ctx())
		b.must(err)
		return v
	}
	before := version()
	acme := messages.Tenant{ID: tenant, Name: "Acme", Created: now}
	b.must(b.store.CreateTenant(b.ctx(), acme))
	b.refused(b.store.CreateTenant(b.ctx(), messages.Tenant{ID: "t2", Name: "Acme", Created: now}), messages.CodeInvalidRequest)
	tenants, err := b.store.Tenants(b.ctx())
	b.must(err)
	b.same([]messages.Tenant{acme}, tenants)

	key := messages.APIKey{ID: "k1", Tenant: tenant, Role: messages.KeyMember, Name: "laptop", Hash: hash("secret"), Created: now, Expires: now.Add(time.Hour)}
	b.must(b.store.CreateKey(b.ctx(), key))
	admin := messages.APIKey{ID: "k2", Role: messages.KeyAdmin, Hash: hash("other"), Created: now}
	b.must(b.store.CreateKey(b.ctx(), admin))
	b.refused(b.store.CreateKey(b.ctx(), key), messages.CodeInvalidRequest)
	for want, of := range map[messages.KeyID]messages.TenantID{"k1": tenant, "k2": ""} {
		keys, err := b.store.Keys(b.ctx(), of)
		b.must(err)
		if len(keys) != 1 || keys[0].ID != want {
			b.Errorf("the keys of %q are %+v", of, keys)
		}
	}
	read, err := b.store.Key(b.ctx(), "k1")
	b.must(err)
	b.same(key, read)
	_, err = b.store.Key(b.ctx(), "none")
	b.refused(err, messages.CodeInvalidKey)

	unchanged := version()
	if unchanged == before {
		b.Error("the version did not change with a new key")
	}
	b.must(b.store.RevokeKey(b.ctx(), "k1", now))
	b.must(b.store.RevokeKey(b.ctx(), "k1", now.Add(time.Hour)))
	if version() == unchanged {
		b.Error("the version did not change with a revoked key")
	}
	read, err = b.store.Key(b.ctx(), "k1")
	b.must(err)
	b.same(now, read.Revoked)
	b.refused(b.store.RevokeKey(b.ctx(), "none", now), messages.CodeInvalidKey)

	unchanged = version()
	may := true
	acme.MayRoute = true
	changed, err := b.store.ChangeTenant(b.ctx(), tenant, messages.TenantChange{MayRoute: &may})
	b.must(err)
	b.same(acme, changed)
	changed, err = b.store.ChangeTenant(b.ctx(), tenant, messages.TenantChange{})
	b.must(err)
	b.same(acme, changed)
	if version() == unchanged {
		b.Error("the version did not change with a tenant")
	}
	for id, want := range map[messages.KeyID]bool{"k1": true, "k2": false} {
		read, err = b.store.Key(b.ctx(), id)
		b.must(err)
		b.same(want, read.MayRoute)
	}
	_, err = b.store.ChangeTenant(b.ctx(), "none", messages.TenantChange{MayRoute: &may})
	b.refused(err, messages.CodeItemAbsent)
	b.must(b.store.Ready(b.ctx()))
}
