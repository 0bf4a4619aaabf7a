package main

import (
	"context"
	"time"

	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
)

// What a connection may take while it says nothing, and how many there are to be.
const (
	idleKB     = 14
	leastIdle  = 19_000
	pingsFirst = 22 * time.Second // until all were pinged: a server's memory before that is not what it is later
)

// idle holds connections that say nothing.
func (b *bench) idle(ctx context.Context) error {
	if err := b.startServer(ctx, roomy); err != nil {
		return err
	}
	base, err := b.collect(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	before, err := b.server.Usage()
	if err != nil {
		return err
	}
	c, err := b.gather(ctx, b.connections, nil, nil)
	if err != nil {
		return err
	}
	defer c.leave()
	took := time.Since(began)
	after, err := b.server.Usage()
	if err != nil {
		return err
	}
	wait := pingsFirst
	if b.connections < leastIdle {
		wait = settle
	}
	if err := program.Pause(ctx, wait); err != nil {
		return err
	}
	return b.tellIdle(ctx, c, base, took, after.CPU-before.CPU)
}

func (b *bench) tellIdle(ctx context.Context, c *crowd, base memory, took, cpu time.Duration) error {
	garbage, err := b.resident()
	if err != nil {
		return err
	}
	after, err := b.collect(ctx)
	if err != nil {
		return err
	}
	if err := c.whole(); err != nil {
		return err
	}
	n := float64(b.connections)
	each := after.each(base, b.connections)
	b.line.Figure("idle", map[string]float64{
		"connections": n, "kb": each.rss, "kb_with_garbage": garbage.each(base, b.connections).rss, "heap_kb": each.heap, "stacks_kb": each.stacks,
		"connects_per_s": round(n / took.Seconds()), "connects_per_s_a_core": round(n / cpu.Seconds()),
	})
	if b.connections >= leastIdle {
		b.line.Target(report.AtLeast("connections", leastIdle, n))
		b.line.Target(report.AtMost("idle_kb", idleKB, each.rss))
	}
	return nil
}
