package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// part is one of the things that a server is made of.
type part struct {
	name string
	// run works until its context ends, and then lets go of what it holds. A
	// part that needs no goroutine has none.
	run func(ctx context.Context) error
	// stop is called when run has returned, or would have. Its context ends when
	// the time for stopping everything is up.
	stop func(ctx context.Context) error
}

// running is a part at work.
type running struct {
	part
	cancel context.CancelFunc
	done   chan struct{}
	err    error // set before done is closed
}

// runParts runs the parts until ctx ends or one of them does by itself. Then it
// stops them within the patience, the last one first: each has returned before
// the one that it stands on is told. It returns what went wrong first.
func runParts(ctx context.Context, patience time.Duration, log *slog.Logger, parts ...part) error {
	ended := make(chan *running, len(parts))
	all := make([]*running, len(parts))
	for i, p := range parts {
		all[i] = startPart(ctx, p, ended)
	}
	var failed error
	select {
	case <-ctx.Done():
		log.Info("stopping")
	case r := <-ended:
		failed = fmt.Errorf("%s ended by itself: %w", r.name, cmp.Or(r.err, errEnded))
		log.Error("stopping", slog.Any("error", failed))
	}
	stopping, release := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer release()
	for i := len(all) - 1; i >= 0; i-- {
		if err := all[i].end(stopping); err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}

var errEnded = errors.New("it was not told to")

// startPart runs a part in a goroutine of its own, which end waits for.
func startPart(ctx context.Context, p part, ended chan<- *running) *running {
	r := &running{part: p, done: make(chan struct{})}
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r.cancel = cancel
	if p.run == nil {
		close(r.done)
		return r
	}
	go func() {
		r.err = p.run(own)
		close(r.done)
		ended <- r
	}()
	return r
}

// end stops the part and waits until it has.
func (r *running) end(ctx context.Context) error {
	r.cancel()
	<-r.done
	var stopped error
	if r.stop != nil {
		stopped = r.stop(ctx)
	}
	if err := errors.Join(r.err, stopped); err != nil {
		return fmt.Errorf("stop %s: %w", r.name, err)
	}
	return nil
}
