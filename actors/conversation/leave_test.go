package conversation_test

import (
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/messages"
)

// background returns a turn that goes on whoever leaves, and whoever dies.
func (w *world) background(question string) *messages.StartTurn {
	spec := *w.turn(question).Spec
	spec.Background, spec.Continue = true, true
	return messages.NewStartTurn(w.t.Context(), spec)
}

// unfinished is a turn in the background that the last owner of its conversation did
// not live to end, as the store tells of it.
func (w *world) unfinished(stored ...messages.Item) *messages.UnfinishedTurn {
	m := w.background("a tale, please")
	j := w.journal
	j.exists, j.epoch, j.owners = true, 1, 1
	record := messages.TurnRecord{
		ID: m.Spec.ID, Ref: testRef, Key: "k1", Status: messages.TurnRunning, Model: "model", Background: true, FirstSeq: 1, Inputs: 1,
	}
	if len(stored) > 0 {
		record.Served = messages.Served{Provider: "p1", Model: "m1", Attempts: 1}
	}
	j.put(1, m.Spec.ID, m.Spec.Input)
	j.put(2, m.Spec.ID, stored)
	j.records[m.Spec.ID] = record
	m.Spec.Endpoint = "/v1/responses"
	return &messages.UnfinishedTurn{Record: record, Terms: *m.Spec.Terms(), Owners: 1}
}

func TestNextOwnerTakesUpWhatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	const beginning = "Once upon a time there was a fox who "
	call := messages.Item{Kind: messages.ItemToolCall, CallID: "c1", Name: "f", Args: `{"a":`}
	for name, tt := range map[string]struct {
		stored []messages.Item
		script []step
		kept   string
		status messages.TurnStatus
		reason string
		calls  int
		rows   int
	}{
		"behind what was stored": {
			stored: []messages.Item{messages.TextMessage(messages.RoleAssistant, beginning)}, script: []step{say("ran away."), stopped(), used(20, 2)},
			kept: "user: a tale, please | assistant: " + beginning + "ran away.", status: messages.TurnComplete, calls: 1, rows: 2,
		},
		"from its beginning, where nothing was": {
			script: hello(), kept: "user: a tale, please | assistant: Hello", status: messages.TurnComplete, calls: 1, rows: 1,
		},
		"and ends it where it was in the middle of a call": {
			stored: []messages.Item{call}, kept: "user: a tale, please | : ", status: messages.TurnPartial, reason: messages.ReasonServerRestart, rows: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tt.script...)
				u := w.unfinished(tt.stored...)
				pid, m := w.conversation(), u.Start(t.Context())
				look := messages.NewFollowTurn(testRef, u.Record.ID)
				w.system.Root.Send(pid, m)
				w.system.Root.Send(pid, look) // before it has begun
				again := w.background("a tale, please")
				again.Spec.ID, again.Spec.Handover = u.Record.ID, &messages.Handover{Owners: 1}
				w.system.Root.Send(pid, again) // of the node that was asked first
				for _, asked := range []*messages.StartTurn{m, again} {
					if started := <-asked.Reply; started.Err != nil || started.Conversation != testRef.Conversation {
						t.Fatalf("%+v", started)
					}
				}
				following := <-look.Reply
				if following.View == nil {
					t.Fatal("nobody can look on")
				}
				<-w.ready
				following.View.Leave()
				record := w.journal.record(u.Record.ID)
				if record.Status != tt.status || record.Reason != tt.reason {
					t.Errorf("it ended as %s, %s", record.Status, record.Reason)
				}
				if kept := w.journal.text(); kept != tt.kept {
					t.Errorf("kept %q", kept)
				}
				if w.models.count() != tt.calls {
					t.Errorf("%d calls", w.models.count())
				}
				attempts := make(map[int]bool)
				for _, row := range w.journal.rows {
					attempts[row.Attempt] = true
					if row.Endpoint != "/v1/responses" {
						t.Errorf("row %+v", row)
					}
				}
				if len(w.journal.rows) != tt.rows || len(attempts) != tt.rows || tt.calls > 0 && !attempts[1000+tt.rows] {
					t.Errorf("rows %+v", w.journal.rows)
				}
				if w.journal.activate[0].Turn != u.Record.ID {
					t.Error("its record was not left running")
				}
			})
		})
	}
}

