package cache_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/actors/cache"
	"example.com/parley/messages"
)

// oracle is a judge who says what a function says.
type oracle struct {
	says func(pair string) string
	cost messages.NanoDollars

	mu    sync.Mutex
	pairs []messages.TurnSpec
}

func (o *oracle) Send(turn *messages.StartTurn) error {
	o.mu.Lock()
	o.pairs = append(o.pairs, *turn.Spec)
	o.mu.Unlock()
	turn.Answer(messages.TurnStarted{})
	turn.Chunks <- messages.Chunk{Kind: messages.ChunkOpened, Served: &messages.Served{}}
	turn.Chunks <- messages.Chunk{Kind: messages.ChunkText, Text: o.says(turn.Spec.Input[1].Text())}
	turn.Chunks <- messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnComplete, Cost: o.cost}}
	close(turn.Chunks)
	return nil
}

func (o *oracle) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.pairs)
}

// judging is a world with a judge.
func judging(t *testing.T, o *oracle, change ...func(*cache.JudgeConfig)) *world {
	t.Helper()
	w := newWorld(t, func(c *cache.Config) {
		c.Judge.Model, c.Judge.Bound, c.Judge.FalseYes = "judge", 0.05, 0
		for _, ch := range change {
			ch(&c.Judge)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = cache.NewJudge(w.cache, o).Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

// rephrase is a question that asks the same as chisel in words which the guards do
// not take for the same; the number keeps it from being found as it is.
func rephrase(i int) *messages.TurnSpec {
	return question("acme", fmt.Sprintf("What is the recommended best way to sharpen a chisel at bench %d?", i))
}

func TestVerdictsLetRepliesServe(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := &oracle{says: func(string) string { return "Yes." }, cost: 10}
		w := judging(t, o)
		w.learn(question("acme", chisel), "With a stone.")
		served, asked := 0, 0
		for i := range 400 {
			tier, text := w.found(rephrase(i))
			if tier == messages.CacheSemantic {
				if served++; text != "With a stone." {
					t.Fatalf("it says %q", text)
				}
			}
			synctest.Wait()
			if served == 0 {
				asked = o.count()
			}
		}
		if served == 0 || asked < 100 {
			t.Errorf("%d were served, the first after %d verdicts", served, asked)
		}
		if later := o.count() - asked; later > served/2 {
			t.Errorf("%d of %d that were served were judged as well", later, served)
		}
		spec := o.pairs[0]
		if spec.Model != "judge" || !spec.Cache.NoStore || spec.Tenant != "acme" || spec.Priority != messages.PriorityBatch ||
			!strings.Contains(spec.Input[1].Text(), chisel) || !strings.Contains(spec.Input[1].Text(), "bench 0") {
			t.Errorf("%+v", spec)
		}
		w.wants(question("rival", "What is the recommended best way to sharpen a chisel at bench 1000?"), messages.CacheMiss)
		strict := rephrase(1001)
		strict.Cache.Threshold = 1
		w.wants(strict, messages.CacheMiss)
		wait(time.Hour)
		w.wants(rephrase(1002), messages.CacheMiss) // it is gone
	})
}

func TestNothingIsServedThatNobodyVouchesFor(t *testing.T) {
	for name, tt := range map[string]struct {
		says   func(string) string
		change func(*cache.JudgeConfig)
		count  func(int) bool
	}{
		"no":                 {says: func(string) string { return "no" }, count: func(n int) bool { return n == 300 }},
		"neither yes nor no": {says: func(string) string { return "It depends." }, count: func(n int) bool { return n == 300 }},
		"a small budget": {
			says: func(string) string { return "yes" }, change: func(c *cache.JudgeConfig) { c.HourlyBudget = 95 }, count: func(n int) bool { return n == 10 },
		},
		"no judge": {says: func(string) string { return "yes" }, change: func(c *cache.JudgeConfig) { c.Model = "" }, count: func(n int) bool { return n == 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				o := &oracle{says: tt.says, cost: 10}
				w := judging(t, o, func(c *cache.JudgeConfig) {
					if tt.change != nil {
						tt.change(c)
					}
				})
				w.learn(question("acme", chisel), "With a stone.")
				for i := range 300 {
					w.wants(rephrase(i), messages.CacheMiss)
					synctest.Wait()
				}
				if !tt.count(o.count()) {
					t.Errorf("%d were judged", o.count())
				}
			})
		})
	}
}

func TestJudgeSettingsNameTheirFaults(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*cache.JudgeConfig){
		"cache.judge.bound is 0":          func(c *cache.JudgeConfig) { c.Bound = 0 },
		"cache.judge.false_yes is 0.5":    func(c *cache.JudgeConfig) { c.FalseYes = 0.5 },
		"cache.judge.false_no is -1":      func(c *cache.JudgeConfig) { c.FalseNo = -1 },
		"cache.judge.hourly_budget is -1": func(c *cache.JudgeConfig) { c.HourlyBudget = -1 },
	} {
		cfg := cache.DefaultConfig()
		change(&cfg.Judge)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
