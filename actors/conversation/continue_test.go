package conversation_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"example.com/parley/messages"
)

func TestAnotherProviderGoesOn(t *testing.T) {
	t.Parallel()
	const beginning = "Once upon a time there was a fox who "
	broken := []step{say("Once upon a time "), say("there was a fox who "), {err: errReset}}
	call := step{chunk: messages.Chunk{Kind: messages.ChunkToolCall, Text: "{}", Detail: &messages.ChunkDetail{CallID: "c1", Name: "f"}}}
	for name, tt := range map[string]struct {
		first, second []step
		want          string
		status        messages.TurnStatus
	}{
		"from where the first broke off": {
			first: broken, second: []step{say("ran away."), stopped(), used(20, 2)}, want: beginning + "ran away.", status: messages.TurnComplete,
		},
		"without what it repeats": {
			first: broken, second: []step{say("there was a "), say("fox who ran"), say(" away."), stopped()}, want: beginning + "ran away.",
			status: messages.TurnComplete,
		},
		"with a repetition that may be meant": {
			first: []step{say("ha "), {err: errReset}}, second: []step{say("ha "), say("ha"), stopped()}, want: "ha ha ha", status: messages.TurnComplete,
		},
		"at length": {
			first: broken, second: []step{say(strings.Repeat("ran ", 100)), say("away."), stopped()}, want: beginning + strings.Repeat("ran ", 100) + "away.",
			status: messages.TurnComplete,
		},
		"unless it breaks too": {
			first: broken, second: []step{{err: errReset}}, want: beginning, status: messages.TurnPartial,
		},
		"unless a tool was called": {
			first: []step{say("hm"), call, {err: errReset}}, second: hello(), want: "hm", status: messages.TurnPartial,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.journal.exists = true
				w.models.targets = []messages.Target{{Provider: "p1", Model: "m1"}, {Provider: "p2", Model: "m2"}}
				w.models.scripts = map[string][]step{"p1": tt.first, "p2": tt.second}
				m := w.turn("a tale, please")
				m.Spec.Continue = true
				w.system.Root.Send(w.conversation(), m)
				<-m.Reply
				got := read(m)
				if got.text != tt.want || got.end.Status != tt.status {
					t.Errorf("got %q, %s; want %q, %s", got.text, got.end.Status, tt.want, tt.status)
				}
				record := w.journal.records[m.Spec.ID]
				if kept := w.journal.text(); !strings.HasPrefix(kept, "user: a tale, please | assistant: "+tt.want) {
					t.Errorf("kept %q", kept)
				}
				if tt.status != messages.TurnComplete {
					if record.Served.Provider != "p1" {
						t.Errorf("served by %+v", record.Served)
					}
					return
				}
				if got.served.Provider != "p2" || got.served.Earlier != "p1/m1" || record.Served != got.served {
					t.Errorf("the client reads %+v, the record says %+v", got.served, record.Served)
				}
				if asked := w.models.asked(1); !strings.HasPrefix(asked, "user: a tale, please | assistant: ") || !strings.Contains(asked, " | user: ") {
					t.Errorf("the second was asked %q", asked)
				}
				if len(w.journal.rows) != 2 || record.Usage.Output != w.journal.rows[0].Usage.Output+w.journal.rows[1].Usage.Output {
					t.Errorf("usage %+v of %d rows", record.Usage, len(w.journal.rows))
				}
			})
		})
	}
}

func TestNothingOfAProviderInBetweenIsLost(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ second, third, want string }{
		"what it added":                   {"a fox", " who ran.", "Once upon a time there was a fox who ran."},
		"what it added to a repetition":   {"a time there was a fox", " who ran.", "Once upon a time there was a fox who ran."},
		"but the middle of a repetition":  {"a time there", "a fox who ran.", "Once upon a time there was a fox who ran."},
		"but a repetition and no further": {"upon a time there was ", "a fox who ran.", "Once upon a time there was a fox who ran."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.journal.exists = true
				w.models.targets = []messages.Target{{Provider: "p1", Model: "m"}, {Provider: "p2", Model: "m"}, {Provider: "p3", Model: "m"}}
				w.models.scripts = map[string][]step{
					"p1": {say("Once upon a time "), say("there was "), {err: errReset}},
					"p2": {say(tt.second), {err: errReset}},
					"p3": {say(tt.third), stopped()},
				}
				m := w.turn("a tale, please")
				m.Spec.Continue = true
				w.system.Root.Send(w.conversation(), m)
				<-m.Reply
				if got := read(m); got.text != tt.want || got.end.Status != messages.TurnComplete {
					t.Errorf("got %q, %s; want %q", got.text, got.end.Status, tt.want)
				}
				if kept := w.journal.text(); kept != "user: a tale, please | assistant: "+tt.want {
					t.Errorf("kept %q", kept)
				}
			})
		})
	}
}

func TestNobodyGoesOnUnlessTheRequestAsksForIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.models.targets = []messages.Target{{Provider: "p1"}, {Provider: "p2"}}
		w.models.scripts = map[string][]step{"p1": {say("Hel"), {err: errReset}}, "p2": hello()}
		m := w.stateless("hi")
		w.pool().Send(m)
		<-m.Reply
		if got := read(m); got.text != "Hel" || messages.CodeOf(got.end.Err) != messages.CodeProviderFailed {
			t.Errorf("got %q and %v", got.text, got.end.Err)
		}
	})
}
