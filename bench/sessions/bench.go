package main

import (
	"context"
	"errors"
	"fmt"
	"math"

	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
)

// bench is one run. One goroutine uses it.
type bench struct {
	options
	*rig
	line *report.Report
}

// part is one of the things that are found out.
type part struct {
	name string
	run  func(*bench, context.Context) error
}

func parts() []part {
	return []part{
		{"idle", (*bench).idle},
		{"stream", (*bench).stream},
		{"messages", (*bench).messages},
		{"resume", (*bench).resume},
		{"compression", (*bench).compression},
		{"storm", (*bench).storms},
		{"disconnects", (*bench).disconnect},
		{"kills", (*bench).killings},
	}
}

func partNames() (names []string) {
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

func sessions(ctx context.Context, o options, line *report.Report) (err error) {
	folder, leave, err := program.Folder("sessions")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leave(err == nil)) }()
	l := program.LayoutOf(program.Cores())
	line.Figure("cores", l)
	if err := program.PinSelf(l.Others); err != nil {
		return err
	}
	r, err := newRig(ctx, folder, l)
	if err != nil {
		return err
	}
	defer r.close()
	report.Say("seed %d", o.seed)
	b := &bench{options: o, rig: r, line: line}
	for _, p := range parts() {
		if !o.only.Has(p.name) {
			continue
		}
		report.Say("%s", p.name)
		if err := p.run(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

func round(f float64) float64 { return math.Round(f*1e3) / 1e3 }
