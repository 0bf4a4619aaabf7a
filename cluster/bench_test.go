package cluster_test

import (
	"testing"
	"time"

	"example.com/parley/messages"
)

// BenchmarkWay is a stored turn in one piece at the node that has its conversation, and
// by way of another: what the way adds is the difference.
func BenchmarkWay(b *testing.B) {
	at := database(b)
	nodes := []*node{join(b, at), join(b, at)}
	awaitSpread(b, nodes...)
	for name, apart := range map[string]int{"here": 0, "elsewhere": 1} {
		b.Run(name, func(b *testing.B) {
			asked, owner := nodes[0], nodes[apart]
			ref := owner.in(b)
			b.ReportAllocs()
			for b.Loop() {
				m := messages.NewStartTurn(b.Context(), messages.TurnSpec{
					ID: messages.TurnID{1}, Tenant: ref.Tenant, Conversation: ref.Conversation, Keep: true, Model: "m",
					Instructions: "Hello", Deadline: time.Now().Add(time.Minute),
				})
				asked.start(m)
				if started := <-m.Reply; started.Err != nil {
					b.Fatal(started.Err)
				}
				for range m.Chunks {
				}
			}
		})
	}
}
