package conversation_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// follow asks the conversation for a view of the turn; nil where it runs nowhere.
func (w *world) follow(pid *actor.PID, turn messages.TurnID) messages.View {
	w.t.Helper()
	m := messages.NewFollowTurn(testRef, turn)
	w.system.Root.Send(pid, m)
	following := <-m.Reply
	if following.Err != nil {
		w.t.Fatal(following.Err)
	}
	return following.View
}

// cancelTurn returns the answer to a CancelTurn.
func (w *world) cancelTurn(pid *actor.PID, turn messages.TurnID) messages.Cancelled {
	m := messages.NewCancelTurn(testRef, turn)
	w.system.Root.Send(pid, m)
	return <-m.Reply
}

// watch takes what is looked at to its end. It looks no more often than every
// pause.
func watch(v messages.View, pause time.Duration) (r reply) {
	for {
		<-v.More()
		time.Sleep(pause)
		for c, came := v.Next(); came; c, came = v.Next() {
			r.chunks++
			switch c.Kind {
			case messages.ChunkOpened:
				r.served = *c.Served
			case messages.ChunkText:
				r.text += c.Text
			case messages.ChunkEnd:
				r.end = *c.End
				return r
			}
		}
	}
}

// words is a reply of so many words, a pause before each.
func words(n int, pause time.Duration) (script []step, text string) {
	var all strings.Builder
	for i := range n {
		word := fmt.Sprintf("word %d ", i)
		all.WriteString(word)
		script = append(script, step{pause: pause, chunk: messages.Chunk{Kind: messages.ChunkText, Text: word}})
	}
	return append(script, stopped(), used(3, n)), all.String()
}

func TestAllWhoLookOnSeeAllOfATurn(t *testing.T) {
	t.Parallel()
	for name, hold := range map[string]bool{"as it comes": false, "once it is stored": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				script, text := words(100, 10*time.Millisecond)
				w := newWorld(t, script...)
				w.journal.exists = true
				w.deps.Stream.ShowAfterCommit = hold
				pid := w.conversation()
				m := w.turn("hi")
				w.system.Root.Send(pid, m)
				<-m.Reply
				const lookers = 20
				seen := make(chan reply, lookers+1)
				go func() { seen <- read(m) }()
				for i := range lookers {
					time.Sleep(rand.N(60 * time.Millisecond))
					v := w.follow(pid, m.Spec.ID)
					if v == nil {
						t.Fatalf("the turn is not found by number %d", i)
					}
					go func() {
						defer v.Leave()
						seen <- watch(v, rand.N(100*time.Millisecond))
					}()
				}
				for range lookers + 1 {
					if r := <-seen; r.text != text || r.end.Status != messages.TurnComplete || r.served.Provider != "p1" {
						t.Errorf("one saw %q, served by %q, and the end %+v", r.text, r.served.Provider, r.end)
					}
				}
			})
		})
	}
}

func TestNothingIsLookedAtBeforeItIsStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, say("Hello"), step{hang: true})
		w.journal.exists = true
		w.deps.Stream.ShowAfterCommit = true
		pid := w.conversation()
		m := w.turn("hi")
		w.system.Root.Send(pid, m)
		<-m.Reply
		v := w.follow(pid, m.Spec.ID)
		synctest.Wait()
		if c, came := v.Next(); came {
			t.Errorf("%+v came before it was stored", c)
		}
		time.Sleep(w.deps.Stream.PrefixInterval)
		synctest.Wait()
		_, _ = v.Next() // who serves
		if c, _ := v.Next(); c.Text != "Hello" {
			t.Errorf("got %+v", c)
		}
		if got := w.cancelTurn(pid, m.Spec.ID); !got.Found {
			t.Error("it was not there to be cancelled")
		}
		v.Leave()
	})
}

func TestTurnThatDoesNotRunIsInTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hello()...)
		w.journal.exists = true
		pid := w.conversation()
		m := w.turn("hi")
		w.system.Root.Send(pid, m)
		<-m.Reply
		read(m)
		synctest.Wait()
		if w.follow(pid, m.Spec.ID) != nil {
			t.Error("a turn that has ended is said to run")
		}
		if got := w.cancelTurn(pid, m.Spec.ID); got.Found || got.Err != nil {
			t.Errorf("cancelling it brings %+v", got)
		}
		synctest.Wait()
		rested := <-w.ready
		for len(w.ready) > 0 {
			rested = <-w.ready
		}
		if rested.Sent != 3 { // the shard counts what it sent, and would never stop one that counts less
			t.Errorf("it rests after %d requests, want 3", rested.Sent)
		}
	})
}

func TestViewOfATurnThatEndedMeanwhileHasItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hello()...)
		w.journal.exists = true
		w.journal.slow = time.Second // between the request and each of its writes
		pid := w.conversation()
		m := w.turn("hi")
		w.system.Root.Send(pid, m)
		time.Sleep(time.Millisecond)
		if v := w.follow(pid, m.Spec.ID); v != nil {
			t.Error("a conversation that wakes has a view of its turn already")
		}
		time.Sleep(1500 * time.Millisecond)
		v := w.follow(pid, m.Spec.ID) // its input is being stored
		go read(m)
		if got := watch(v, time.Hour); got.text != "Hello" || got.end.Status != messages.TurnComplete {
			t.Errorf("got %+v", got)
		}
		v.Leave()
	})
}

