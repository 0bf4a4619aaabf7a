package main

import (
	"context"
	"maps"
	"math/rand/v2"
	"sync"

	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
)

// measure fills the line.
func measure(ctx context.Context, o options, line *report.Report) (err error) {
	folder, leave, err := program.Folder("cluster")
	if err != nil {
		return err
	}
	defer func() { err = orElse(err, leave(err == nil)) }()
	report.Say("seed %d", o.seed)
	line.Figure("seed", o.seed)
	files, err := program.Build(ctx, folder, "cmd/parley")
	if err != nil {
		return err
	}
	f, err := startFleet(ctx, &o, files[0], folder)
	defer f.stop()
	if err != nil {
		return err
	}
	if err := cost(ctx, f, o.asked, line); err != nil {
		return err
	}
	return faults(ctx, f, &o, line)
}

func orElse(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// cost notes what the way between nodes adds.
func cost(ctx context.Context, f *fleet, asked int, line *report.Report) error {
	w, err := ways(ctx, f, asked)
	if err != nil {
		return err
	}
	own, other := quantile(w.own, .5), quantile(w.other, .5)
	line.Figure("own_p50_ms", own)
	line.Figure("other_p50_ms", other)
	line.Figure("own_p99_ms", quantile(w.own, .99))
	line.Figure("other_p99_ms", quantile(w.other, .99))
	line.Target(report.AtMost("added_p50_ms", .5, other-own))
	return nil
}

// faults has everything befall the servers, under writers, and looks at what is
// left.
func faults(ctx context.Context, f *fleet, o *options, line *report.Report) error {
	writers := make([]*writer, o.writers)
	for i := range writers {
		var err error
		if writers[i], err = newWriter(ctx, f, i); err != nil {
			return err
		}
	}
	writing, stop := context.WithCancel(ctx)
	defer stop()
	var working sync.WaitGroup
	for _, w := range writers {
		working.Go(func() { w.run(writing) })
	}
	err := f.strikes(ctx, o, writers, line)
	stop()
	working.Wait()
	if err != nil {
		return err
	}
	return sumUp(ctx, writers, line)
}

// strikes has each kind of fault befall servers that the seed chooses.
func (f *fleet) strikes(ctx context.Context, o *options, writers []*writer, line *report.Report) error {
	chosen := rand.New(rand.NewPCG(o.seed, 0)) // #nosec G404 -- to be repeated
	for _, kind := range []struct {
		fault
		times int
	}{{killed(), o.kills}, {frozen(), o.freezes}, {replaced(), o.replacements}} {
		var outages []float64
		for range kind.times {
			some, err := f.befall(ctx, kind.fault, f.nodes[chosen.IntN(len(f.nodes))], writers)
			if err != nil {
				return err
			}
			outages = append(outages, some...)
		}
		if len(outages) > 0 {
			line.Figure(kind.name+"_outage_p50_ms", quantile(outages, .5))
			line.Figure(kind.name+"_outage_p99_ms", quantile(outages, .99))
			line.Target(report.AtMost(kind.name+"_outage_max_ms", kind.bound, quantile(outages, 1)))
		}
	}
	return nil
}

func sumUp(ctx context.Context, writers []*writer, line *report.Report) error {
	var all history
	refused, failed := make(map[string]int), make(map[string]int)
	for _, w := range writers {
		if err := all.look(ctx, w); err != nil {
			return err
		}
		maps.Copy(refused, added(refused, w.refused))
		maps.Copy(failed, added(failed, w.failed))
	}
	line.Figure("history", all)
	line.Figure("failed", failed)
	line.Figure("refused", refused)
	line.Target(report.Exactly("lost", 0, float64(all.Lost)))
	line.Target(report.Exactly("twice", 0, float64(all.Twice)))
	line.Target(report.Exactly("forks", 0, float64(all.Forks)))
	line.Target(report.Exactly("refused_for_good", 0, float64(len(refused))))
	return nil
}

// added is what both come to, by name.
func added(sum, more map[string]int) map[string]int {
	total := maps.Clone(sum)
	for name, n := range more {
		total[name] += n
	}
	return total
}
