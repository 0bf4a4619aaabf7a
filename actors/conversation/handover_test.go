package conversation_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"example.com/parley/messages"
)

// cut is a turn that the conversation's last owner had begun, with what it stored of
// the reply.
func (w *world) cut(stored string) *messages.StartTurn {
	m := w.turn("a tale, please")
	j := w.journal
	j.exists, j.epoch = true, 1
	record := messages.TurnRecord{
		ID: m.Spec.ID, Ref: testRef, Status: messages.TurnPartial, Reason: messages.ReasonServerRestart, FirstSeq: 1, Inputs: 1,
		Served: messages.Served{Provider: "p1", Model: "m1", Attempts: 1},
	}
	j.put(1, m.Spec.ID, m.Spec.Input)
	if stored != "" {
		j.put(2, m.Spec.ID, []messages.Item{messages.TextMessage(messages.RoleAssistant, stored)})
	}
	j.records[m.Spec.ID], j.tip = record, m.Spec.ID
	m.Spec.Handover, m.Spec.Continue = &messages.Handover{Owners: 1}, true
	return m
}

func shown(text string) []messages.Chunk {
	return []messages.Chunk{
		{Kind: messages.ChunkOpened, Served: &messages.Served{Provider: "p1", Model: "m1", Attempts: 1}}, {Kind: messages.ChunkText, Text: text},
	}
}

func TestNextOwnerGoesOnWithAReply(t *testing.T) {
	t.Parallel()
	const beginning = "Once upon a time there was a fox who "
	for name, tt := range map[string]struct {
		stored string
		shown  []messages.Chunk
		second []step
		want   string // what the client is shown of it
		asked  string
	}{
		"behind what its client was shown": {stored: "Once upon ", shown: shown(beginning), second: []step{say("ran away."), stopped(), used(20, 2)}, want: "ran away.", asked: beginning},
		"behind what was stored":           {stored: beginning, shown: shown("Once "), second: []step{say("ran away."), stopped(), used(20, 2)}, want: "upon a time there was a fox who ran away.", asked: beginning},
		"where nothing was stored":         {shown: shown(beginning), second: []step{say("ran away."), stopped(), used(20, 2)}, want: "ran away.", asked: beginning},
		"where nothing was shown":          {stored: beginning, second: []step{say("ran away."), stopped(), used(20, 2)}, want: beginning + "ran away.", asked: beginning},
		"without what it repeats":          {stored: beginning, shown: shown(beginning), second: []step{say("there was a fox who ran away."), stopped(), used(20, 2)}, want: "ran away.", asked: beginning},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tt.second...)
				m := w.cut(tt.stored)
				m.Spec.Handover.Shown = tt.shown
				w.system.Root.Send(w.conversation(), m)
				if started := <-m.Reply; started.Err != nil {
					t.Fatal(started.Err)
				}
				got := read(m)
				if got.text != tt.want || got.end.Status != messages.TurnComplete {
					t.Errorf("got %q, %s: %v", got.text, got.end.Status, got.end.Err)
				}
				if kept := w.journal.text(); kept != "user: a tale, please | assistant: "+beginning+"ran away." {
					t.Errorf("kept %q", kept)
				}
				if asked := w.models.asked(0); !strings.HasPrefix(asked, "user: a tale, please | assistant: "+tt.asked+" | user: ") {
					t.Errorf("asked %q", asked)
				}
				if len(w.journal.rows) != 2 || w.journal.rows[0].Attempt != 1 || w.journal.rows[0].Status != messages.AttemptInterrupted || w.journal.rows[1].Attempt <= 1000 {
					t.Errorf("rows %+v", w.journal.rows)
				}
				if got.served.Earlier != "p1/m1" {
					t.Errorf("the client reads that it is served by %+v", got.served)
				}
			})
		})
	}
}

func TestNextOwnerAnswersAnew(t *testing.T) {
	t.Parallel()
	call := messages.Chunk{Kind: messages.ChunkToolCall, Text: "{}", Detail: &messages.ChunkDetail{CallID: "c1", Name: "f"}}
	for name, tt := range map[string]struct {
		prepare func(*world, *messages.StartTurn)
		want    string
		code    messages.Code
	}{
		"a reply in one piece": {
			prepare: func(_ *world, m *messages.StartTurn) { m.Spec.Stream = false }, want: "Hello",
		},
		"a stream that nobody has seen, where none is continued": {
			prepare: func(_ *world, m *messages.StartTurn) { m.Spec.Continue = false }, want: "Hello",
		},
		"a turn that was never begun": {
			prepare: func(w *world, m *messages.StartTurn) {
				clear(w.journal.records)
				clear(w.journal.items)
				w.journal.next, w.journal.tip = 1, messages.TurnID{}
			}, want: "Hello",
		},
		"the first turn of a conversation that was never made": {
			prepare: func(w *world, m *messages.StartTurn) {
				m.Spec.Create = true
				w.journal.exists, w.journal.next, w.journal.tip = false, 1, messages.TurnID{}
				clear(w.journal.records)
				clear(w.journal.items)
			}, want: "Hello",
		},
		"but none that has called a tool": {
			prepare: func(_ *world, m *messages.StartTurn) { m.Spec.Handover.Shown = append(shown("Once"), call) }, code: messages.CodeRestarted,
		},
		"but none that has begun, where none is continued": {
			prepare: func(_ *world, m *messages.StartTurn) { m.Spec.Continue, m.Spec.Handover.Shown = false, shown("Once") }, code: messages.CodeRestarted,
		},
		"but none that was changed since": {
			prepare: func(_ *world, m *messages.StartTurn) { m.Spec.Handover.Shown = shown("Twice") }, code: messages.CodeRestarted,
		},
		"but none whose conversation has gone on": {
			prepare: func(w *world, _ *messages.StartTurn) {
				w.journal.put(3, messages.TurnID{9}, []messages.Item{messages.TextMessage(messages.RoleUser, "next")})
			}, code: messages.CodeRestarted,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, hello()...)
				m := w.cut("Once upon ")
				tt.prepare(w, m)
				w.system.Root.Send(w.conversation(), m)
				if started := <-m.Reply; messages.CodeOf(started.Err) != tt.code {
					t.Fatalf("got %v", started.Err)
				} else if tt.code != "" {
					if w.models.count() != 0 {
						t.Error("a model was asked")
					}
					return
				}
				if got := read(m); got.text != tt.want || got.end.Status != messages.TurnComplete {
					t.Errorf("got %q, %s: %v", got.text, got.end.Status, got.end.Err)
				}
				if kept := w.journal.text(); kept != "user: a tale, please | assistant: Hello" {
					t.Errorf("kept %q", kept)
				}
				if asked := w.models.asked(0); asked != "user: a tale, please" {
					t.Errorf("asked %q", asked)
				}
			})
		})
	}
}

func TestNextOwnerTellsWhatWasStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hello()...)
		m := w.cut("Once upon a time.")
		record := w.journal.records[m.Spec.ID]
		record.Status, record.Reason, record.Finish, record.Usage = messages.TurnComplete, "", messages.FinishStop, messages.Usage{Input: 3, Output: 4}
		w.journal.records[m.Spec.ID] = record
		m.Spec.Handover.Shown = shown("Once upon ")
		conversation := w.conversation()
		w.system.Root.Send(conversation, m)
		<-m.Reply
		if got := read(m); got.text != "a time." || got.end.Status != messages.TurnComplete {
			t.Errorf("got %q, %s: %v", got.text, got.end.Status, got.end.Err)
		}
		if w.models.count() != 0 || len(w.journal.rows) != 0 {
			t.Errorf("%d calls, rows %+v", w.models.count(), w.journal.rows)
		}
		next := w.turn("and then?")
		w.system.Root.Send(conversation, next)
		<-next.Reply
		read(next)
		if asked := w.models.asked(0); asked != "user: a tale, please | assistant: Once upon a time. | user: and then?" {
			t.Errorf("the next turn asks %q", asked)
		}
	})
}

// Where a reply's chunks are shown once they are stored, those that look on see what
// an earlier owner brought, too.
func TestReplyOfAnEarlierOwnerIsLookedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, say("away."), step{hang: true})
		w.deps.Stream.ShowAfterCommit = true
		m := w.cut("The fox ")
		m.Spec.Handover.Shown = shown("The fox ran ")
		conversation := w.conversation()
		w.system.Root.Send(conversation, m)
		<-m.Reply
		synctest.Wait()
		follow := messages.NewFollowTurn(testRef, m.Spec.ID)
		w.system.Root.Send(conversation, follow)
		following := <-follow.Reply
		if following.View == nil {
			t.Fatalf("got %+v", following)
		}
		defer following.View.Leave()
		var text string
		for {
			c, came := following.View.Next()
			if !came {
				break
			}
			text += c.Text
		}
		if text != "The fox ran " || w.journal.text() != "user: a tale, please | assistant: The fox ran " {
			t.Errorf("it shows %q, and the store has %q", text, w.journal.text())
		}
		cancel := messages.NewCancelTurn(testRef, m.Spec.ID)
		w.system.Root.Send(conversation, cancel)
		if got := <-cancel.Reply; !got.Found || got.Err != nil {
			t.Errorf("cancelled: %+v", got)
		}
		if got := read(m); got.end.Status != messages.TurnCancelled {
			t.Errorf("it ended as %+v", got.end)
		}
	})
}

// A call that was stored and shown to nobody is made anew, behind the text before it.
func TestNextOwnerMakesACallAnewThatNobodyHasSeen(t *testing.T) {
	t.Parallel()
	const beginning = "Let me look that up for you. "
	call := messages.Chunk{Kind: messages.ChunkToolCall, Text: `{"a":1}`, Detail: &messages.ChunkDetail{CallID: "c2", Name: "find"}}
	for name, tt := range map[string]struct {
		afterCommit bool // what is shown is stored first
		code        messages.Code
	}{
		"": {}, "but not where others may have": {afterCommit: true, code: messages.CodeRestarted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, step{chunk: call}, step{chunk: messages.Chunk{Kind: messages.ChunkFinish, Finish: messages.FinishToolCalls}}, used(20, 2))
				w.deps.Stream.ShowAfterCommit = tt.afterCommit
				m := w.cut(beginning)
				w.journal.put(3, m.Spec.ID, []messages.Item{{Kind: messages.ItemToolCall, CallID: "c1", Name: "find", Args: `{"a"`}})
				m.Spec.Handover.Shown = shown("Let me ")
				w.system.Root.Send(w.conversation(), m)
				if started := <-m.Reply; messages.CodeOf(started.Err) != tt.code {
					t.Fatal(started.Err)
				}
				if tt.code != "" {
					return
				}
				got := read(m)
				if got.text != beginning[len("Let me "):] || got.end.Status != messages.TurnComplete {
					t.Errorf("got %q, %s: %v", got.text, got.end.Status, got.end.Err)
				}
				made := w.journal.items[3]
				if made.CallID != "c2" || made.Args != `{"a":1}` || len(w.journal.items) != 3 {
					t.Errorf("kept %+v", w.journal.items)
				}
				if asked := w.models.asked(0); !strings.HasPrefix(asked, "user: a tale, please | assistant: "+beginning+" | user: ") {
					t.Errorf("asked %q", asked)
				}
			})
		})
	}
}