// Who looks on at a turn that another process may go on with sees what that one will
// know of, and nothing else.
func TestBackgroundTurnThatOutlivesItsOwnerIsSeenOnceItIsStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, say("Hel"), step{pause: time.Second, chunk: say("lo").chunk}, stopped(), used(3, 2))
		w.journal.exists = true
		m, pid := w.background("hi"), w.conversation()
		w.system.Root.Send(pid, m)
		<-m.Reply
		look := messages.NewFollowTurn(testRef, m.Spec.ID)
		w.system.Root.Send(pid, look)
		view := (<-look.Reply).View
		synctest.Wait()
		if c, came := view.Next(); came {
			t.Errorf("saw %+v", c)
		}
		time.Sleep(w.deps.Stream.PrefixInterval)
		synctest.Wait()
		view.Next() // who serves
		if c, _ := view.Next(); c.Text != "Hel" || w.journal.text() != "user: hi | assistant: Hel" {
			t.Errorf("saw %q of %q", c.Text, w.journal.text())
		}
		view.Leave()
		if w.journal.terms == nil || !w.journal.terms.Deadline.Equal(m.Spec.Deadline) {
			t.Errorf("its terms are %+v", w.journal.terms)
		}
		<-w.ready
	})
}

// A process that ends leaves such a turn as it is; one that restarts an actor ends it.
func TestProcessThatEndsLeavesWhatGoesOn(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		leaves   bool
		goesOn   bool
		status   messages.TurnStatus
		attempts int // in the ledger's own queue
	}{
		"it is left":                             {leaves: true, goesOn: true, status: messages.TurnRunning, attempts: 1},
		"any other is not":                       {leaves: true, status: messages.TurnPartial},
		"nor where the process does not end yet": {goesOn: true, status: messages.TurnPartial},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, say("Once upon"), step{hang: true})
				w.journal.exists = true
				m, pid := w.background("hi"), w.conversation()
				m.Spec.Continue = tt.goesOn
				w.system.Root.Send(pid, m)
				<-m.Reply
				look := messages.NewFollowTurn(testRef, m.Spec.ID)
				w.system.Root.Send(pid, look)
				view := (<-look.Reply).View
				time.Sleep(time.Second)
				w.deps.Leaving.Store(tt.leaves)
				_ = w.system.Root.StopFuture(pid).Wait()
				w.deps.Workers.Wait()
				if record := w.journal.record(m.Spec.ID); record.Status != tt.status {
					t.Errorf("it is %s", record.Status)
				}
				if kept := w.journal.text(); kept != "user: hi | assistant: Once upon" {
					t.Errorf("kept %q", kept)
				}
				if len(w.ledger.rows) != tt.attempts || len(w.ledger.rows)+len(w.journal.rows) != 1 {
					t.Errorf("rows %+v and %+v", w.ledger.rows, w.journal.rows)
				}
				var last messages.Chunk
				for c, came := view.Next(); came; c, came = view.Next() {
					last = c
				}
				view.Leave()
				if last.Kind != messages.ChunkEnd || last.End.Status != tt.status {
					t.Errorf("who looks on hears %+v", last)
				}
			})
		})
	}
}

// One that is ended before it goes on has an end, with what it had said.
func TestCancellingATurnThatIsTakenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hello()...)
		u := w.unfinished(messages.TextMessage(messages.RoleAssistant, "Once"))
		w.journal.slowDown(time.Second)
		pid, cancel := w.conversation(), messages.NewCancelTurn(testRef, u.Record.ID)
		w.system.Root.Send(pid, u.Start(t.Context()))
		w.system.Root.Send(pid, cancel)
		if cancelled := <-cancel.Reply; !cancelled.Found || cancelled.Err != nil {
			t.Errorf("%+v", cancelled)
		}
		<-w.ready
		if record := w.journal.record(u.Record.ID); record.Status != messages.TurnCancelled || w.models.count() != 0 {
			t.Errorf("it is %s after %d calls", record.Status, w.models.count())
		}
		if kept := w.journal.text(); kept != "user: a tale, please | assistant: Once" {
			t.Errorf("kept %q", kept)
		}
	})
}
