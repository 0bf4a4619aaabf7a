package conversation_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"

	"example.com/parley/actors/conversation"
	"example.com/parley/messages"
)

// answers is a cache that the test plays.
type answers struct {
	tier   messages.CacheTier
	chunks []messages.Chunk // of a hit; nil for none
	err    error            // behind them, instead of an end
	flight *flight          // of a miss
	asked  int
}

func (a *answers) Ask(_ context.Context, _ *messages.TurnSpec, items []messages.Item) conversation.Asked {
	a.asked++
	asked := conversation.Asked{Outcome: messages.CacheOutcome{Tier: a.tier, Similarity: 1, Entry: "ce_1"}}
	if len(items) == 0 {
		panic("the cache was asked about nothing")
	}
	if a.chunks != nil || a.err != nil {
		asked.Answer = &kept{left: a.chunks, err: a.err}
	} else if a.flight != nil {
		asked.Flight = a.flight
	}
	return asked
}

// kept is a reply of the cache.
type kept struct {
	left []messages.Chunk
	err  error
}

func (k *kept) Next() (c messages.Chunk, err error) {
	if len(k.left) == 0 {
		if k.err != nil {
			return c, k.err
		}
		return c, io.EOF
	}
	c, k.left = k.left[0], k.left[1:]
	return c, nil
}

func (k *kept) Close() error                { return nil }
func (k *kept) Saved() messages.NanoDollars { return 70 }

// flight remembers what a turn told those who wait for its call.
type flight struct {
	mu       sync.Mutex
	text     string
	ends     int
	err      error
	finish   messages.FinishReason
	cost     messages.NanoDollars
	abandon  func()
	listened bool // somebody else waits
}

func (f *flight) Add(c messages.Chunk) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text += c.Text
}

func (f *flight) Ended(err error, finish messages.FinishReason, _ messages.Usage, cost messages.NanoDollars) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ends++
	f.err, f.finish, f.cost = err, finish, cost
}

func (f *flight) Leave(abandon func()) {
	f.mu.Lock()
	f.abandon = abandon
	listened := f.listened
	f.mu.Unlock()
	if !listened {
		abandon()
	}
}

func cachedHello() []messages.Chunk {
	return []messages.Chunk{
		{Kind: messages.ChunkOpened, Served: &messages.Served{Provider: "openai", Model: "gpt-5"}},
		{Kind: messages.ChunkText, Text: "Hello"},
		{Kind: messages.ChunkFinish, Finish: messages.FinishStop},
		{Kind: messages.ChunkUsage, Usage: &messages.Usage{Input: 3, Output: 2}},
	}
}

func TestHitIsAnsweredWithoutAModel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hello()...)
		w.deps.Cache = &answers{tier: messages.CacheLexical, chunks: cachedHello()}
		m := w.stateless("hi")
		w.pool().Send(m)
		<-m.Reply
		got := read(m)
		w.deps.Workers.Wait()
		if got.text != "Hello" || got.end.Status != messages.TurnComplete || got.served.Provider != "openai" {
			t.Errorf("%+v", got)
		}
		if got.served.Cache == nil || got.served.Cache.Tier != messages.CacheLexical || got.served.Cache.Entry != "ce_1" {
			t.Errorf("the client was told %+v", got.served.Cache)
		}
		if len(w.models.calls) != 0 || len(w.ledger.reserved) != 0 {
			t.Errorf("%d calls, %d reservations", len(w.models.calls), len(w.ledger.reserved))
		}
		w.wantsHitRow(t, w.ledger.rows)
	})
}

// What is kept of a model that a key may not ask is not for it, either.
func TestCacheIsNotAskedForWhatAKeyMayNotHave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hello()...)
		kept := &answers{tier: messages.CacheExact, chunks: cachedHello()}
		w.deps.Cache = kept
		m := w.stateless("hi")
		m.Spec.Allowed = messages.Narrow(messages.Allowance{}, messages.Allowance{Models: []string{"others-*"}})
		w.pool().Send(m)
		<-m.Reply
		got := read(m)
		w.deps.Workers.Wait()
		if messages.CodeOf(got.end.Err) != messages.CodePermission || got.text != "" {
			t.Errorf("got %+v", got)
		}
		if kept.asked != 0 || len(w.models.calls) != 0 || len(w.ledger.rows) != 0 {
			t.Errorf("the cache was asked %d times; %d calls, %d rows", kept.asked, len(w.models.calls), len(w.ledger.rows))
		}
	})
}

