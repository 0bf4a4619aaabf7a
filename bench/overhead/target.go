package main

import "example.com/parley/bench/report"

// goal is what a figure has to be.
type goal struct {
	make func(name string, want, got float64) report.Target
	want float64
}

func atLeast(want float64) goal { return goal{report.AtLeast, want} }
func atMost(want float64) goal  { return goal{report.AtMost, want} }
func below(want float64) goal   { return goal{report.Below, want} }
func exactly(want float64) goal { return goal{report.Exactly, want} }

func (b *bench) target(name string, g goal, got float64) {
	t := g.make(name, g.want, got)
	t.Got = round(got)
	b.line.Target(t)
}
