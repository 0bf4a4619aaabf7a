package persistencetest

import (
	"context"
	"encoding/binary"
	"fmt"
	"syscall"
	"testing"
	"time"

	"example.com/parley/messages"
)

// usageBatch is how many rows the ledger's queue brings to a store at once.
const usageBatch = 256

// BenchmarkAppendUsage writes usage rows to an empty store as the ledger's queue
// does. An operation is a row. Commits wait for the disk, which costs no
// processor: cpu-ns/op is what a row costs a busy server.
func BenchmarkAppendUsage(b *testing.B, store Store) {
	batch := make([]messages.UsageRow, usageBatch)
	began := time.Now()
	b.ReportAllocs()
	b.ResetTimer()
	before := ProcessorTime(b)
	for n := 0; n < b.N; n += usageBatch {
		for i := range batch {
			batch[i] = BusyRow(began, n+i)
		}
		if err := store.AppendUsage(b.Context(), batch[:min(usageBatch, b.N-n)]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(ProcessorTime(b)-before)/float64(b.N), "cpu-ns/op")
}

// BenchmarkUsageReport reports an hour of the 100,000 rows of a day.
func BenchmarkUsageReport(b *testing.B, store Store) {
	const many, apart = 100_000, 86_400 * time.Second / 100_000
	began := time.Now().Truncate(time.Millisecond)
	batch := make([]messages.UsageRow, 0, usageBatch)
	for n := range many {
		batch = append(batch, BusyRow(began.Add(time.Duration(n)*apart), n))
		if len(batch) == cap(batch) || n == many-1 {
			if err := store.AppendUsage(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
			batch = batch[:0]
		}
	}
	from := began.Add(20 * time.Hour)
	for name, tenant := range map[string]messages.TenantID{"of=one": BusyRow(began, 0).Tenant, "of=all": ""} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				report, err := store.UsageReport(context.Background(), messages.UsageQuery{
					Tenant: tenant, From: from, To: from.Add(time.Hour), Limit: messages.MaxUsageLines,
					By: []messages.UsageGroup{messages.ByTenant, messages.ByProvider, messages.ByModel},
				})
				if err != nil || len(report.Lines) == 0 {
					b.Fatal(len(report.Lines), err)
				}
			}
		})
	}
}

// BusyRow is the nth row of a server that eight tenants keep busy. Its request
// came at the given time, or some nanoseconds later.
func BusyRow(at time.Time, n int) messages.UsageRow {
	const tenants, targets = 8, 4
	var request messages.TurnID
	binary.BigEndian.PutUint64(request[:], uint64(at.UnixMilli())<<16)                    // #nosec G115 -- no time before 1970
	binary.BigEndian.PutUint64(request[8:], uint64(n)<<32|uint64(n)*2654435761&(1<<32-1)) // #nosec G115 -- a count
	return messages.UsageRow{
		Tenant: messages.TenantID(names[n%tenants]), Key: messages.KeyID(names[n%tenants]), Request: request, Attempt: 1,
		Endpoint: "/v1/chat/completions", Model: "fast",
		Served: messages.Served{
			Provider: "openai", Model: models[n/3%targets], Attempts: 1,
			Fingerprint: "fp_0123456789", ServiceTier: "default",
		},
		Status: messages.AttemptSettled, Usage: messages.Usage{Input: 500 + n%1000, Output: 100 + n%500, Cached: n % 2 * 256},
		Cost: messages.NanoDollars(100_000 + 37*n), Priced: true, Created: at.Add(time.Duration(n) * time.Microsecond),
	}
}

var names, models = func() (names, models [8]string) {
	for i := range names {
		names[i] = fmt.Sprintf("tenant_%032x", i+1)
		models[i] = fmt.Sprintf("gpt-4o-mini-2024-07-1%d", i)
	}
	return names, models
}()

// ProcessorTime is what the process has used so far, in nanoseconds.
func ProcessorTime(tb testing.TB) int64 {
	tb.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		tb.Fatal(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}
