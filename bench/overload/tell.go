package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"example.com/parley/bench/report"
)

// mostToQuiet is by how much the polite tenant may notice the other.
const mostToQuiet = 1.5

// tell writes down what the rounds came to, each figure by its median.
func (b *bench) tell(s scenario, rounds map[string][]seen) {
	b.line.Figure(named(s.name, "quiet"), middle(rounds["quiet"]))
	for _, f := range s.factors {
		one := middle(rounds[f.name])
		b.line.Figure(named(s.name, f.name), one)
		if f.least > 0 {
			b.line.Target(report.AtLeast(named(s.name, f.name, "goodput_to_peak"), f.least, one.OfPeak))
		}
		if s.polite {
			b.line.Target(report.AtMost(named(s.name, f.name, "polite_p99_to_quiet"), mostToQuiet, one.ToQuiet))
		}
	}
}

// middle is the median of each figure.
func middle(rounds []seen) (one seen) {
	of := func(figure func(*seen) *float64) {
		all := make([]float64, 0, len(rounds))
		for i := range rounds {
			all = append(all, *figure(&rounds[i]))
		}
		*figure(&one) = median(all)
	}
	for _, figure := range []func(*seen) *float64{
		func(s *seen) *float64 { return &s.Offered }, func(s *seen) *float64 { return &s.Goodput },
		func(s *seen) *float64 { return &s.Limited }, func(s *seen) *float64 { return &s.Refused },
		func(s *seen) *float64 { return &s.Other }, func(s *seen) *float64 { return &s.Polite },
		func(s *seen) *float64 { return &s.Denied }, func(s *seen) *float64 { return &s.Busy },
		func(s *seen) *float64 { return &s.OfPeak }, func(s *seen) *float64 { return &s.ToQuiet },
		func(s *seen) *float64 { return &s.Direct }, func(s *seen) *float64 { return &s.Capacity },
	} {
		of(figure)
	}
	return one
}

// median is the middle one; the lower of two.
func median(of []float64) float64 {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	return sorted[(len(sorted)-1)/2]
}

// account compares the ledger with what was answered, and tells what the server
// took in memory.
func (b *bench) account(ctx context.Context, s scenario, answered int) error {
	rows, err := b.rows(ctx)
	if err != nil {
		return err
	}
	used, err := b.server.Usage()
	if err != nil {
		return err
	}
	b.line.Figure(named(s.name, "answered"), answered)
	b.line.Figure(named(s.name, "peak_rss_mb"), round3(float64(used.Peak)/1e6))
	b.line.Target(report.Exactly(named(s.name, "ledger_rows_less_answered"), 0, float64(rows-answered)))
	return nil
}

// What a batch is to take: a thousand requests of 100 ms, a hundred at a time.
const (
	batched     = 1000
	batchWithin = 1.2 // seconds
)

// batch sends one.
func (b *bench) batch(ctx context.Context) error {
	if err := b.startServer(ctx, ""); err != nil {
		return err
	}
	request := map[string]any{"model": "gpt-fake-delay-100ms", "messages": []map[string]string{{"role": "user", "content": "Why does it do that?"}}}
	body := map[string]any{"requests": slices.Repeat([]any{request}, batched)}
	var took []float64
	for range b.rounds {
		var done struct {
			Counts struct{ Completed int } `json:"request_counts"`
		}
		began := time.Now()
		if err := ask(ctx, http.MethodPost, "http://"+b.settings.Address+"/v1/chat/completions/batch", b.settings.Key, body, &done); err != nil {
			return err
		}
		took = append(took, time.Since(began).Seconds())
		if done.Counts.Completed != batched {
			return fmt.Errorf("%d of %d were answered", done.Counts.Completed, batched)
		}
	}
	b.line.Target(report.AtMost("batch_of_1000_s", batchWithin, round3(median(took))))
	rows, err := b.rows(ctx)
	if err != nil {
		return err
	}
	b.line.Target(report.Exactly("batch_ledger_rows_less_answered", 0, float64(rows-batched*b.rounds)))
	return nil
}

// named joins words to a figure's name.
func named(words ...string) string { return strings.Join(words, "_") }
