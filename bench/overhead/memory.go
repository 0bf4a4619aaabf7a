package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"example.com/parley/bench/load"
	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
)

const megabyte = 1e6 // bytes

// resident is what the server has in memory, in MB.
func (b *bench) resident() (now, peak float64, err error) {
	used, err := b.rig.server.Usage()
	return round(float64(used.RSS) / megabyte), round(float64(used.Peak) / megabyte), err
}

// idleMemory measures a server that has just started.
func (b *bench) idleMemory(ctx context.Context) error {
	if err := program.Pause(ctx, 2*time.Second); err != nil {
		return err
	}
	now, _, err := b.resident()
	if err != nil {
		return err
	}
	b.line.Figure("rss_idle_mb", now)
	b.target("rss_idle_mb", below(80), now)
	return nil
}

// loadedMemory measures a server that has been under load.
func (b *bench) loadedMemory(ctx context.Context) error {
	if _, err := b.capacity(64, plain)(ctx, b.rig.subjects()[2]); err != nil {
		return err
	}
	now, peak, err := b.resident()
	if err != nil {
		return err
	}
	b.line.Figure("rss_loaded_mb", map[string]float64{"now": now, "peak": peak})
	return nil
}

// allocations measures what a request allocates, from the runtime's own count.
func (b *bench) allocations(ctx context.Context) error {
	found := make(map[string]float64)
	for name, kind := range map[string]request{"request": plain, "stream": streamed} {
		objects, bytes, err := b.allocated(ctx, kind)
		if err != nil {
			return err
		}
		found[name], found[name+"_bytes"] = objects, bytes
	}
	b.line.Figure("allocations", found)
	return nil
}

// allocated asks a fixed number of requests between two looks at the count, and
// subtracts what the looks themselves allocate.
func (b *bench) allocated(ctx context.Context, kind request) (objects, bytes float64, err error) {
	const asked = 5000
	rendered := b.render(b.rig.subjects()[2], kind)
	ask := func() error {
		result, err := load.Batch{
			Address: b.rig.settings.Address, Connections: 16, Total: asked, Within: 20 * time.Second,
			Render: func(int) load.Request { return rendered },
		}.Run(ctx)
		if err == nil && result.Requests < asked {
			err = fmt.Errorf("%d of %d requests failed: %w", asked-result.Requests, asked, result.FirstFail)
		}
		return err
	}
	if err := ask(); err != nil { // fills pools
		return 0, 0, err
	}
	if _, err := program.Scrape(ctx, b.rig.settings.Admin); err != nil { // likewise
		return 0, 0, err
	}
	var looks [3]program.Metrics
	for i := range looks {
		if looks[i], err = program.Scrape(ctx, b.rig.settings.Admin); err != nil {
			return 0, 0, err
		}
		if i == 1 {
			if err := ask(); err != nil {
				return 0, 0, err
			}
		}
	}
	grown := func(name string) float64 {
		look := looks[1][name] - looks[0][name]
		return round((looks[2][name] - looks[1][name] - look) / asked)
	}
	return grown("go_memstats_mallocs_total"), grown("go_memstats_alloc_bytes_total"), nil
}

// conversationsMemory measures what conversations cost that have had a turn and
// now wait for the next, on a server that was told nothing special; and, of
// fewer, what is left of them once they were put to sleep.
func (b *bench) conversationsMemory(ctx context.Context) error {
	awake, err := b.awakeMemory(ctx)
	if err != nil {
		return err
	}
	asleep, err := b.asleepMemory(ctx)
	if err != nil {
		return err
	}
	b.line.Figure("rss_conversations", map[string]any{"awake": awake, "asleep": asleep})
	return nil
}

// conversing starts a server, and holds one kept turn in each of so many
// conversations. It returns what the server had in memory before, in MB.
func (b *bench) conversing(ctx context.Context, config string, conversations int, within time.Duration) (before float64, figures map[string]float64, err error) {
	if err := b.rig.startServer(ctx, config); err != nil {
		return 0, nil, err
	}
	if err := program.Pause(ctx, 2*time.Second); err != nil {
		return 0, nil, err
	}
	if before, _, err = b.resident(); err != nil {
		return 0, nil, err
	}
	result, err := load.Batch{
		Address: b.rig.settings.Address, Connections: 256, Total: conversations, Within: within, Render: b.renderTurn,
	}.Run(ctx)
	if err != nil {
		return 0, nil, err
	}
	b.count(&result)
	report.Say("%d of %d conversations in %s", result.Requests, conversations, result.Elapsed.Round(time.Millisecond))
	if err := program.Pause(ctx, 2*time.Second); err != nil {
		return 0, nil, err
	}
	return before, map[string]float64{
		"conversations": float64(result.Requests), "before_mb": before, "turns_per_s": round(result.PerSecond()),
	}, nil
}

