package conversation_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/actors/conversation"
	"example.com/parley/messages"
)

var errReset = &messages.Failure{Code: messages.CodeProviderFailed, What: "reset by peer"}

func TestTurnOutcome(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		script []step
		text   string
		status messages.TurnStatus
		reason string
		code   messages.Code
		kept   string

		retries int
	}{
		"is streamed, then kept": {
			script: hello(), text: "Hello", status: messages.TurnComplete,
			kept: "user: hi | assistant: Hello",
		},
		"is partial when the model ran into its limit": {
			script: []step{say("Hel"), {chunk: messages.Chunk{Kind: messages.ChunkFinish, Finish: messages.FinishLength}}},
			text:   "Hel", status: messages.TurnPartial, reason: messages.ReasonMaxTokens,
			kept: "user: hi | assistant: Hel",
		},
		"keeps the prefix when the provider breaks off midway": {
			script: []step{say("Hel"), {err: errReset}},
			text:   "Hel", status: messages.TurnPartial, reason: messages.ReasonProvider, code: messages.CodeProviderFailed,
			kept: "user: hi | assistant: Hel",
		},
		"never makes a finish up": {
			script: []step{say("Hel")},
			text:   "Hel", status: messages.TurnPartial, reason: messages.ReasonProvider, code: messages.CodeProviderFailed,
			kept: "user: hi | assistant: Hel",
		},
		"withdraws the input when nothing came of it": {
			script: []step{{err: errReset}}, status: messages.TurnFailed, code: messages.CodeProviderFailed, kept: "", retries: 2,
		},
		"survives a panic while reading": {
			script: []step{{panic: true}}, status: messages.TurnFailed, code: messages.CodeInternal, kept: "",
		},
		"is partial at its deadline": {
			script: []step{say("Hel"), {hang: true}},
			text:   "Hel", status: messages.TurnPartial, reason: messages.ReasonDeadline, code: messages.CodeDeadline,
			kept: "user: hi | assistant: Hel",
		},
		"keeps an empty reply as such": {
			script: []step{stopped()}, status: messages.TurnComplete, kept: "user: hi",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tt.script...)
				w.journal.exists = true
				m := w.turn("hi")
				w.system.Root.Send(w.conversation(), m)
				if started := <-m.Reply; started.Err != nil {
					t.Fatal(started.Err)
				}
				got := read(m)
				if got.text != tt.text || got.end.Status != tt.status || got.end.Reason != tt.reason || messages.CodeOf(got.end.Err) != tt.code {
					t.Errorf("got %q, %s, %q, %v; want %q, %s, %q, %s", got.text, got.end.Status, got.end.Reason, got.end.Err, tt.text, tt.status, tt.reason, tt.code)
				}
				if diff := cmp.Diff(tt.kept, w.journal.text()); diff != "" {
					t.Errorf("kept (-want +got):\n%s", diff)
				}
				record := w.journal.records[m.Spec.ID]
				if record.Status != tt.status || record.Reason != tt.reason || record.FailureCode != tt.code {
					t.Errorf("the record says %s, %q, %q", record.Status, record.Reason, record.FailureCode)
				}
				if rows := 1 + tt.retries; len(w.journal.rows) != rows || len(w.ledger.reserved) != 0 {
					t.Errorf("%d usage rows and %d reservations, want %d and 0", len(w.journal.rows), len(w.ledger.reserved), rows)
				}
				if w.models.running != 0 {
					t.Errorf("%d answers were not closed", w.models.running)
				}
			})
		})
	}
}

func TestEveryAttemptHasOneRow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hello()...)
		w.models.targets = []messages.Target{{Provider: "p1", Model: "m1"}, {Provider: "p2", Model: "m2"}}
		w.models.open = map[string]error{"p1": errReset}
		m := w.stateless("hi")
		pool := w.pool()
		pool.Send(m)
		<-m.Reply
		got := read(m)
		if got.text != "Hello" || got.served.Provider != "p2" || got.served.Attempts != 2 {
			t.Errorf("got %q from %+v", got.text, got.served)
		}
		want := []messages.UsageRow{
			{Attempt: 1, Served: messages.Served{Provider: "p1", Model: "m1"}, Status: messages.AttemptFailed},
			{
				Attempt: 2, Served: messages.Served{Provider: "p2", Model: "m2", Attempts: 2}, Status: messages.AttemptSettled,
				Usage: messages.Usage{Input: 3, Output: 2}, Cost: 5e7, Priced: true, Price: "cent@" + time.Now().UTC().Format(time.DateOnly),
			},
		}
		for i := range want {
			want[i].Tenant, want[i].Key, want[i].Request, want[i].Endpoint, want[i].Model = "acme", "k1", m.Spec.ID, "/v1/test", "model"
			want[i].Created, want[i].CacheTier = w.ledger.rows[i].Created, messages.CacheBypass
		}
		if diff := cmp.Diff(want, w.ledger.rows); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
	})
}

