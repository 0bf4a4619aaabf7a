package spool_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/parley/messages"
	"example.com/parley/persistence/persistencetest"
	"example.com/parley/persistence/spool"
)

// BenchmarkAttempt is what the ledger costs a turn that is kept nowhere: a
// reservation and a row. docs/decisions/ledger-spool.md has the figures.
//
// 64 callers make bursts of attempts as a server does that carries some 20,000
// a second. The time of an operation is only that of the bursts: what counts is
// the processor's time, and how long a caller waits.
func BenchmarkAttempt(b *testing.B) {
	for name, always := range map[string]bool{"sync=interval": false, "sync=always": true} {
		b.Run(name, func(b *testing.B) {
			s := open(b, b.TempDir(), discard{}, func(c *spool.Config) { c.SyncAlways = always })
			defer s.Close()
			b.ReportAllocs()
			before := persistencetest.ProcessorTime(b)
			waited := attempts(b, s)
			b.ReportMetric(float64(persistencetest.ProcessorTime(b)-before)/float64(b.N), "cpu-ns/op")
			slices.Sort(waited)
			b.ReportMetric(float64(waited[len(waited)/2]), "p50-ns")
			b.ReportMetric(float64(waited[len(waited)*99/100]), "p99-ns")
		})
	}
}

// attempts makes b.N of them, and returns how long each took.
func attempts(b *testing.B, s *spool.Spool) []time.Duration {
	const callers, burst, pause = 64, 16, 50 * time.Millisecond
	waited := make([]time.Duration, b.N)
	var serial atomic.Int64
	var wait sync.WaitGroup
	for range callers {
		wait.Go(func() {
			row := usage(1)
			for i := 1; ; i++ {
				n := serial.Add(1) - 1
				if n >= int64(b.N) {
					return
				}
				row.Request = messages.TurnID{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}
				began := time.Now()
				if s.Reserve(context.Background(), messages.Reservation{Row: row}) != nil || s.Settle(context.Background(), row) != nil {
					b.Fail()
				}
				waited[n] = time.Since(began)
				if i%burst == 0 {
					time.Sleep(pause)
				}
			}
		})
	}
	wait.Wait()
	return waited
}

// discard is a store that takes everything at once.
type discard struct{}

func (discard) AppendUsage(context.Context, []messages.UsageRow) error { return nil }
