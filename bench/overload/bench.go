package main

import (
	"context"
	"fmt"

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
		{"places", func(b *bench, ctx context.Context) error { return b.loads(ctx, places()) }},
		{"processor", func(b *bench, ctx context.Context) error { return b.loads(ctx, processor()) }},
		{"batch", (*bench).batch},
		{"nodes", (*bench).nodes},
	}
}

func partNames() (names []string) {
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

func overload(ctx context.Context, o options, line *report.Report) (err error) {
	folder, leave, err := program.Folder("overload")
	if err != nil {
		return err
	}
	defer func() { err = joined(err, leave(err == nil)) }()
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
	b := &bench{options: o, rig: r, line: line}
	for _, p := range parts() {
		if !o.only.Has(p.name) {
			continue
		}
		if err := p.run(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

func joined(err, leaving error) error {
	if err != nil {
		return err
	}
	return leaving
}