func TestOneThatBrokeOffBeforeItSpokeIsNotBilled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.models.targets = []messages.Target{{Provider: "p1"}, {Provider: "p2"}}
		w.models.scripts = map[string][]step{"p1": {used(900, 1), {err: errReset}}, "p2": hello()}
		m := w.stateless("hi")
		w.pool().Send(m)
		<-m.Reply
		if got := read(m); got.text != "Hello" || got.served.Provider != "p2" {
			t.Errorf("got %q from %q", got.text, got.served.Provider)
		}
		if rows := w.ledger.rows; rows[0].Cost != 0 || rows[0].Usage != (messages.Usage{}) || rows[1].Usage != (messages.Usage{Input: 3, Output: 2}) {
			t.Errorf("rows %+v", rows)
		}
	})
}

func TestFallbackStopsWhereItCannotHelp(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		script []step
		open   error
		calls  int
	}{
		"a request that is wrong is wrong everywhere": {open: &messages.Failure{Code: messages.CodeProviderRejected}, calls: 1},
		"what was shown cannot be taken back":         {script: []step{say("Hel"), {err: errReset}}, calls: 1},
		"a stream that breaks before it said a thing": {script: []step{{err: errReset}}, calls: 2 + 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tt.script...)
				w.models.targets = []messages.Target{{Provider: "p1"}, {Provider: "p2"}}
				w.models.open = map[string]error{"p1": tt.open}
				m := w.stateless("hi")
				w.pool().Send(m)
				<-m.Reply
				if got := read(m); got.end.Err == nil {
					t.Error("the turn did not fail")
				}
				if len(w.models.calls) != tt.calls {
					t.Errorf("%d calls, want %d", len(w.models.calls), tt.calls)
				}
			})
		})
	}
}

func TestCutStreamIsBilledByWhatWasReceived(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, say("12345678"), step{err: errReset})
		m := w.stateless("a question")
		w.pool().Send(m)
		<-m.Reply
		read(m)
		want := messages.Usage{Input: 3 + 4, Output: 2, Estimated: true}
		if diff := cmp.Diff(want, w.ledger.rows[0].Usage); diff != "" {
			t.Errorf("usage (-want +got):\n%s", diff)
		}
	})
}

func TestClientThatLeaves(t *testing.T) {
	t.Parallel()
	slow := []step{say("Hel"), {pause: 30 * time.Second, chunk: messages.Chunk{Kind: messages.ChunkText, Text: "lo"}}, stopped()}
	for name, tt := range map[string]struct {
		keep   bool
		grace  time.Duration
		took   time.Duration
		status messages.TurnStatus
	}{
		"cancels a turn that is kept nowhere":         {status: messages.TurnCancelled},
		"finds a kept turn complete":                  {keep: true, grace: time.Minute, took: 30 * time.Second, status: messages.TurnComplete},
		"finds a kept turn cut after the grace":       {keep: true, grace: 10 * time.Second, took: 10 * time.Second, status: messages.TurnCancelled},
		"cancels a kept turn where there is no grace": {keep: true, status: messages.TurnCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, slow...)
				w.journal.exists = true
				w.deps.Config.GoneGrace = tt.grace
				client, leave := context.WithCancel(t.Context())
				m := w.turn("hi")
				m.Client, m.Spec.Keep = client, tt.keep
				if tt.keep {
					w.system.Root.Send(w.conversation(), m)
				} else {
					m.Spec.Conversation = ""
					w.pool().Send(m)
				}
				<-m.Reply
				<-m.Chunks
				left := time.Now()
				leave()
				w.deps.Workers.Wait()
				if took := time.Since(left); took != tt.took {
					t.Errorf("the turn went on for %s, want %s", took, tt.took)
				}
				if tt.keep && w.journal.records[m.Spec.ID].Status != tt.status {
					t.Errorf("kept as %s, want %s", w.journal.records[m.Spec.ID].Status, tt.status)
				}
			})
		})
	}
}

func TestUnknownModelIsAFailureOfTheTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		m := w.stateless("hi")
		m.Spec.Model = "absent"
		w.pool().Send(m)
		<-m.Reply
		if got := read(m); messages.CodeOf(got.end.Err) != messages.CodeModelNotFound || len(w.ledger.rows) != 0 {
			t.Errorf("got %v and %d rows", got.end.Err, len(w.ledger.rows))
		}
	})
}

