package main

import (
	"context"
	"fmt"
	"time"

	"example.com/parley/bench/program"
)

// phase is what was found out of a fault in one state of its breaker.
type phase struct {
	tally
	Added   quantiles `json:"added_ms"`
	Healthy quantiles `json:"healthy_ms"` // of the requests in between
	Failing float64   `json:"calls_to_failing_per_request"`
	Spare   float64   `json:"calls_to_spare_per_request"`
}

// calls is how many there were for each request.
func (p *phase) calls() float64 { return round(p.Failing + p.Spare) }

// phase asks the failing model and the healthy one in turn, each as often first:
// who asks after a pause waits a little longer.
func (b *bench) phase(ctx context.Context, f *fault, of state) (phase, error) {
	before, err := b.attempts(ctx, f, of)
	if err != nil {
		return phase{}, err
	}
	failing, base := make([]answer, b.requests), make([]answer, b.requests)
	crowdFor(f, b.requests).each(ctx, func(n int) {
		if n%2 == 0 {
			base[n] = b.client.ask(ctx, request{model: healthy, stream: true})
		}
		failing[n] = b.client.ask(ctx, request{model: modelOf(f, of, n), stream: true, goOn: of == continued})
		if n%2 == 1 {
			base[n] = b.client.ask(ctx, request{model: healthy, stream: true})
		}
	})
	after, err := b.attempts(ctx, f, of)
	if err != nil {
		return phase{}, err
	}
	b.note(f, of, failing)
	b.noteHealthy(base)
	p := phase{Healthy: quantilesOf(base)}
	p.add(failing)
	limit := f.limit
	if of == open {
		limit = 0
	}
	p.Added = addedBy(failing, base, limit)
	p.Failing, p.Spare = share(after.failing-before.failing, b.requests), share(after.spare-before.spare, b.requests)
	return p, nil
}

// attempts are calls as the server counts them, from its start.
type attempts struct{ failing, spare float64 }

func (b *bench) attempts(ctx context.Context, f *fault, of state) (attempts, error) {
	page, err := program.Scrape(ctx, b.parley.Admin)
	if err != nil {
		return attempts{}, err
	}
	const counter = "chatbot_provider_attempts_total"
	return attempts{page.Sum(counter, "provider", f.provider(of)), page.Sum(counter, "provider", spare)}, nil
}

// askOnce asks the failing model for a stream.
func (b *bench) askOnce(ctx context.Context, f *fault, of state) {
	b.note(f, of, []answer{b.client.ask(ctx, request{model: modelOf(f, of, 0), stream: true})})
}

// trip asks until the provider is left alone, and returns how many requests that
// took. It fails for one that is called again and again.
func (b *bench) trip(ctx context.Context, f *fault, of state) (requests int, err error) {
	const most = 20
	before, err := b.attempts(ctx, f, of)
	if err != nil {
		return 0, err
	}
	for requests < most {
		b.askOnce(ctx, f, of)
		after, err := b.attempts(ctx, f, of)
		if err != nil {
			return 0, err
		}
		if after.failing == before.failing {
			return requests, nil
		}
		before = after
		requests++
	}
	return 0, fmt.Errorf("%s: the provider is still called after %d failures", f.name, most)
}

// recovery heals the provider right after its breaker's first test failed, and
// returns how long it takes until the provider serves again.
func (b *bench) recovery(ctx context.Context, s *site) (time.Duration, error) {
	f := &s.fault
	if _, err := b.trip(ctx, f, heal); err != nil {
		return 0, err
	}
	known, err := b.attempts(ctx, f, heal)
	if err != nil {
		return 0, err
	}
	tested := func() (bool, error) {
		now, err := b.attempts(ctx, f, heal)
		return now.failing > known.failing, err
	}
	if err := b.askUntil(ctx, f, "its breaker tests it", tested); err != nil {
		return 0, err
	}
	if err := s.heal(ctx); err != nil {
		return 0, err
	}
	healed := time.Now()
	err = b.askUntil(ctx, f, "it serves again", func() (bool, error) { return s.served(), nil })
	return time.Since(healed), err
}

// askUntil asks one request after the other until done.
func (b *bench) askUntil(ctx context.Context, f *fault, what string, done func() (bool, error)) error {
	const atMost = 20 * time.Second
	for deadline := time.Now().Add(atMost); time.Now().Before(deadline); {
		b.askOnce(ctx, f, heal)
		if is, err := done(); is || err != nil {
			return err
		}
		if err := program.Pause(ctx, between); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s: waited %s in vain until %s", f.name, atMost, what)
}
