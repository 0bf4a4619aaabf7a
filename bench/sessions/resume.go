package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"example.com/parley/bench/load"
	"example.com/parley/bench/report"
	"example.com/parley/bench/socket"
)

const (
	resumeWithinMS = 100
	resumers       = 32   // at a time
	resumes        = 2000 // of each kind
)

// resume finds out how long a client that was cut off waits for the next event: it
// connects, resumes, and reads one.
func (b *bench) resume(ctx context.Context) error {
	if err := b.startServer(ctx, roomy, "PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=20ms"); err != nil {
		return err
	}
	total := min(resumes, b.disconnects)
	for _, kind := range []struct {
		name  string
		words int
	}{{"store", 20}, {"live", 3000}} {
		late, err := b.resumesOf(ctx, kind.words, total, kind.name == "live")
		if err != nil {
			return fmt.Errorf("%s: %w", kind.name, err)
		}
		ms := func(q float64) float64 { return round(late.Quantile(q).Seconds() * 1000) }
		b.line.Figure("resume_"+kind.name, map[string]float64{"resumes": float64(len(late)), "p50_ms": ms(0.5), "p99_ms": ms(0.99), "max_ms": ms(1)})
		b.line.Target(report.AtMost("resume_"+kind.name+"_p99_ms", resumeWithinMS, ms(0.99)))
	}
	return nil
}

// resumesOf resumes one response for each of the resumers again and again.
func (b *bench) resumesOf(ctx context.Context, words, total int, live bool) (load.Latencies, error) {
	parts, errs := make([][]time.Duration, resumers), make([]error, resumers)
	var group sync.WaitGroup
	for n := range resumers {
		group.Go(func() {
			parts[n], errs[n] = b.resumer(ctx, n, words, total/resumers, live)
		})
	}
	group.Wait()
	return load.Sorted(parts...), errors.Join(errs...)
}

func (b *bench) resumer(ctx context.Context, n, words, times int, live bool) (late []time.Duration, err error) {
	r, o := socket.NewReader(), b.caller(n*perAddress/resumers)
	most := 12
	if !live {
		most = 1 << 30
	}
	c, ended, err := r.Hear(ctx, o, socket.Create("simulated/echo", socket.Prose(words), ""), most)
	if c != nil {
		c.Close()
	}
	if err != nil || ended == live {
		return nil, fmt.Errorf("begin a response: ended %t: %w", ended, err)
	}
	for range times {
		again := socket.NewReader()
		again.ID = r.ID
		if live {
			again.Cursor = r.Cursor
		}
		before, began := again.Cursor, time.Now()
		c, _, err := again.Hear(ctx, o, "", 1)
		if c != nil {
			c.Reset()
		}
		if err != nil || again.Cursor == before {
			return nil, fmt.Errorf("resume behind %d: nothing came: %w", r.Cursor, err)
		}
		late = append(late, time.Since(began))
	}
	return late, nil
}
