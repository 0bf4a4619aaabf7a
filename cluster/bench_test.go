package cluster_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/cluster"
	"example.com/parley/messages"
	"example.com/parley/persistence/postgres"
)

// BenchmarkWay is a stored turn in one piece at the node that has its conversation, and
// by way of another, over a wire of their own: what the way adds is the difference.
func BenchmarkWay(b *testing.B) {
	at := database(b)
	nodes := []*node{joinAt(b, at), joinAt(b, at)}
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

// joinAt is join over a wire of the node's own.
func joinAt(b *testing.B, at string) *node {
	b.Helper()
	n := &node{id: cluster.NewMemberID(), stand: newStand(), ended: make(chan outcome, 1)}
	store := postgres.DefaultConfig()
	store.URL, store.Connections, store.MaxConns = at, 1, 6
	var err error
	if n.store, err = postgres.OpenMember(b.Context(), store, n.id, prometheus.NewRegistry()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(n.store.Close)
	cfg := cluster.DefaultConfig()
	cfg.Enabled, cfg.Listen = true, "127.0.0.1:0"
	if n.Cluster, err = cluster.Open(cfg, cluster.Deps{
		Self: n.id, Version: "v1", Registry: n.store, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	}); err != nil {
		b.Fatal(err)
	}
	n.elsewhere = n.Cluster
	ctx, stop := context.WithCancel(context.WithoutCancel(b.Context()))
	n.stop = stop
	go func() { n.ended <- outcome{n.Run(ctx, n.stand)} }() // ends with stop
	b.Cleanup(func() {
		stop()
		<-n.ended
		n.Close()
		n.wait()
	})
	return n
}
