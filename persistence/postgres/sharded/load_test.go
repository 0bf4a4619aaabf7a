package sharded_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/parley/messages"
	"example.com/parley/persistence/postgres/sharded"
)

const tenant = messages.TenantID("acme")

func newID() (id messages.TurnID) {
	id = messages.FirstTurnID(time.Now())
	_, _ = rand.Read(id[6:])
	return id
}

// conversationIn makes one that is in a shard.
func conversationIn(t testing.TB, s *sharded.Store, shard messages.Shard) messages.ConversationRef {
	t.Helper()
	for {
		id := newID()
		ref := messages.ConversationRef{Tenant: tenant, Conversation: messages.NewConversationID(id)}
		if messages.ShardOf(ref) != shard {
			continue
		}
		if _, err := s.CreateConversation(t.Context(), messages.Conversation{Ref: ref, Created: time.Now()}, id, nil); err != nil {
			t.Fatal(err)
		}
		return ref
	}
}

// writer writes to one conversation, one thing after the other, and remembers what it
// was told. Every second thing is a turn, with a row of usage.
type writer struct {
	store *sharded.Store
	ref   messages.ConversationRef
	acked []string
	turns int
}

// load is writers that go on until they are stopped.
type load struct {
	writers []*writer
	slowest atomic.Int64 // of the writes, in nanoseconds
	writes  atomic.Int64
	halt    chan struct{}
	done    sync.WaitGroup
}

// writeTo starts writers to several conversations of some shards, through each store.
func writeTo(t *testing.T, stores []*sharded.Store, each int, shards ...messages.Shard) *load {
	t.Helper()
	l := &load{halt: make(chan struct{})}
	for _, shard := range shards {
		for i := range each {
			w := &writer{store: stores[i%len(stores)]}
			w.ref = conversationIn(t, w.store, shard)
			l.writers = append(l.writers, w)
		}
	}
	for _, w := range l.writers {
		l.done.Go(func() { w.run(t, l) })
	}
	return l
}

func (w *writer) run(t *testing.T, l *load) {
	ctx := context.WithoutCancel(t.Context())
	a, err := w.store.Activate(ctx, messages.Activate{Ref: w.ref, MaxItems: 1, MaxBytes: 1})
	if err != nil {
		t.Errorf("wake %s: %v", w.ref.Conversation, err)
		return
	}
	next := a.Next
	for n := 0; ; n++ {
		select {
		case <-l.halt:
			return
		default:
		}
		time.Sleep(20 * time.Millisecond) // a conversation of thousands is nobody's
		began := time.Now()
		text := fmt.Sprintf("%s %d", w.ref.Conversation, n)
		if n%2 == 0 {
			err = w.append(ctx, a.Epoch, text)
		} else {
			err = w.turn(ctx, a.Epoch, next, text)
		}
		if err != nil {
			t.Errorf("write %d to %s: %v", n, w.ref.Conversation, err)
			return
		}
		w.acked = append(w.acked, text)
		next++
		l.writes.Add(1)
		for took := int64(time.Since(began)); ; {
			slowest := l.slowest.Load()
			if took <= slowest || l.slowest.CompareAndSwap(slowest, took) {
				break
			}
		}
	}
}

func (w *writer) append(ctx context.Context, epoch messages.Epoch, text string) error {
	_, err := w.store.AppendItems(ctx, messages.ItemsAppend{Ref: w.ref, Epoch: epoch, Request: newID(), Items: []messages.Item{messages.TextMessage(messages.RoleUser, text)}})
	return err
}

func (w *writer) turn(ctx context.Context, epoch messages.Epoch, first messages.Seq, text string) error {
	record := messages.TurnRecord{ID: newID(), Ref: w.ref, Key: "k", Status: messages.TurnRunning, Model: "m", FirstSeq: first, Inputs: 1, Created: time.Now()}
	item := messages.TextMessage(messages.RoleUser, text)
	item.ID = messages.NewItemID(item.Kind, record.ID, 0)
	if err := w.store.BeginTurn(ctx, messages.TurnBegin{Epoch: epoch, Record: record, Input: []messages.Item{item}}); err != nil {
		return err
	}
	record.Status, record.Ended = messages.TurnComplete, time.Now()
	w.turns++
	return w.store.EndTurn(ctx, messages.TurnEnd{Epoch: epoch, Record: record, First: first + 1, Usage: []messages.UsageRow{{
		Tenant: tenant, Request: record.ID, Attempt: 1, Key: "k", Model: "m", Status: messages.AttemptSettled, Cost: 1, Priced: true, Created: time.Now(),
	}}})
}

// stop ends the writers, and returns how many writes were acknowledged.
func (l *load) stop() int64 {
	close(l.halt)
	l.done.Wait()
	return l.writes.Load()
}

// check reads everything again: each write that was acknowledged is there once, in
// order, and each turn has its row.
func (l *load) check(t *testing.T, s *sharded.Store) {
	t.Helper()
	turns := 0
	for _, w := range l.writers {
		turns += w.turns
		var found []string
		for page := (messages.Page{Limit: 1000, Asc: true}); ; {
			items, more, err := s.Items(t.Context(), w.ref, page)
			if err != nil {
				t.Fatal(err)
			}
			for i := range items {
				found = append(found, items[i].Text())
				if want := messages.Seq(len(found)); items[i].Seq != want {
					t.Fatalf("%s has place %d behind %d", w.ref.Conversation, items[i].Seq, want-1)
				}
				page.After = string(items[i].ID)
			}
			if !more {
				break
			}
		}
		for i, text := range w.acked {
			if i >= len(found) || found[i] != text {
				t.Fatalf("%s: write %d of %d that were acknowledged is not in its place among %d", w.ref.Conversation, i, len(w.acked), len(found))
			}
		}
		if len(found) != len(w.acked) {
			t.Errorf("%s: %d writes were acknowledged and %d are there", w.ref.Conversation, len(w.acked), len(found))
		}
	}
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) { // another process's rows come behind
		report, err := s.UsageReport(t.Context(), messages.UsageQuery{Tenant: tenant, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour), Limit: 10})
		if err == nil && report.Sum.Attempts == int64(turns) {
			return
		}
		if err != nil || time.Since(began) > 3*time.Second {
			t.Fatalf("%d turns ended and the ledger has %d: %v", turns, report.Sum.Attempts, err)
		}
	}
}
