package main

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"time"

	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
)

// fault is something that befalls a server, and in the end it runs no more.
type fault struct {
	name   string
	bound  float64 // of every outage, in milliseconds
	strike func(ctx context.Context, n *node) error
}

// frozenFor is twice a lease.
const frozenFor = 6 * time.Second

func killed() fault {
	return fault{"kill", 5000, func(_ context.Context, n *node) error {
		n.process.Kill()
		return nil
	}}
}

// frozen has a server come back after the others have removed it: it has to end by
// itself.
func frozen() fault {
	return fault{"freeze", 8000, func(ctx context.Context, n *node) error {
		if err := syscall.Kill(n.process.PID(), syscall.SIGSTOP); err != nil {
			return err
		}
		if err := program.Pause(ctx, frozenFor); err != nil {
			return err
		}
		if err := syscall.Kill(n.process.PID(), syscall.SIGCONT); err != nil {
			return err
		}
		select {
		case <-n.process.Exited():
			return nil
		case <-time.After(patience):
			return fmt.Errorf("a server that was frozen goes on")
		}
	}}
}

func replaced() fault {
	return fault{"replace", 5000, func(_ context.Context, n *node) error { return n.process.Stop(patience) }}
}

// befall has a fault strike a server under the writers, waits until the others
// share what it had, and starts it again.
func (f *fleet) befall(ctx context.Context, what fault, victim *node, writers []*writer) (outages []float64, err error) {
	victim.leave() // as whoever balances load would say
	for _, w := range writers {
		w.befall()
	}
	if err := what.strike(ctx, victim); err != nil {
		return nil, err
	}
	if err := f.awaitSpread(ctx); err != nil {
		return nil, err
	}
	for _, w := range writers {
		some, err := w.awaitRecovery(ctx)
		if err != nil {
			return nil, err
		}
		outages = append(outages, some...)
	}
	report.Say("%s: the longest outage was %.0f ms", what.name, slices.Max(outages))
	if err := f.start(ctx, victim); err != nil {
		return nil, err
	}
	return outages, f.awaitSpread(ctx)
}

func (w *writer) awaitRecovery(ctx context.Context) ([]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if outages, done := w.recovered(); done {
			return outages, nil
		}
		if err := program.Pause(ctx, 20*time.Millisecond); err != nil {
			return nil, fmt.Errorf("a writer is not answered any more: %w", err)
		}
	}
}
