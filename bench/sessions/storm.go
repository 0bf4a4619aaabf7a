package main

import (
	"context"
	"time"

	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
	"example.com/parley/bench/socket"
)

const (
	stormSize    = 10_000
	backWithin   = 10 // seconds
	stormSetting = `
http:
  sessions:
    max_per_tenant: 100000
    max_per_address: 100000
`
)

// storms kills the server under its connections, starts it again, and has all of
// them come back at once, as often as they are told to. How many are taken a second
// is bounded as it comes.
func (b *bench) storms(ctx context.Context) error {
	if err := b.startServer(ctx, stormSetting); err != nil {
		return err
	}
	c, err := b.gather(ctx, b.storm, nil, nil)
	if err != nil {
		return err
	}
	b.stopServer()
	c.leaving.Store(true)
	c.readers.Wait()
	if err := b.start(ctx); err != nil {
		return err
	}
	began := time.Now()
	again, err := b.gather(ctx, b.storm, nil, nil)
	if err != nil {
		return err
	}
	defer again.leave()
	took := time.Since(began).Seconds()
	page, err := program.Scrape(ctx, b.settings.Admin)
	if err != nil {
		return err
	}
	if err := again.whole(); err != nil {
		return err
	}
	if _, err := b.storedReply(ctx, socket.Prose(20)); err != nil { // it serves
		return err
	}
	b.line.Figure("storm", map[string]float64{
		"connections": float64(b.storm), "s": round(took), "open": page["chatbot_active_websockets"],
	})
	b.line.Target(report.Exactly("storm_open", float64(b.storm), page["chatbot_active_websockets"]))
	if b.storm >= stormSize {
		b.line.Target(report.AtMost("storm_s", backWithin, round(took)))
	}
	return nil
}
