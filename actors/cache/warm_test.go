package cache_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/actors/cache"
	"example.com/parley/messages"
)

// turns answers turns through a cache, as conversations would.
type turns struct {
	cache   *cache.Cache
	cost    messages.NanoDollars
	refuses atomic.Int64 // turns that it has no room for
	fails   bool
	took    time.Duration
	running sync.WaitGroup

	mu      sync.Mutex
	asked   []messages.TurnSpec
	now, at int // that run, and that ran at most
}

func (s *turns) Send(turn *messages.StartTurn) error {
	if s.refuses.Add(-1) >= 0 {
		return &messages.Failure{Code: messages.CodeOverloaded, What: "full", RetryAfter: time.Second}
	}
	s.mu.Lock()
	s.asked = append(s.asked, *turn.Spec)
	s.now++
	s.at = max(s.at, s.now)
	s.mu.Unlock()
	turn.Answer(messages.TurnStarted{})
	s.running.Go(func() { s.answer(turn) })
	return nil
}

func (s *turns) answer(turn *messages.StartTurn) {
	defer close(turn.Chunks)
	asked := s.cache.Ask(context.Background(), turn.Spec, turn.Spec.Input)
	end := &messages.TurnOutcome{Status: messages.TurnComplete}
	turn.Chunks <- messages.Chunk{Kind: messages.ChunkOpened, Served: &messages.Served{Cache: &asked.Outcome}}
	select {
	case <-time.After(s.took):
		if s.fails {
			end.Err = &messages.Failure{Code: messages.CodeProviderFailed, What: "broken"}
		}
	case <-turn.Client.Done():
		end.Err = context.Cause(turn.Client)
	}
	if asked.Flight != nil {
		if end.Err == nil {
			end.Cost = s.cost
			say(asked.Flight, "A reply.")
		} else {
			asked.Flight.Ended(end.Err, "", messages.Usage{}, 0)
		}
	}
	s.mu.Lock()
	s.now--
	s.mu.Unlock()
	turn.Chunks <- messages.Chunk{Kind: messages.ChunkEnd, End: end}
}

func (s *turns) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// warming is a world with a warmer at work.
func warming(t *testing.T) (w *world, s *turns, warmer *cache.Warmer) {
	t.Helper()
	w = newWorld(t)
	s = &turns{cache: w.cache, took: time.Second, cost: 1000}
	warmer = cache.NewWarmer(w.cache, s)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = warmer.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; s.running.Wait() })
	return w, s, warmer
}

func warm(n int) messages.WarmingSpec {
	spec := messages.WarmingSpec{ID: "warm_1", Tenant: "acme", PerMinute: 600, Budget: 1_000_000, Patience: time.Minute}
	for i := range n {
		spec.Turns = append(spec.Turns, *question("acme", fmt.Sprintf("What is the best way to sharpen chisel number %d?", i)))
	}
	return spec
}

func (w *world) warms(warmer *cache.Warmer, spec messages.WarmingSpec, lasts time.Duration) messages.Warming {
	w.t.Helper()
	if _, err := warmer.Warm(spec); err != nil {
		w.t.Fatal(err)
	}
	wait(lasts)
	got, err := warmer.Warming(spec.Tenant, spec.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func TestWarmingAsksAheadAtItsPace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, s, warmer := warming(t)
		w.learn(question("acme", "What is the best way to sharpen chisel number 3?"), "Known.")
		spec := warm(20)
		tools := *question("acme", "What time is it?")
		tools.Options.Tools = []messages.Tool{{Name: "clock"}}
		spec.Turns = append(spec.Turns, tools)
		s.refuses.Store(1)
		began := time.Now()
		got := w.warms(warmer, spec, time.Minute)
		if got.Status != messages.WarmingComplete || got.Kept != 19 || got.Known != 1 || got.Unfit != 1 || got.Failed != 0 || got.Spent != 19_000 || got.Total != 21 {
			t.Errorf("%+v", got)
		}
		if took := got.Ended.Sub(began); took < 20*100*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		if s.at > 4 {
			t.Errorf("%d ran at the same time", s.at)
		}
		for i := range s.asked {
			if spec := &s.asked[i]; spec.Priority != messages.PriorityBatch || spec.ID.IsZero() || spec.Deadline.IsZero() {
				t.Errorf("%+v", spec)
			}
		}
		w.wants(question("acme", "what is the best way to sharpen chisel number 7"), messages.CacheLexical)
		if _, err := warmer.Warming("rival", got.ID); messages.CodeOf(err) != messages.CodeWarmingAbsent {
			t.Errorf("another tenant: %v", err)
		}
	})
}

func TestWarmingStaysWithinItsBudget(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, s, warmer := warming(t)
		spec := warm(50)
		spec.Budget = 10_500
		got := w.warms(warmer, spec, time.Minute)
		if got.Status != messages.WarmingSpent || got.Spent != 10_000 || got.Kept != 10 || s.count() != 10 {
			t.Errorf("%+v after %d", got, s.count())
		}
	})
}

func TestWarmingSaysWhatFailed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, s, warmer := warming(t)
		s.fails = true
		if got := w.warms(warmer, warm(3), time.Minute); got.Failed != 3 || got.Failure != messages.CodeProviderFailed || got.Status != messages.WarmingComplete {
			t.Errorf("%+v", got)
		}
	})
}

func TestWarmingIsCancelled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, s, warmer := warming(t)
		s.took = time.Hour
		if got := w.warms(warmer, warm(10), time.Second); got.Status != messages.WarmingRunning {
			t.Fatalf("%+v", got)
		}
		got, err := warmer.Cancel("acme", "warm_1")
		if err != nil || got.Status != messages.WarmingCancelled {
			t.Fatalf("%+v %v", got, err)
		}
		synctest.Wait()
		if _, err = warmer.Cancel("acme", "warm_1"); err != nil || s.now != 0 {
			t.Errorf("%v, and %d still run", err, s.now)
		}
	})
}

func TestWarmingsOfATenantAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, s, warmer := warming(t)
		s.took = time.Minute
		var err error
		for i := range 3 {
			spec := warm(1)
			spec.ID = messages.WarmingID(fmt.Sprint("warm_", i))
			_, err = warmer.Warm(spec)
		}
		if messages.CodeOf(err) != messages.CodeTooManyTurns {
			t.Errorf("a third: %v", err)
		}
		wait(2 * time.Minute)
		spec := warm(1)
		spec.ID = "warm_later"
		if _, err = warmer.Warm(spec); err != nil {
			t.Errorf("after they ended: %v", err)
		}
		wait(2 * time.Minute)
	})
}
