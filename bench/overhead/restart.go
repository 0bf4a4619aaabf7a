package main

import (
	"context"
	"fmt"
	"time"

	"example.com/parley/bench/load"
	"example.com/parley/bench/report"
)

const (
	pooled         = 64 // connections to the upstream that are idle when it restarts
	behindARestart = 4 * pooled
)

// restart finds out what an upstream that restarts costs the clients of both
// proxies: each fills its pool of connections, all of which die unnoticed.
func (b *bench) restart(ctx context.Context) error {
	failed := make(map[string]int)
	for range b.rounds {
		for _, s := range b.rig.subjects()[1:] {
			lost, err := b.restartBehind(ctx, s)
			if err != nil {
				return fmt.Errorf("restart the upstream behind %s: %w", s.name, err)
			}
			failed[s.name] += lost
		}
	}
	b.line.Figure("upstream_restart", map[string]any{
		"restarts": b.rounds, "idle_connections": pooled, "requests_after_each": behindARestart,
		"failed": failed,
	})
	b.target("upstream_restart_failed", exactly(0), float64(failed[server]))
	return nil
}

func (b *bench) restartBehind(ctx context.Context, s subject) (failed int, err error) {
	// A model that takes its time keeps every connection busy at once.
	fill, err := load.Closed{
		Address: s.address, Connections: pooled, Requests: []load.Request{b.render(s, request{model: "gpt-fake-delay-50ms"})},
		Duration: 300 * time.Millisecond,
	}.Run(ctx)
	if err != nil {
		return 0, err
	}
	if s.name == server { // the bare proxy still suffers from the last restart
		b.count(&fill)
	}
	if err := b.rig.restartUpstream(ctx); err != nil {
		return 0, err
	}
	kinds := []load.Request{b.render(s, plain), b.render(s, streamed)}
	after, err := load.Batch{
		Address: s.address, Connections: pooled, Total: behindARestart, Within: 20 * time.Second,
		Render: func(n int) load.Request { return kinds[n%len(kinds)] },
	}.Run(ctx)
	if err != nil {
		return 0, err
	}
	if after.Failed > 0 {
		report.Say("behind a restart %s fails %d of %d, the first with: %s", s.name, after.Failed, behindARestart, after.FirstFail)
	}
	return behindARestart - after.Requests, nil
}
