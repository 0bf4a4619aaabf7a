package cache_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/actors/cache"
	"example.com/parley/messages"
)

// foreseeing is a world in which replies are fetched ahead.
func foreseeing(t *testing.T, change func(*cache.AheadConfig)) (w *world, s *turns) {
	t.Helper()
	w = newWorld(t, func(c *cache.Config) { change(&c.Ahead) })
	s = &turns{cache: w.cache, took: time.Second, cost: 1000}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = cache.NewAhead(w.cache, s).Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; s.running.Wait() })
	return w, s
}

func TestPopularReplyIsRenewedBeforeItExpires(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*cache.AheadConfig)
		hits   int // before the last part of its time
		calls  int
	}{
		"popular":          {change: func(c *cache.AheadConfig) { c.Refresh = true }, hits: 3, calls: 1},
		"rare":             {change: func(c *cache.AheadConfig) { c.Refresh = true }},
		"off":              {change: func(*cache.AheadConfig) {}, hits: 9},
		"above the budget": {change: func(c *cache.AheadConfig) { c.Refresh, c.HourlyBudget = true, 1000 }, hits: 3},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w, s := foreseeing(t, tt.change)
				w.learn(question("acme", chisel), "An old reply.")
				for range tt.hits {
					w.wants(question("acme", chisel), messages.CacheExact)
				}
				wait(50 * time.Minute)
				w.wants(question("acme", chisel), messages.CacheExact)
				w.wants(question("acme", chisel), messages.CacheExact) // asks for no second call
				wait(20 * time.Minute)
				if s.count() != tt.calls {
					t.Errorf("%d calls, want %d", s.count(), tt.calls)
				}
				if tt.calls == 0 {
					w.wants(question("acme", chisel), messages.CacheMiss)
				} else if _, text := w.found(question("acme", chisel)); text != "A reply." {
					t.Errorf("it says %q", text)
				}
			})
		})
	}
}

// talk is a conversation's turn: what was said before, and a question.
func talk(said ...string) *messages.TurnSpec {
	spec := question("acme", said[0])
	for i, text := range said[1:] {
		role := messages.RoleAssistant
		if i%2 == 1 {
			role = messages.RoleUser
		}
		spec.Input = append(spec.Input, messages.TextMessage(role, text))
	}
	return spec
}

func TestUsualNextQuestionIsAskedAhead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, s := foreseeing(t, func(c *cache.AheadConfig) { c.Next = true })
		w.learn(question("acme", chisel), "With a stone.")
		for _, next := range []string{"Which stone?", "How long?", "Which stone?", "Which stone?"} {
			w.found(talk(chisel, "With a stone.", next))
		}
		if s.count() != 0 {
			t.Fatalf("%d calls before there was a habit", s.count())
		}
		w.wants(question("acme", chisel), messages.CacheExact)
		wait(time.Minute)
		if s.count() != 1 {
			t.Fatalf("%d calls", s.count())
		}
		w.wants(talk(chisel, "With a stone.", "Which stone?"), messages.CacheExact)
		w.wants(talk(chisel, "With a stone.", "How long?"), messages.CacheMiss)
		w.wants(question("acme", chisel), messages.CacheExact) // it is there already
		wait(time.Minute)
		if s.count() != 1 {
			t.Errorf("%d calls", s.count())
		}
		other := talk(chisel, "With a stone.", "Which stone?")
		other.Tenant = "rival"
		w.wants(other, messages.CacheMiss)
	})
}

func TestNothingIsAskedAheadOnABusyServer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, s := foreseeing(t, func(c *cache.AheadConfig) { c.Next, c.BusyFrom = true, 1 })
		w.learn(question("acme", chisel), "With a stone.")
		for range 3 {
			w.found(talk(chisel, "With a stone.", "Which stone?"))
		}
		busy := w.ask(question("acme", "What do owls eat at night?"))
		w.wants(question("acme", chisel), messages.CacheExact)
		wait(time.Minute)
		if s.count() != 0 {
			t.Error("it was asked while others were")
		}
		say(busy.Flight, "Mice.")
		w.wants(question("acme", chisel), messages.CacheExact)
		wait(time.Minute)
		if s.count() != 1 {
			t.Errorf("%d calls after that", s.count())
		}
	})
}

func TestReplyThatWasNotKnownIsFollowedToo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, s := foreseeing(t, func(c *cache.AheadConfig) { c.Next = true })
		for range 3 {
			w.found(talk(chisel, "With a stone.", "Which stone?"))
		}
		w.learn(question("acme", chisel), "With a stone.")
		wait(time.Minute)
		if s.count() != 1 {
			t.Errorf("%d calls", s.count())
		}
	})
}

func TestHabitsAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, s := foreseeing(t, func(c *cache.AheadConfig) { c.Next = true })
		for i := range 40 { // a question that is asked in half of the cases is found among many
			next := fmt.Sprint("Which stone, of those in drawer ", i, "?")
			if i%2 == 0 {
				next = "Which stone?"
			}
			w.found(talk(chisel, "With a stone.", next))
		}
		w.learn(question("acme", chisel), "With a stone.")
		wait(time.Minute)
		w.wants(talk(chisel, "With a stone.", "Which stone?"), messages.CacheExact)
		if s.count() != 1 {
			t.Errorf("%d calls", s.count())
		}
		synctest.Wait()
	})
}