func TestPrefixIsDurableWhileTheReplyStreams(t *testing.T) {
	t.Parallel()
	t.Run("after so many chunks", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			for range 2*w.deps.Stream.PrefixChunks + 1 {
				w.models.script = append(w.models.script, say("x"))
			}
			w.models.script = append(w.models.script, stopped())
			w.journal.exists = true
			m := w.turn("hi")
			w.system.Root.Send(w.conversation(), m)
			read(m)
			if got := len(w.journal.prefixes); got != 2 {
				t.Errorf("%d prefixes, want 2", got)
			}
		})
	})
	t.Run("and less often the longer it is", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			const chunks = 10_000
			w := newWorld(t)
			for range chunks {
				w.models.script = append(w.models.script, say("x"))
			}
			w.models.script = append(w.models.script, stopped())
			w.journal.exists = true
			m := w.turn("hi")
			w.system.Root.Send(w.conversation(), m)
			read(m)
			written := 0
			for _, p := range w.journal.prefixes {
				for i := range p.Items {
					written += len(p.Items[i].Text())
				}
			}
			if n := len(w.journal.prefixes); n > 60 || written > 10*chunks || written < chunks {
				t.Errorf("%d prefixes, %d bytes of a reply of %d", n, written, chunks)
			}
		})
	})
	t.Run("after a while, though the model is silent", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, say("Hel"), step{hang: true})
			w.journal.exists = true
			m := w.turn("hi")
			w.system.Root.Send(w.conversation(), m)
			<-m.Chunks
			time.Sleep(w.deps.Stream.PrefixInterval + time.Millisecond)
			if got := w.journal.text(); got != "user: hi | assistant: Hel" {
				t.Errorf("stored %q", got)
			}
			read(m)
		})
	})
}

func TestShowAfterCommitShowsNothingThatIsNotStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, say("Hel"), step{pause: time.Second, chunk: messages.Chunk{Kind: messages.ChunkText, Text: "lo"}}, stopped())
		w.deps.Stream.ShowAfterCommit = true
		w.journal.exists = true
		m := w.turn("hi")
		w.system.Root.Send(w.conversation(), m)
		shown := ""
		for c := range m.Chunks {
			shown += c.Text
			if stored := w.journal.text(); stored != "user: hi | assistant: "+shown && c.Kind != messages.ChunkOpened {
				t.Errorf("shown %q, stored %q", shown, stored)
			}
		}
		if shown != "Hello" {
			t.Errorf("shown %q", shown)
		}
	})
}

func TestTurnWaitsForAStoreThatIsAwayForAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hello()...)
		w.journal.exists = true
		w.journal.away["EndTurn"] = 5
		m := w.turn("hi")
		w.system.Root.Send(w.conversation(), m)
		if got := read(m); got.end.Err != nil || len(w.journal.rows) != 1 {
			t.Errorf("ended with %v and %d rows", got.end.Err, len(w.journal.rows))
		}
	})
}

func TestTurnWhoseEndCannotBeStoredSaysSoAndIsBilled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hello()...)
		w.journal.exists = true
		w.journal.away["EndTurn"] = 1 << 20
		m := w.turn("hi")
		w.system.Root.Send(w.conversation(), m)
		got := read(m)
		if messages.CodeOf(got.end.Err) != messages.CodeStoreUnavailable {
			t.Errorf("ended with %v", got.end.Err)
		}
		if len(w.ledger.rows) != 1 || w.ledger.rows[0].Cost == 0 {
			t.Errorf("the ledger has %+v", w.ledger.rows)
		}
	})
}

func TestStatelessTurnReadsAConversationWithoutWritingToIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hello()...)
		w.journal.exists = true
		w.journal.put(1, messages.TurnID{}, []messages.Item{messages.TextMessage(messages.RoleUser, "before")})
		m := w.turn("hi")
		m.Spec.Keep, m.Spec.Instructions = false, "be brief"
		w.pool().Send(m)
		if started := <-m.Reply; started.Conversation != "" {
			t.Errorf("it says that it is kept in %q", started.Conversation)
		}
		read(m)
		if got := w.models.asked(0); got != "system: be brief | user: before | user: hi" {
			t.Errorf("the model was asked %q", got)
		}
		if got := w.journal.text(); got != "user: before" {
			t.Errorf("stored %q", got)
		}
	})
}

func TestStoppedPoolTellsWhoeverWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, say("Hel"), step{hang: true})
		m := w.stateless("hi")
		pid := w.system.Root.Spawn(conversation.PoolProps(w.deps))
		w.system.Root.Send(pid, m)
		<-m.Reply
		<-m.Chunks
		_ = w.system.Root.StopFuture(pid).Wait()
		var failure *messages.Failure
		if got := read(m); !errors.As(got.end.Err, &failure) || failure.Code != messages.CodeRestarted || failure.RetryAfter == 0 {
			t.Errorf("ended with %v", got.end.Err)
		}
	})
}
