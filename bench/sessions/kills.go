package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
	"example.com/parley/bench/socket"
)

const (
	victims     = 16  // responses that are read when the server is killed
	victimWords = 400 // of a response, some two seconds
)

// killings kills the server while responses are read, starts it again on its data,
// and has them read on.
func (b *bench) killings(ctx context.Context) error {
	l, own := &ledger{}, b.drawn(-1)
	for _, shown := range []bool{false, true} {
		env := []string{"PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=4ms", fmt.Sprintf("PARLEY_STREAM_SHOW_AFTER_COMMIT=%t", shown)}
		if err := b.startServer(ctx, roomy, env...); err != nil {
			return err
		}
		kills := b.kills / 2
		if !shown {
			kills = b.kills - kills
		}
		for n := range kills {
			if err := b.killing(ctx, own, shown, l); err != nil {
				return fmt.Errorf("kill %d: %w", n+1, err)
			}
			l.cuts++
		}
	}
	b.tell("kills", l, map[string]float64{"kills": float64(l.cuts), "acknowledged_lost": float64(l.lost)})
	b.line.Target(report.Exactly("kills_acknowledged_lost", 0, float64(l.lost)))
	return nil
}

// killing is one kill.
func (b *bench) killing(ctx context.Context, own *rand.Rand, durable bool, l *ledger) error {
	text := socket.Prose(victimWords)
	ask := socket.Create("simulated/echo", text, "")
	all, errs := make([]*socket.Reader, victims), make([]error, victims)
	var group sync.WaitGroup
	for n := range all {
		all[n] = socket.NewReader()
		group.Go(func() {
			c, _, err := all[n].Hear(ctx, b.caller(n), ask, 1<<30)
			if c != nil {
				c.Close()
			}
			if err != nil && all[n].ID != "" {
				errs[n] = err
			}
		})
	}
	err := program.Pause(ctx, 100*time.Millisecond+time.Duration(own.IntN(1500))*time.Millisecond)
	b.server.Kill()
	group.Wait()
	if err = errors.Join(err, errors.Join(errs...)); err != nil {
		return err
	}
	if err := b.start(ctx); err != nil {
		return err
	}
	for _, r := range all {
		if r.ID == "" {
			continue // it had not begun: nothing was acknowledged
		}
		if err := b.readOn(ctx, r, text, durable, l); err != nil {
			return err
		}
	}
	return nil
}

// readOn reads a response on behind the restart. Its first event says that its input
// is stored, so that a response which is not there any more is one that was lost.
func (b *bench) readOn(ctx context.Context, r *socket.Reader, text string, durable bool, l *ledger) error {
	seen := len(r.Text())
	if r.Last == nil {
		c, ended, err := r.Hear(ctx, b.caller(0), "", 1<<30)
		if c != nil {
			c.Close()
		}
		if err != nil || !ended {
			l.lost++
			l.note([]string{fmt.Sprintf("%s behind %d: ended %t, %v", r.ID, r.Cursor, ended, err)})
			return ctx.Err()
		}
	}
	l.note(r.CheckCut(text, seen, durable))
	return nil
}
