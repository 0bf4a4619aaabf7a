package spool_test

import (
	"context"
	"sync/atomic"
	"testing"

	"example.com/parley/messages"
	"example.com/parley/persistence/spool"
)

// BenchmarkAttempt is what the ledger costs a turn that is kept nowhere: a
// reservation and a row, from 64 callers at once. docs/decisions/ledger-spool.md
// has the figures.
func BenchmarkAttempt(b *testing.B) {
	for name, always := range map[string]bool{"sync=interval": false, "sync=always": true} {
		b.Run(name, func(b *testing.B) {
			s := open(b, b.TempDir(), discard{}, func(c *spool.Config) { c.SyncAlways = always })
			defer s.Close()
			var serial atomic.Uint32
			b.ReportAllocs()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				row := usage(1)
				for pb.Next() {
					n := serial.Add(1)
					row.Request = messages.TurnID{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}
					if s.Reserve(context.Background(), messages.Reservation{Row: row}) != nil || s.Settle(context.Background(), row) != nil {
						b.Fail()
					}
				}
			})
		})
	}
}

// discard is a store that takes everything at once.
type discard struct{}

func (discard) AppendUsage(context.Context, []messages.UsageRow) error { return nil }