// wantsHitRow wants one row of a reply that cost nothing.
func (w *world) wantsHitRow(t *testing.T, rows []messages.UsageRow) {
	t.Helper()
	if len(rows) != 1 {
		t.Fatalf("%d rows", len(rows))
	}
	row := rows[0]
	if !(&messages.CacheOutcome{Tier: row.CacheTier}).Hit() || row.Cost != 0 || row.Saved != 70 || !row.Priced || row.Status != messages.AttemptSettled || row.Usage.Output != 2 ||
		row.Served.Provider != "cache" || row.Served.Model != "gpt-5" || row.Attempt != 1 {
		t.Errorf("%+v", row)
	}
}

func TestHitIsKeptInItsConversation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hello()...)
		w.journal.exists = true
		w.deps.Cache = &answers{tier: messages.CacheExact, chunks: cachedHello()}
		m := w.turn("hi")
		w.system.Root.Send(w.conversation(), m)
		<-m.Reply
		read(m)
		w.deps.Workers.Wait()
		if record := w.journal.records[m.Spec.ID]; record.Status != messages.TurnComplete || record.Outputs != 1 || record.Usage.Output != 2 {
			t.Errorf("%+v", record)
		}
		item := w.journal.items[2]
		if item.Text() != "Hello" {
			t.Errorf("%+v", item)
		}
		w.wantsHitRow(t, w.journal.rows)
	})
}

func TestOthersHearTheReplyOfAMiss(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		script []step
		text   string
		cost   messages.NanoDollars
		failed bool
	}{
		"a whole one":      {script: hello(), text: "Hello", cost: 5e7},
		"one that is cut":  {script: []step{say("Hel"), {err: errReset}}, text: "Hel", failed: true, cost: 1e7},
		"one that panics":  {script: []step{say("Hel"), {panic: true}}, text: "Hel", failed: true},
		"one that is none": {script: []step{{err: errReset}}, failed: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tt.script...)
				f := &flight{}
				w.deps.Cache = &answers{tier: messages.CacheMiss, flight: f}
				m := w.stateless("hi")
				w.pool().Send(m)
				<-m.Reply
				got := read(m)
				w.deps.Workers.Wait()
				if f.text != tt.text || f.ends != 1 || (f.err != nil) != tt.failed || (got.end.Err != nil) != tt.failed {
					t.Errorf("others heard %q, %v, %d ends; the client %+v", f.text, f.err, f.ends, got)
				}
				if !tt.failed && (f.cost != tt.cost || f.finish != messages.FinishStop || got.served.Cache.Tier != messages.CacheMiss) {
					t.Errorf("it came to %d, %s", f.cost, f.finish)
				}
			})
		})
	}
}

func TestCallOutlivesItsClientWhileOthersWait(t *testing.T) {
	t.Parallel()
	for name, listened := range map[string]bool{"while others wait": true, "and ends where nobody does": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, say("Hel"), step{hang: true})
				f := &flight{listened: listened}
				w.deps.Cache = &answers{tier: messages.CacheMiss, flight: f}
				client, leave := context.WithCancel(t.Context())
				m := w.stateless("hi")
				m.Client = client
				w.pool().Send(m)
				<-m.Reply
				synctest.Wait()
				leave()
				synctest.Wait()
				if f.mu.Lock(); (f.ends == 0) != listened {
					t.Errorf("it ended %d times", f.ends)
				}
				abandon := f.abandon
				f.mu.Unlock()
				abandon()
				w.deps.Workers.Wait()
				if got := read(m); f.ends != 1 || got.end.Status != messages.TurnCancelled {
					t.Errorf("%d ends, %+v", f.ends, got)
				}
			})
		})
	}
}

func TestTurnThatWaitedForACallInVain(t *testing.T) {
	t.Parallel()
	opened := cachedHello()[:1]
	for name, tt := range map[string]struct {
		chunks []messages.Chunk
		err    error
		calls  int
		text   string
		code   messages.Code
	}{
		"which was given up, makes one of its own":      {err: errors.New("its client left"), calls: 1, text: "Hello"},
		"which had begun and was given up, likewise":    {chunks: opened, err: errors.New("its client left"), calls: 1, text: "Hello"},
		"which all providers failed at, fails likewise": {err: errReset, code: messages.CodeProviderFailed},
		"which broke in the middle, breaks":             {chunks: cachedHello()[:2], err: errReset, text: "Hello", code: messages.CodeProviderFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, hello()...)
				w.deps.Cache = &answers{tier: messages.CacheExact, chunks: tt.chunks, err: tt.err}
				m := w.stateless("hi")
				w.pool().Send(m)
				<-m.Reply
				got := read(m)
				w.deps.Workers.Wait()
				if got.text != tt.text || messages.CodeOf(got.end.Err) != tt.code || len(w.models.calls) != tt.calls {
					t.Errorf("%q, %v, %d calls", got.text, got.end.Err, len(w.models.calls))
				}
				if billed := w.ledger.billed(); billed != tt.calls {
					t.Errorf("%d rows have a cost", billed)
				}
			})
		})
	}
}
