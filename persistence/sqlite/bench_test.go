package sqlite_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"example.com/parley/messages"
	"example.com/parley/persistence/persistencetest"
	"example.com/parley/persistence/sqlite"
)

func benchConversation(b *testing.B, store *sqlite.Store, n, items int) messages.ConversationRef {
	b.Helper()
	id := messages.TurnID{0: 1}
	binary.BigEndian.PutUint32(id[8:], uint32(n)) // #nosec G115 -- small
	ref := messages.ConversationRef{Tenant: "acme", Conversation: messages.NewConversationID(id)}
	said := make([]messages.Item, items)
	for i := range said {
		said[i] = messages.TextMessage(messages.RoleUser, fmt.Sprintf("%0500d", i))
	}
	if _, err := store.CreateConversation(b.Context(), messages.Conversation{Ref: ref, Created: time.Now()}, id, said); err != nil {
		b.Fatal(err)
	}
	return ref
}

// BenchmarkTurn is a kept turn of one question and one answer, from 1 and from
// 64 conversations at once: the latter share commits.
func BenchmarkTurn(b *testing.B) {
	for _, conversations := range []int{1, 64} {
		b.Run(fmt.Sprintf("conversations=%d", conversations), func(b *testing.B) {
			store := open(b, filepath.Join(b.TempDir(), "parley.db"))
			defer store.Close()
			var serial, number atomic.Uint64
			b.SetParallelism(max(1, conversations/2))
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				ref := benchConversation(b, store, int(number.Add(1)), 0) // #nosec G115 -- small
				a, err := store.Activate(context.Background(), messages.Activate{Ref: ref, MaxItems: 10, MaxBytes: 1 << 20})
				for first := a.Next; err == nil && pb.Next(); first += 2 {
					err = benchTurn(store, ref, a.Epoch, first, serial.Add(1))
				}
				if err != nil {
					b.Error(err)
				}
			})
		})
	}
}

func benchTurn(store *sqlite.Store, ref messages.ConversationRef, epoch messages.Epoch, first messages.Seq, n uint64) error {
	id := messages.TurnID{}
	binary.BigEndian.PutUint64(id[:], n)
	question, answer := messages.TextMessage(messages.RoleUser, "question"), messages.TextMessage(messages.RoleAssistant, "answer")
	question.ID, answer.ID = messages.NewItemID(messages.ItemMessage, id, 0), messages.NewItemID(messages.ItemMessage, id, 1)
	record := messages.TurnRecord{ID: id, Ref: ref, Status: messages.TurnRunning, FirstSeq: first, Inputs: 1}
	if err := store.BeginTurn(context.Background(), messages.TurnBegin{Epoch: epoch, Record: record, Input: []messages.Item{question}}); err != nil {
		return err
	}
	record.Status, record.Outputs = messages.TurnComplete, 1
	return store.EndTurn(context.Background(), messages.TurnEnd{
		Epoch: epoch, Record: record, First: first + 1, Items: []messages.Item{answer},
		Usage: []messages.UsageRow{{Tenant: ref.Tenant, Request: id, Attempt: 1}},
	})
}

// BenchmarkActivate wakes a conversation whose window is the newest 50 of its
// items: what is older costs nothing.
func BenchmarkActivate(b *testing.B) {
	for _, items := range []int{50, 5000} {
		b.Run(fmt.Sprintf("items=%d", items), func(b *testing.B) {
			store := open(b, filepath.Join(b.TempDir(), "parley.db"))
			defer store.Close()
			ref := benchConversation(b, store, 1, items)
			for b.Loop() {
				a, err := store.Activate(b.Context(), messages.Activate{Ref: ref, MaxItems: 50, MaxBytes: 1 << 20})
				if err != nil || len(a.Items) != 50 {
					b.Fatal(len(a.Items), err)
				}
			}
		})
	}
}

// BenchmarkItems lists a page of a conversation.
func BenchmarkItems(b *testing.B) {
	for _, items := range []int{50, 5000} {
		b.Run(fmt.Sprintf("items=%d", items), func(b *testing.B) {
			store := open(b, filepath.Join(b.TempDir(), "parley.db"))
			defer store.Close()
			ref := benchConversation(b, store, 1, items)
			for b.Loop() {
				found, _, err := store.Items(b.Context(), ref, messages.Page{Limit: 20})
				if err != nil || len(found) != 20 {
					b.Fatal(len(found), err)
				}
			}
		})
	}
}

func BenchmarkAppendUsage(b *testing.B) {
	store := open(b, filepath.Join(b.TempDir(), "parley.db"))
	defer store.Close()
	persistencetest.BenchmarkAppendUsage(b, store)
}

func BenchmarkUsageReport(b *testing.B) {
	store := open(b, filepath.Join(b.TempDir(), "parley.db"))
	defer store.Close()
	persistencetest.BenchmarkUsageReport(b, store)
}
