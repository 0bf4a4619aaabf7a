package cluster_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/parley/messages"
	"example.com/parley/messages/remote"
)

// first tells of the first so many messages of a kind.
func first[T any](many int64) func(message any) bool {
	var came atomic.Int64
	return func(message any) bool {
		_, is := message.(T)
		return is && came.Add(1) <= many
	}
}

// The library drops messages of a connection that breaks while both nodes live. Nobody
// waits for what is lost until the turn's deadline.
func TestLostMessagesAreMissed(t *testing.T) {
	t.Parallel()
	at := database(t)
	a, b := join(t, at), join(t, at)
	awaitSpread(t, a, b)
	soon := func(t *testing.T) {
		t.Helper()
		began := time.Now()
		t.Cleanup(func() {
			if took := time.Since(began); took > patience/2 {
				t.Errorf("it took %s", took)
			}
		})
	}

	t.Run("a request", func(t *testing.T) {
		soon(t)
		b.loses(first[*remote.Ask](1))
		m := turn(t.Context(), b.in(t), "hello")
		a.start(m)
		if s := started(t, m); s.Err != nil {
			t.Fatal(s.Err)
		}
		if text, end := received(t, m); text != "hello" || end == nil {
			t.Errorf("got %q and %+v", text, end)
		}
	})
	t.Run("an answer", func(t *testing.T) {
		soon(t)
		a.loses(first[*remote.Answer](1))
		m := addition(b.in(t))
		a.Return(m)
		if e := answered(t, m.Reply); e.Err != nil || len(e.Items) != 1 {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("the end of a reply in one piece", func(t *testing.T) {
		soon(t)
		a.loses(first[*remote.Batch](1))
		m := turn(t.Context(), b.in(t), "hello")
		m.Spec.Stream = false
		a.start(m)
		started(t, m)
		if text, end := received(t, m); text != "hello" || end == nil || end.Status != messages.TurnComplete {
			t.Errorf("got %q and %+v", text, end)
		}
	})
	t.Run("credit", func(t *testing.T) {
		soon(t)
		b.loses(first[*remote.Credit](2)) // all that the owner has been given
		const chunks = 20 * 64            // of which a batch has 64
		b.plays(func(m messages.Addressed) {
			turn := m.(*messages.StartTurn)
			turn.Answer(messages.TurnStarted{})
			for range chunks {
				say(turn, "x")
			}
			finish(turn)
		})
		defer b.plays(answer)
		m := turn(t.Context(), b.in(t), "")
		a.start(m)
		started(t, m)
		if text, end := received(t, m); text != strings.Repeat("x", chunks) || end == nil {
			t.Errorf("got %d chunks and %+v", len(text), end)
		}
	})
	t.Run("everything", func(t *testing.T) {
		soon(t)
		b.loses(func(message any) bool {
			switch message.(type) {
			case *remote.Ask, *remote.Pulse:
				return true
			default:
				return false
			}
		})
		m := addition(b.in(t))
		a.Return(m)
		if e := answered(t, m.Reply); messages.CodeOf(e.Err) != messages.CodeRestarted || messages.AsFailure(e.Err).NoRetry {
			t.Errorf("got %+v", e)
		}
	})
}

// A turn that takes its time is let be.
func TestSlowTurnIsNotTakenForLost(t *testing.T) {
	t.Parallel()
	at := database(t)
	a, b := join(t, at), join(t, at)
	awaitSpread(t, a, b)
	pulses := make(chan struct{}, 16)
	b.loses(func(message any) bool {
		if _, is := message.(*remote.Pulse); is {
			pulses <- struct{}{}
		}
		return false
	})
	b.plays(func(m messages.Addressed) {
		turn := m.(*messages.StartTurn)
		turn.Answer(messages.TurnStarted{})
		say(turn, "slow")
		for range 2 {
			<-pulses
		}
		say(turn, " and steady")
		finish(turn)
	})
	m := turn(t.Context(), b.in(t), "")
	a.start(m)
	started(t, m)
	if text, end := received(t, m); text != "slow and steady" || end == nil || end.Status != messages.TurnComplete {
		t.Errorf("got %q and %+v", text, end)
	}
}

func addition(ref messages.ConversationRef) *messages.AddItems {
	return &messages.AddItems{
		Ref: ref, Request: messages.TurnID{1}, Items: []messages.Item{messages.TextMessage(messages.RoleUser, "hi")},
		Reply: make(chan messages.Edited, 1),
	}
}
