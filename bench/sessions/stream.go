package main

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"example.com/parley/bench/load"
	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
	"example.com/parley/bench/socket"
)

// What a session may take while it streams, and how much later a chunk may be than
// without a server.
const (
	streamingKB   = 22
	chunkWithinMS = 5
	chunkTarget   = 1000 // sessions that it is for
	rampSeconds   = 8    // over which sessions begin to stream
)

// stream has more and more sessions stream, a message a second each.
func (b *bench) stream(ctx context.Context) error {
	for _, size := range []int{100, 1000, b.streaming} {
		if size > b.streaming {
			continue
		}
		if err := b.streamOf(ctx, size); err != nil {
			return fmt.Errorf("%d sessions: %w", size, err)
		}
	}
	return nil
}

// heard is what one session was sent. Its connection's goroutine writes it.
type heard struct {
	late   []time.Duration // chunks, from the upstream's write to here
	chunks atomic.Int64
	ends   atomic.Int64
	failed atomic.Pointer[string]
	_      [64]byte // from the next one's
}

// streamOf measures so many sessions.
func (b *bench) streamOf(ctx context.Context, size int) error {
	alone, err := b.direct(ctx, size)
	if err != nil {
		return err
	}
	if err := b.startServer(ctx, roomy); err != nil {
		return err
	}
	base, err := b.collect(ctx)
	if err != nil {
		return err
	}
	all := make([]heard, size)
	var measuring atomic.Bool
	c, err := b.gather(ctx, size, nil, func(n int, message []byte) { all[n].hear(message, &measuring) })
	if err != nil {
		return err
	}
	defer c.leave()
	ask := socket.Create("openai/"+clocked(b.streamTokens()), "go", `,"store":false`)
	if err := spread(ctx, size, func(n int) error { return c.conns[n].Send(ask) }); err != nil {
		return err
	}
	if err := program.Pause(ctx, settle); err != nil {
		return err
	}
	measuring.Store(true)
	before, err := b.server.Usage()
	if err != nil {
		return err
	}
	if err := program.Pause(ctx, b.duration); err != nil {
		return err
	}
	measuring.Store(false)
	after, err := b.server.Usage()
	if err != nil {
		return err
	}
	garbage, err := b.resident()
	if err != nil {
		return err
	}
	page, err := program.Scrape(ctx, b.settings.Admin)
	if err != nil {
		return err
	}
	collected, err := b.collect(ctx)
	if err != nil {
		return err
	}
	if err := c.whole(); err != nil {
		report.Say("%d sessions: %v", size, err) // whose chunks are missed
	}
	each := collected.each(base, size)
	figures := map[string]float64{
		"sessions": float64(size), "kb": each.rss, "kb_with_garbage": garbage.each(base, size).rss, "heap_kb": each.heap, "stacks_kb": each.stacks,
		"lost_connections": float64(c.lost.Load()), "turns_waiting": page["chatbot_turns_waiting"], "server_busy": round((after.CPU - before.CPU).Seconds() / b.duration.Seconds()),
	}
	return b.tellStream(all, alone, figures)
}

// streamTokens is how long a stream has to be to last over one measurement.
func (b *bench) streamTokens() int { return rampSeconds + int(b.duration.Seconds()) + 20 }

// clocked is a model whose tokens come a second apart and say when they were sent.
func clocked(tokens int) string { return fmt.Sprintf("gpt-fake-tokens-%d-interval-1s-clock", tokens) }

// spread has streams begin one after the other, so that their chunks do not all come
// in the same moment.
func spread(ctx context.Context, size int, begin func(n int) error) error {
	const steps = 200
	each := rampSeconds * time.Second / steps
	for step := range steps {
		for n := step * size / steps; n < (step+1)*size/steps; n++ {
			if err := begin(n); err != nil {
				return err
			}
		}
		if err := program.Pause(ctx, each); err != nil {
			return err
		}
	}
	return nil
}

var (
	deltaMember = []byte(`"delta":"`)
	deltaType   = []byte(`"response.output_text.delta"`)
	endTypes    = [][]byte{[]byte(`"type":"response.completed"`), []byte(`"type":"response.incomplete"`), []byte(`"type":"response.failed"`)}
	errorType   = []byte(`"type":"error"`)
)

// hear takes a message: a delta says when it was sent.
func (h *heard) hear(message []byte, measuring *atomic.Bool) {
	now := time.Now().UnixMicro()
	if !bytes.Contains(message, deltaType) {
		h.hearOther(message)
		return
	}
	h.chunks.Add(1)
	_, text, found := bytes.Cut(message, deltaMember)
	if found {
		h.time(text, now, measuring)
	}
}

func (h *heard) hearOther(message []byte) {
	for _, end := range endTypes {
		if bytes.Contains(message, end) {
			h.ends.Add(1)
		}
	}
	if bytes.Contains(message, errorType) {
		text := string(message)
		h.failed.CompareAndSwap(nil, &text)
	}
}

// tellStream says what was heard, and how much later than without a server.
func (b *bench) tellStream(all []heard, alone load.Latencies, figures map[string]float64) error {
	late := make([][]time.Duration, len(all))
	silent, missed := 0, 0
	for i := range all {
		if failed := all[i].failed.Load(); failed != nil {
			return fmt.Errorf("session %d: %s", i, *failed)
		}
		late[i] = all[i].late
		if all[i].chunks.Load() == 0 {
			silent++
		}
		missed += max(0, int(b.duration.Seconds())-1-len(late[i]))
	}
	sorted := load.Sorted(late...)
	of := func(l load.Latencies, q float64) float64 { return round(l.Quantile(q).Seconds() * 1000) }
	ms := func(q float64) float64 { return of(sorted, q) }
	figures["direct_p50_ms"], figures["direct_p99_ms"] = of(alone, 0.5), of(alone, 0.99)
	figures["added_p50_ms"], figures["added_p99_ms"] = round(ms(0.5)-of(alone, 0.5)), round(ms(0.99)-of(alone, 0.99))
	figures["chunks"], figures["silent_sessions"], figures["missed_chunks"] = float64(len(sorted)), float64(silent), float64(missed)
	figures["chunk_p50_ms"], figures["chunk_p99_ms"], figures["chunk_max_ms"] = ms(0.5), ms(0.99), ms(1)
	size := len(all)
	name := fmt.Sprintf("streaming_%d", size)
	b.line.Figure(name, figures)
	b.line.Target(report.Exactly(name+"_silent", 0, float64(silent)))
	b.line.Target(report.Exactly(name+"_lost", 0, figures["lost_connections"]))
	if size == chunkTarget {
		b.line.Target(report.AtMost(name+"_added_p99_ms", chunkWithinMS, figures["added_p99_ms"]))
	}
	if size >= chunkTarget {
		b.line.Target(report.AtMost(name+"_kb", streamingKB, figures["kb"]))
	}
	return nil
}
