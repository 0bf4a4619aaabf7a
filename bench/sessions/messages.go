package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
	"example.com/parley/bench/socket"
)

const (
	talkers     = 64      // connections that are busy all the time
	longReply   = 2000    // words
	leastACore  = 100_000 // messages a second
	atOnce      = "PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=1us"
	plainCancel = `{"type":"response.cancel"}`
)

// spent is what a load took of the server.
type spent struct {
	in, out    float64 // messages
	plain      float64 // bytes out, before they were framed
	wire       float64 // bytes out
	cpu        time.Duration
	wall       time.Duration
	compressed float64 // wire to plain
}

func (s *spent) aCore() float64 { return (s.in + s.out) / s.cpu.Seconds() }

// micros is the processor time of a message out.
func (s *spent) micros() float64 { return s.cpu.Seconds() * 1e6 / s.out }

// load keeps connections busy: whoever hears the last message of an answer asks
// again.
func (b *bench) load(ctx context.Context, ask string, change func(*socket.Options), isEnd func([]byte) bool) (spent, error) {
	var asking atomic.Bool
	var failed atomic.Pointer[string]
	asking.Store(true)
	again := make([]chan struct{}, talkers)
	for i := range again {
		again[i] = make(chan struct{}, 1)
	}
	c, err := b.gather(ctx, talkers, change, func(n int, message []byte) {
		if isEnd(message) && asking.Load() {
			select {
			case again[n] <- struct{}{}:
			default: // the load is over: its sender has left
			}
		} else if bytes.Contains(message, errorType) && !isEnd(message) {
			text := string(message)
			failed.CompareAndSwap(nil, &text)
		}
	})
	if err != nil {
		return spent{}, err
	}
	for n, conn := range c.conns {
		c.readers.Go(func() { // ends with asking
			for {
				if conn.Send(ask) != nil {
					return
				}
				select {
				case <-again[n]:
				case <-ctx.Done():
					return
				}
				if !asking.Load() {
					return
				}
			}
		})
	}
	s, err := b.measure(ctx)
	asking.Store(false)
	for _, one := range again { // those that wait for an end which is not heard any more
		select {
		case one <- struct{}{}:
		default:
		}
	}
	if err == nil {
		err = c.whole()
	}
	c.leave()
	if text := failed.Load(); err == nil && text != nil {
		err = fmt.Errorf("the server said %s", *text)
	}
	return s, err
}

// measure waits for the time of a load and says what was spent in it.
func (b *bench) measure(ctx context.Context) (s spent, err error) {
	var pages [2]program.Metrics
	var used [2]program.Usage
	var at [2]time.Time
	for i := range pages {
		if err := program.Pause(ctx, []time.Duration{settle, b.duration}[i]); err != nil {
			return s, err
		}
		if pages[i], err = program.Scrape(ctx, b.settings.Admin); err != nil {
			return s, err
		}
		if used[i], err = b.server.Usage(); err != nil {
			return s, err
		}
		at[i] = time.Now()
	}
	grown := func(name string) float64 { return pages[1][name] - pages[0][name] }
	s = spent{
		in: grown(`chatbot_websocket_messages_total{direction="in"}`), out: grown(`chatbot_websocket_messages_total{direction="out"}`),
		plain: grown(`chatbot_websocket_bytes_total{direction="out",kind="plain"}`), wire: grown(`chatbot_websocket_bytes_total{direction="out",kind="wire"}`),
		cpu: used[1].CPU - used[0].CPU, wall: at[1].Sub(at[0]),
	}
	if s.out == 0 || s.plain == 0 || s.cpu == 0 {
		return s, fmt.Errorf("nothing was sent: %+v", s)
	}
	s.compressed = s.wire / s.plain
	return s, nil
}

func completed(message []byte) bool { return bytes.Contains(message, endTypes[0]) }

func refused(message []byte) bool { return bytes.Contains(message, errorType) }

// messages finds out how many a core carries: deltas of streams that come as fast as
// they can, from the built-in model; and commands, each of which is refused.
func (b *bench) messages(ctx context.Context) error {
	if err := b.startServer(ctx, roomy, atOnce); err != nil {
		return err
	}
	text := strings.TrimSpace(strings.Repeat("word ", longReply))
	streams, err := b.load(ctx, socket.Create("simulated/echo", text, `,"store":false`), nil, completed)
	if err != nil {
		return fmt.Errorf("streams: %w", err)
	}
	commands, err := b.load(ctx, plainCancel, nil, refused)
	if err != nil {
		return fmt.Errorf("commands: %w", err)
	}
	for name, s := range map[string]spent{"streamed": streams, "commands": commands} {
		b.line.Figure("messages_"+name, map[string]float64{
			"per_s": round((s.in + s.out) / s.wall.Seconds()), "per_s_a_core": round(s.aCore()), "server_busy": round(s.cpu.Seconds() / s.wall.Seconds()),
		})
	}
	b.line.Target(report.AtLeast("messages_streamed_per_s_a_core", leastACore, round(streams.aCore())))
	return nil
}