// renderTurn asks a person's question of the usual length, which is kept.
func (b *bench) renderTurn(n int) load.Request {
	body, _ := json.Marshal(map[string]any{ //nolint:errchkjson // of strings
		"model": plain.model,
		"input": fmt.Sprintf("Question %d: I still have not received my new card, I ordered over a week ago. What can I do?", n),
	})
	return load.Post(b.rig.settings.Address, "/v1/responses", string(body), "}", "Authorization: Bearer "+b.key)
}

// makeWithin is time enough for 100,000 turns that are synced to a slow disk. It
// is less than a server waits before it puts a conversation to sleep.
const makeWithin = 200 * time.Second

// awakeMemory measures conversations that idle: as it is, which has garbage in
// it, and once that is collected. The target is for what it is.
func (b *bench) awakeMemory(ctx context.Context) (map[string]float64, error) {
	before, figures, err := b.conversing(ctx, "", b.conversations, makeWithin)
	if err != nil {
		return nil, err
	}
	awake, err := b.awake(ctx)
	if err != nil {
		return nil, err
	}
	now, peak, err := b.resident()
	if err != nil {
		return nil, err
	}
	live, collected, err := b.collected(ctx)
	if err != nil {
		return nil, err
	}
	b.target("conversations_awake", atLeast(float64(b.conversations)), awake)
	b.target(fmt.Sprintf("rss_added_by_%d_conversations_mb", b.conversations), below(200), now-before)
	for name, value := range map[string]float64{
		"awake": awake, "mb": now, "added_mb": now - before, "peak_mb": peak, "collected_mb": collected, "live_mb": live,
	} {
		figures[name] = round(value)
	}
	return figures, nil
}

// collected makes the server collect its garbage, and returns what of its heap
// is in use then, and what it has in memory.
func (b *bench) collected(ctx context.Context) (live, resident float64, err error) {
	if _, err := program.Fetch(ctx, "http://"+b.rig.settings.Admin+"/debug/pprof/heap?gc=1", ""); err != nil {
		return 0, 0, err
	}
	page, err := program.Scrape(ctx, b.rig.settings.Admin)
	if err != nil {
		return 0, 0, err
	}
	if live, err = page.Value("go_memstats_heap_alloc_bytes"); err != nil {
		return 0, 0, err
	}
	resident, _, err = b.resident()
	return live / megabyte, resident, err
}

func (b *bench) awake(ctx context.Context) (float64, error) {
	page, err := program.Scrape(ctx, b.rig.settings.Admin)
	if err != nil {
		return 0, err
	}
	return page.Value("chatbot_conversations_awake")
}

const (
	sleepiness    = 5 * time.Second // of a server whose conversations are to sleep soon
	asleepWithin  = time.Minute     // of the last turn
	fewerToSleep  = 10              // as many as are kept awake, divided by this
	makeFewWithin = makeWithin / fewerToSleep
)

// asleepMemory waits until all conversations sleep, and collects what they left.
func (b *bench) asleepMemory(ctx context.Context) (map[string]float64, error) {
	config := fmt.Sprintf("shard:\n  idle_after: %s\n", sleepiness)
	_, figures, err := b.conversing(ctx, config, max(1, b.conversations/fewerToSleep), makeFewWithin)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(asleepWithin); ; {
		awake, err := b.awake(ctx)
		if err != nil {
			return nil, err
		}
		if awake == 0 {
			break
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%.0f conversations are awake %s after their last turn, and should sleep after %s", awake, asleepWithin, sleepiness)
		}
		if err := program.Pause(ctx, time.Second); err != nil {
			return nil, err
		}
	}
	live, now, err := b.collected(ctx)
	if err != nil {
		return nil, err
	}
	figures["live_mb"], figures["mb"] = round(live), round(now)
	return figures, nil
}
