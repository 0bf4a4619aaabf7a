package main

import (
	"context"
	"fmt"
	"time"

	"example.com/parley/bench/report"
)

// found is everything about one fault.
type found struct {
	fault      *fault
	Closed     phase   `json:"closed"`
	Trip       int     `json:"requests_until_open,omitempty"`
	Open       *phase  `json:"open,omitempty"`        // nil where no breaker opens
	Continued  *phase  `json:"continued,omitempty"`   // nil where no client sees any text
	RecoveryMS float64 `json:"recovery_ms,omitempty"` // from healing the provider until it serves
	Bill       bill    `json:"bill"`
}

// measure tries every fault, and fills the report.
func (b *bench) measure(ctx context.Context) error {
	b.warmUp(ctx)
	var all []*found
	for _, s := range b.sites {
		began := time.Now()
		if s.fault.name == restarted().name {
			if err := b.restart(ctx, s); err != nil {
				return fmt.Errorf("%s: %w", s.fault.name, err)
			}
			continue
		}
		one, err := b.try(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.fault.name, err)
		}
		all = append(all, one)
		report.Say("%s: %s", s.fault.name, time.Since(began).Round(10*time.Millisecond))
	}
	bills, err := b.usage(ctx)
	if err != nil {
		return err
	}
	for _, one := range all {
		one.Bill = billOf(one.fault, bills, b.seen[one.fault.name])
	}
	b.fill(all)
	return nil
}

// warmUp lets the server make its connections to the healthy provider, and grow
// its pools.
func (b *bench) warmUp(ctx context.Context) {
	const requests = 10 * manyAtOnce
	answers := make([]answer, requests)
	crowd{clients: manyAtOnce, requests: requests}.each(ctx, func(n int) { answers[n] = b.client.ask(ctx, request{model: healthy, stream: true}) })
	b.noteHealthy(answers)
}

// try takes a fault through the states of its breaker.
func (b *bench) try(ctx context.Context, s *site) (*found, error) {
	f := &s.fault
	one := &found{fault: f}
	if err := s.fail(ctx); err != nil {
		return nil, err
	}
	var err error
	if one.Closed, err = b.phase(ctx, f, closed); err != nil {
		return nil, err
	}
	if f.shown {
		goneOn, err := b.phase(ctx, f, continued)
		if err != nil {
			return nil, err
		}
		one.Continued = &goneOn
	}
	if f.forgiven {
		return one, nil
	}
	if one.Trip, err = b.trip(ctx, f, open); err != nil {
		return nil, err
	}
	opened, err := b.phase(ctx, f, open)
	if err != nil {
		return nil, err
	}
	one.Open = &opened
	if f.testing != "" {
		if err := s.behave(ctx, f.testing); err != nil {
			return nil, err
		}
	}
	took, err := b.recovery(ctx, s)
	one.RecoveryMS = milliseconds(took)
	s.close()
	return one, err
}