func TestTurnThatCannotBeginEndsForThoseWhoLookOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hello()...)
		w.journal.exists, w.journal.slow = true, time.Second
		w.journal.away["BeginTurn"] = 1
		pid := w.conversation()
		m := w.turn("hi")
		w.system.Root.Send(pid, m)
		time.Sleep(1500 * time.Millisecond)
		v := w.follow(pid, m.Spec.ID)
		if got := watch(v, 0); got.end.Status != messages.TurnFailed || messages.CodeOf(got.end.Err) != messages.CodeStoreUnavailable {
			t.Errorf("got %+v", got)
		}
		v.Leave()
		if started := <-m.Reply; messages.CodeOf(started.Err) != messages.CodeStoreUnavailable {
			t.Errorf("got %v", started.Err)
		}
	})
}

func TestTurnGoesOnWhileAnybodyLooksOn(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		grace      time.Duration
		background bool
		took       time.Duration
		status     messages.TurnStatus
	}{
		"and for the time of grace from when the last one left": {grace: 10 * time.Second, took: 50 * time.Second, status: messages.TurnCancelled},
		"and no longer where there is no grace":                 {took: 40 * time.Second, status: messages.TurnCancelled},
		"and in the background until it ends":                   {background: true, took: time.Minute, status: messages.TurnComplete},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, say("a"), step{pause: time.Minute, chunk: messages.Chunk{Kind: messages.ChunkText, Text: "b"}}, stopped())
				w.journal.exists = true
				w.deps.Config.GoneGrace = tt.grace
				pid := w.conversation()
				client, leave := context.WithCancel(t.Context())
				m := w.turn("hi")
				m.Spec.Deadline = time.Now().Add(time.Hour)
				m.Client, m.Spec.Background = client, tt.background
				if tt.background {
					m.Chunks = nil
				}
				began := time.Now()
				w.system.Root.Send(pid, m)
				<-m.Reply
				first := w.follow(pid, m.Spec.ID)
				leave()
				time.Sleep(20 * time.Second)
				second := w.follow(pid, m.Spec.ID)
				first.Leave()
				first.Leave() // which counts once
				time.Sleep(20 * time.Second)
				second.Leave()
				w.deps.Workers.Wait()
				if took := time.Since(began); took != tt.took {
					t.Errorf("the turn went on for %s, want %s", took, tt.took)
				}
				if got := w.journal.record(m.Spec.ID); got.Status != tt.status || got.Background != tt.background {
					t.Errorf("kept as %+v, want %s", got, tt.status)
				}
			})
		})
	}
}

func TestGraceBeginsAnewWithEveryOneWhoLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, say("a"), step{hang: true})
		w.journal.exists = true
		w.deps.Config.GoneGrace = 10 * time.Second
		pid := w.conversation()
		client, leave := context.WithCancel(t.Context())
		m := w.turn("hi")
		m.Client, m.Spec.Deadline = client, time.Now().Add(time.Hour)
		began := time.Now()
		w.system.Root.Send(pid, m)
		<-m.Reply
		leave()
		for range 5 {
			time.Sleep(9 * time.Second)
			w.follow(pid, m.Spec.ID).Leave()
		}
		w.deps.Workers.Wait()
		if took := time.Since(began); took != 55*time.Second {
			t.Errorf("the turn went on for %s, want 5 times 9 s and 10 s", took)
		}
	})
}

func TestClientThatDoesNotReadHoldsNobodyElseUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		script, text := words(200, time.Millisecond)
		w := newWorld(t, script...)
		w.journal.exists = true
		pid := w.conversation()
		m := w.turn("hi")
		w.system.Root.Send(pid, m)
		<-m.Reply // and reads nothing of Chunks
		began := time.Now()
		lazy, v := w.follow(pid, m.Spec.ID), w.follow(pid, m.Spec.ID) // the former never looks
		if got := watch(v, 0); got.text != text || got.end.Status != messages.TurnComplete {
			t.Errorf("got %+v", got)
		}
		if took := time.Since(began); took > 1500*time.Millisecond {
			t.Errorf("the turn took %s", took)
		}
		v.Leave()
		if got := read(m); got.end.Status != "" || !strings.HasPrefix(text, got.text) {
			t.Errorf("the slow client read %+v; its stream is to break off", got)
		}
		if got := watch(lazy, 0); got.text != text || got.chunks > 5 {
			t.Errorf("who looks late reads %d chunks, want the text in one", got.chunks)
		}
		lazy.Leave()
	})
}

func TestSlowClientWhoIsAloneIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		script, text := words(100, time.Millisecond)
		w := newWorld(t, script...)
		w.journal.exists = true
		m := w.turn("hi")
		w.system.Root.Send(w.conversation(), m)
		<-m.Reply
		time.Sleep(30 * time.Second)
		if got := read(m); got.text != text || got.end.Status != messages.TurnComplete {
			t.Errorf("got %+v", got)
		}
	})
}

func TestCancelledTurnKeepsWhatItHadShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, say("Hel"), say("lo"), step{hang: true})
		w.journal.exists = true
		pid := w.conversation()
		m, next := w.turn("hi"), w.turn("and then?")
		w.system.Root.Send(pid, m)
		<-m.Reply
		v := w.follow(pid, m.Spec.ID)
		synctest.Wait()
		w.system.Root.Send(pid, next)
		if got := w.cancelTurn(pid, m.Spec.ID); !got.Found || got.Err != nil {
			t.Errorf("got %+v", got)
		}
		if record := w.journal.record(m.Spec.ID); record.Status != messages.TurnCancelled || record.Outputs != 1 {
			t.Errorf("its end was not stored before the answer: %+v", record)
		}
		for _, seen := range []reply{read(m), watch(v, 0)} {
			if seen.text != "Hello" || seen.end.Status != messages.TurnCancelled || messages.CodeOf(seen.end.Err) != messages.CodeCancelled {
				t.Errorf("seen: %+v", seen)
			}
		}
		v.Leave()
		<-next.Reply // the conversation goes on
		if got := w.cancelTurn(pid, next.Spec.ID); !got.Found {
			t.Errorf("got %+v", got)
		}
		if got, want := w.models.asked(1), "user: hi | assistant: Hello | user: and then?"; got != want {
			t.Errorf("the next turn read %q, want %q", got, want)
		}
		read(next)
	})
}

func TestTurnThatWaitsIsWithdrawn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, say("a"), step{hang: true})
		w.journal.exists = true
		pid := w.conversation()
		first, second := w.turn("one"), w.turn("two")
		w.system.Root.Send(pid, first)
		w.system.Root.Send(pid, second)
		<-first.Reply
		if w.follow(pid, second.Spec.ID) != nil {
			t.Error("a turn that waits is said to run")
		}
		if got := w.cancelTurn(pid, second.Spec.ID); !got.Found || got.Err != nil {
			t.Errorf("got %+v", got)
		}
		if started := <-second.Reply; messages.CodeOf(started.Err) != messages.CodeCancelled {
			t.Errorf("it is refused with %v", started.Err)
		}
		w.cancelTurn(pid, first.Spec.ID)
		read(first)
		if w.models.count() != 1 {
			t.Errorf("%d calls were made", w.models.count())
		}
	})
}

func TestTurnIsWithdrawnWhileItsConversationWakes(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]time.Duration{"while it wakes": time.Millisecond, "while its input is stored": 1500 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, say("a"), step{hang: true})
				w.journal.exists, w.journal.slow = true, time.Second
				pid := w.conversation()
				m := w.turn("one")
				w.system.Root.Send(pid, m)
				time.Sleep(at)
				if got := w.cancelTurn(pid, m.Spec.ID); !got.Found || got.Err != nil {
					t.Errorf("got %+v", got)
				}
				started := <-m.Reply
				if started.Err == nil { // the input was in the store before the word came
					if got := read(m); got.end.Status != messages.TurnCancelled {
						t.Errorf("got %+v", got)
					}
				} else if messages.CodeOf(started.Err) != messages.CodeCancelled {
					t.Errorf("it is refused with %v", started.Err)
				}
				if w.models.count() != 0 {
					t.Error("a model was called")
				}
			})
		})
	}
}

func TestManyWhoCancelAreRefusedInTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, say("a"), step{hang: true})
		w.journal.exists = true
		pid := w.conversation()
		m := w.turn("one")
		w.system.Root.Send(pid, m)
		<-m.Reply
		synctest.Wait()
		w.journal.slowDown(time.Second) // the end takes a while to be stored
		asked := make([]*messages.CancelTurn, 20)
		for i := range asked {
			asked[i] = messages.NewCancelTurn(testRef, m.Spec.ID)
			w.system.Root.Send(pid, asked[i])
		}
		refused := 0
		for _, one := range asked {
			if got := <-one.Reply; messages.CodeOf(got.Err) == messages.CodeTooManyTurns {
				refused++
			} else if !got.Found || got.Err != nil {
				t.Errorf("got %+v", got)
			}
		}
		if refused != 4 {
			t.Errorf("%d were refused, want 4", refused)
		}
		read(m)
	})
}

func TestConversationThatStopsEndsWhatIsLookedAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, say("a"), step{hang: true})
		w.journal.exists = true
		pid := w.conversation()
		m := w.turn("hi")
		w.system.Root.Send(pid, m)
		<-m.Reply
		v := w.follow(pid, m.Spec.ID)
		synctest.Wait()
		_ = w.system.Root.StopFuture(pid).Wait()
		if got := watch(v, 0); got.text != "a" || got.end.Status != messages.TurnPartial || got.end.Reason != messages.ReasonServerRestart {
			t.Errorf("got %+v", got)
		}
		v.Leave()
		read(m)
	})
}
