package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
)

// bench is one run of the program. One goroutine uses it.
type bench struct {
	options
	rig  *rig
	line *report.Report
	key  string

	answered, failed int
}

// part is one question that the program answers.
type part struct {
	name string
	run  func(*bench, context.Context) error
}

// parts are in the order in which they are answered: what needs a server that
// has just started comes first, and what needs one of its own last.
func parts() []part {
	return []part{
		{"idle", (*bench).idleMemory},
		{"requests", (*bench).requests},
		{"streams", (*bench).streams},
		{"rate", (*bench).rates},
		{"users", (*bench).users},
		{"allocations", (*bench).allocations},
		{"loaded", (*bench).loadedMemory},
		{"restart", (*bench).restart},
		{"conversations", (*bench).conversationsMemory},
	}
}

// warmup is how long a subject is asked before it is measured.
func (b *bench) warmup() time.Duration { return b.duration / 4 }

// overhead does everything that was asked for, and fills the report. An error
// says that something could not be found out.
func overhead(ctx context.Context, o options, line *report.Report) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.atMost(), fmt.Errorf("the run took longer than %s", o.atMost()))
	defer cancel()
	folder, leave, err := program.Folder("overhead")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leave(err == nil)) }()
	b := &bench{options: o, line: line}
	cores := layoutOf(program.Cores())
	if b.rig, err = newRig(ctx, folder, cores); err != nil {
		return err
	}
	defer b.rig.close()
	if err := settle(cores.Load); err != nil {
		return err
	}
	b.key = b.rig.settings.Key
	b.line.Figure("cores", cores)
	b.line.Figure("rounds", o.rounds)
	b.line.Figure("window_s", o.duration.Seconds())
	if err := b.rig.startServer(ctx, ""); err != nil {
		return err
	}
	return b.runParts(ctx)
}

// settle keeps the load to its cores. Two goroutines run at once even on one of
// them: the clock of a constant rate sleeps in the kernel and must not hold up
// the others.
func settle(cores []int) error {
	if err := program.PinSelf(cores); len(cores) > 0 && err != nil {
		return err
	}
	runtime.GOMAXPROCS(max(2, len(cores)))
	return nil
}

func (b *bench) runParts(ctx context.Context) error {
	for _, p := range parts() {
		if !b.only.Has(p.name) {
			continue
		}
		began := time.Now()
		if err := p.run(b, ctx); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", p.name, err), context.Cause(ctx))
		}
		report.Say("%s: %s", p.name, time.Since(began).Round(time.Second))
	}
	b.line.Figure("requests_answered", b.answered)
	b.target("requests_failed", exactly(0), float64(b.failed))
	return nil
}
