package actors_test

import (
	"context"
	"encoding/binary"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors"
	"example.com/parley/actors/conversation"
	"example.com/parley/messages"
)

// keeping is a store that says yes and keeps nothing.
type keeping struct{ conversation.Journal }

func (keeping) BeginTurn(context.Context, messages.TurnBegin) error   { return nil }
func (keeping) SavePrefix(context.Context, messages.TurnPrefix) error { return nil }
func (keeping) EndTurn(context.Context, messages.TurnEnd) error       { return nil }

// startKeeping starts actors whose store takes everything at once.
func startKeeping(tb testing.TB) *actors.System {
	tb.Helper()
	s, err := actors.Start(actors.DefaultConfig(), actors.Deps{
		Journal: keeping{}, Ledger: free{}, Models: models{}, Prices: free{},
		Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// converse holds one turn in each of the conversations from one number to
// another: a question of 100 letters, answered with one word.
func converse(tb testing.TB, s *actors.System, from, to int) {
	tb.Helper()
	for i := from; i < to; i++ {
		var id messages.TurnID
		binary.BigEndian.PutUint64(id[:], uint64(i))
		m := messages.NewStartTurn(context.Background(), messages.TurnSpec{
			ID: id, Tenant: "acme", Conversation: messages.NewConversationID(id), Keep: true, Create: true, Model: "m",
			Input:    []messages.Item{messages.TextMessage(messages.RoleUser, strings.Repeat("letter ", 14))},
			Deadline: time.Now().Add(time.Minute),
		})
		if err := s.Send(m); err != nil {
			tb.Fatal(err)
		}
		for range m.Chunks {
		}
	}
}

// liveHeap is what is not garbage, in bytes.
func liveHeap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // also what pools had kept over the first
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// A hundred thousand people may leave a conversation open, and are to cost less
// than 200 MB with the garbage that comes together meanwhile.
func TestIdleConversationIsSmall(t *testing.T) {
	const first, conversations, most = 8_000, 12_000, 700 // bytes each
	s := startKeeping(t)
	defer s.Drain(t.Context())
	converse(t, s, 0, first) // fills what does not grow with them
	before := liveHeap()
	converse(t, s, first, first+conversations)
	each := (liveHeap() - before) / conversations
	if t.Logf("%d bytes each", each); each > most {
		t.Errorf("a conversation that idles takes %d bytes, and may take %d", each, most)
	}
}

// BenchmarkKeptTurn is the turn of a conversation that has just rested, without
// a store: through the gate and the shard, a new actor, its goroutine and back.
func BenchmarkKeptTurn(b *testing.B) {
	s := startKeeping(b)
	defer s.Drain(context.Background())
	const conversations = 20000
	converse(b, s, 0, conversations)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		converse(b, s, n%conversations, n%conversations+1)
	}
}
