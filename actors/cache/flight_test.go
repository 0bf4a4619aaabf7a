package cache_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/actors/cache"
	"example.com/parley/messages"
)

const asked = "What do owls eat at night?"

func TestOneCallAnswersAllWhoAskTheSame(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.ask(question("acme", asked))
		replies := make(chan heard, 10)
		join := func() {
			other := w.ask(question("acme", asked))
			if other.Answer == nil || other.Outcome.Tier != messages.CacheExact {
				t.Fatalf("another got %+v", other.Outcome)
			}
			go func() { replies <- hear(other.Answer) }()
		}
		join()
		first.Flight.Add(messages.Chunk{Kind: messages.ChunkOpened, Served: &messages.Served{Provider: "p"}})
		first.Flight.Add(messages.Chunk{Kind: messages.ChunkText, Text: "mice "})
		synctest.Wait()
		join() // in the middle
		first.Flight.Add(messages.Chunk{Kind: messages.ChunkReasoning, Text: "hm"})
		first.Flight.Add(messages.Chunk{Kind: messages.ChunkText, Text: "and voles"})
		synctest.Wait()
		first.Flight.Ended(nil, messages.FinishStop, messages.Usage{Output: 4}, cost)
		join() // before it is in the index, or after
		for range 3 {
			if got := <-replies; got.text != "mice hmand voles" || got.usage.Output != 4 || got.err != nil || got.served.Provider != "p" {
				t.Errorf("%+v", got)
			}
		}
		synctest.Wait()
		w.wants(question("acme", asked), messages.CacheExact)
		if s := w.cache.Stats("acme"); s.Misses != 1 || s.Entries != 1 || s.Saved != 4*cost {
			t.Errorf("%+v", s)
		}
	})
}

func TestCallGoesOnWhileSomebodyListens(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.ask(question("acme", asked))
		second, third := w.ask(question("acme", asked)), w.ask(question("acme", asked))
		var abandoned atomic.Bool
		first.Flight.Leave(func() { abandoned.Store(true) })
		_ = second.Answer.Close()
		_ = second.Answer.Close() // which counts once
		if abandoned.Load() {
			t.Fatal("it was given up while one listened")
		}
		_ = third.Answer.Close()
		if !abandoned.Load() {
			t.Fatal("it goes on for nobody")
		}
		if late := w.ask(question("acme", asked)); late.Answer != nil || late.Flight == nil {
			t.Errorf("a call that was given up was joined: %+v", late)
		}
	})
}

func TestCallOfWhomNobodyJoinsEndsWithItsClient(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		left := false
		w.ask(question("acme", asked)).Flight.Leave(func() { left = true })
		if !left {
			t.Error("it goes on for nobody")
		}
	})
}

func TestListenersHearWhyACallFailed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		failure := errors.New("the provider broke")
		first, second := w.ask(question("acme", asked)), w.ask(question("acme", asked))
		first.Flight.Ended(failure, "", messages.Usage{}, 0)
		if got := hear(second.Answer); !errors.Is(got.err, failure) {
			t.Errorf("%+v", got)
		}
		third := w.ask(question("acme", asked))
		if third.Flight == nil {
			t.Errorf("a call that failed was joined: %+v", third)
		}
		fourth := w.ask(question("acme", asked))
		third.Flight.Add(messages.Chunk{Kind: messages.ChunkToolCall})
		if got := hear(fourth.Answer); !errors.Is(got.err, cache.ErrUnshared) {
			t.Errorf("%+v", got)
		}
	})
}

func TestListenerStopsWithItsTurn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.ask(question("acme", asked))
		spec := question("acme", asked)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got := hear(w.cache.Ask(ctx, spec, spec.Input).Answer); !errors.Is(got.err, context.DeadlineExceeded) {
			t.Errorf("%+v", got)
		}
	})
}
