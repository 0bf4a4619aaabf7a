package main

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/parley/bench/program"
)

// restarted is a provider that does not fail but is restarted under load. It
// takes some time to answer, so that many requests are under way.
func restarted() fault { return fault{name: "restarted", terms: "delay-20ms"} }

// away is how long nobody is there in between.
const away = 300 * time.Millisecond

// restart ends the provider, with all its connections, and starts it again, while
// whole replies and streams are asked for in turn.
func (b *bench) restart(ctx context.Context, s *site) error {
	if err := s.fail(ctx); err != nil {
		return err
	}
	before, err := b.attempts(ctx, &s.fault, open)
	if err != nil {
		return err
	}
	load := crowd{clients: manyAtOnce, requests: 4 * b.requests, pause: breath}
	answers := make([]answer, load.requests)
	var asked atomic.Int64
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		load.each(groupCtx, func(n int) {
			answers[n] = b.client.ask(groupCtx, request{model: modelOf(&s.fault, open, 0), stream: n%2 == 0})
			asked.Add(1)
		})
		return nil
	})
	group.Go(func() error {
		for int(asked.Load()) < load.requests/4 {
			if err := program.Pause(groupCtx, time.Millisecond); err != nil {
				return err
			}
		}
		s.close()
		if err := program.Pause(groupCtx, away); err != nil {
			return err
		}
		return s.behave(groupCtx, s.fault.terms)
	})
	if err := group.Wait(); err != nil {
		return err
	}
	after, err := b.attempts(ctx, &s.fault, open)
	if err != nil {
		return err
	}
	b.note(&s.fault, open, answers)
	var t tally
	t.add(answers)
	b.line.Figure("restarted", map[string]any{
		"outcome": t, "away_ms": milliseconds(away),
		"calls_per_request": share(after.failing-before.failing+after.spare-before.spare, t.Requests),
	})
	return nil
}
