package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"example.com/parley/bench/load"
)

const megabyte = 1e6 // bytes

// resident is what the server has in memory, in MB.
func (b *bench) resident() (now, peak float64, err error) {
	used, err := b.rig.server.Usage()
	return round(float64(used.RSS) / megabyte), round(float64(used.Peak) / megabyte), err
}

// idleMemory measures a server that has just started.
func (b *bench) idleMemory(ctx context.Context) error {
	if err := pause(ctx, 2*time.Second); err != nil {
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
	if _, err := (b.capacity(64, plain))(ctx, b.rig.subjects()[2]); err != nil {
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
	const asked = 2000
	rendered := b.render(b.rig.subjects()[2], kind)
	ask := func() error {
		result, err := load.Batch{
			Address: b.rig.serverAt, Connections: 16, Total: asked, Within: 20 * time.Second,
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
	var looks [3]metrics
	for i := range looks {
		if looks[i], err = scrape(ctx, b.rig.adminAt); err != nil {
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
// now wait for the next, and what is left of them once they were put to sleep.
func (b *bench) conversationsMemory(ctx context.Context) error {
	if err := b.rig.startServer(ctx, fmt.Sprintf("shard:\n  idle_after: %s\n", b.idleAfter())); err != nil {
		return err
	}
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	before, _, err := b.resident()
	if err != nil {
		return err
	}
	began := time.Now()
	made, err := b.converse(ctx)
	if err != nil {
		return err
	}
	took := time.Since(began)
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	figures, err := b.awakeMemory(ctx, before)
	if err != nil {
		return err
	}
	figures["conversations"], figures["before_mb"] = float64(made), before
	figures["turns_per_s"] = round(float64(made) / took.Seconds())
	asleep, err := b.asleepMemory(ctx)
	if err != nil {
		return err
	}
	figures["asleep_mb"] = asleep
	b.line.Figure("rss_conversations", figures)
	return nil
}

// converse holds one kept turn in each of so many conversations, and says how
// many there were in the time that there is.
func (b *bench) converse(ctx context.Context) (made int, err error) {
	result, err := load.Batch{
		Address: b.rig.serverAt, Connections: 128, Total: b.conversations, Within: b.idleAfter() - b.idleAfter()/4,
		Render: b.renderTurn,
	}.Run(ctx)
	if err != nil {
		return 0, err
	}
	b.count(&result)
	say("%d of %d conversations in %s", result.Requests, b.conversations, result.Elapsed.Round(time.Millisecond))
	return result.Requests, nil
}

// renderTurn asks a person's question of the usual length, which is kept.
func (b *bench) renderTurn(n int) load.Request {
	body, _ := json.Marshal(map[string]any{ //nolint:errchkjson // of strings
		"model": plain.model,
		"input": fmt.Sprintf("Question %d: I still have not received my new card, I ordered over a week ago. What can I do?", n),
	})
	return load.Post(b.rig.serverAt, "/v1/responses", string(body), "}", "Authorization: Bearer "+b.key)
}

// awakeMemory measures conversations that idle: as it is, which has garbage in
// it, and once that is collected. The target is for what it is.
func (b *bench) awakeMemory(ctx context.Context, before float64) (map[string]float64, error) {
	awake, err := b.awake(ctx)
	if err != nil {
		return nil, err
	}
	now, peak, err := b.resident()
	if err != nil {
		return nil, err
	}
	if _, err := fetch(ctx, "http://"+b.rig.adminAt+"/debug/pprof/heap?gc=1"); err != nil {
		return nil, err
	}
	page, err := scrape(ctx, b.rig.adminAt)
	if err != nil {
		return nil, err
	}
	live, err := page.value("go_memstats_heap_alloc_bytes")
	if err != nil {
		return nil, err
	}
	collected, _, err := b.resident()
	if err != nil {
		return nil, err
	}
	added := round(now - before)
	b.target("conversations_awake", atLeast(float64(b.conversations)), awake)
	b.target(fmt.Sprintf("rss_added_by_%d_conversations_mb", b.conversations), below(200), added)
	return map[string]float64{
		"awake": awake, "awake_mb": now, "added_mb": added, "peak_mb": peak,
		"collected_mb": collected, "live_mb": round(live / megabyte),
	}, nil
}

func (b *bench) awake(ctx context.Context) (float64, error) {
	page, err := scrape(ctx, b.rig.adminAt)
	if err != nil {
		return 0, err
	}
	return page.value("chatbot_conversations_awake")
}

// asleepMemory waits until all conversations sleep, and then for the runtime to
// give memory back.
func (b *bench) asleepMemory(ctx context.Context) (float64, error) {
	for deadline := time.Now().Add(2 * b.idleAfter()); ; {
		awake, err := b.awake(ctx)
		if err != nil {
			return 0, err
		}
		if awake == 0 {
			break
		}
		if time.Now().After(deadline) {
			return 0, fmt.Errorf("%.0f conversations are still awake %s after they fell idle", awake, 2*b.idleAfter())
		}
		if err := pause(ctx, time.Second); err != nil {
			return 0, err
		}
	}
	if _, err := fetch(ctx, "http://"+b.rig.adminAt+"/debug/pprof/heap?gc=1"); err != nil {
		return 0, err
	}
	if err := pause(ctx, 5*time.Second); err != nil {
		return 0, err
	}
	now, _, err := b.resident()
	return now, err
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
