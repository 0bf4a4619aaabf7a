package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
)

// settleWithin is how long a cluster may take to be one again before the run gives up.
const settleWithin = 90 * time.Second

// drill is a run: it injects one fault after the other while clients work, and then
// holds everything to what they were told.
func drill(ctx context.Context, o *options, n *network, line *report.Report) (err error) {
	folder, leave, err := program.Folder("cluster")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leave(err == nil && line.OK())) }()
	s, err := newSite(ctx, folder, n, o)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.begin(ctx); err != nil {
		return err
	}
	balancing, stop := context.WithCancel(ctx)
	defer s.balancer(balancing)()
	defer stop()
	line.Figure("seed", o.seed)
	line.Figure("nodes", o.nodes)
	line.Figure("namespaces", n.canCut())
	if spread, err := s.spread(ctx); err == nil {
		line.Target(report.AtMost("shards_max_to_mean", 1.25, spread))
	}
	if o.only.Has(capacityPart) {
		if err := capacity(ctx, s, line); err != nil {
			return err
		}
	}
	if o.hasEdge() {
		if err := edgeCutOff(ctx, s, o.edgeCut, line); err != nil {
			return err
		}
	}
	found, err := injectAll(ctx, o, s)
	if err != nil {
		return err
	}
	found.write(line)
	return nil
}

// plan is the faults of a run, in the seed's order: each kind as often as any other.
func plan(o *options, n *network, random *rand.Rand) (planned []fault) {
	var kinds []fault
	for _, f := range faults() {
		if o.only.Has(f.name) && (n.canCut() || !f.cuts) && (o.isNamed(f.name) || !f.named) {
			kinds = append(kinds, f)
		}
	}
	for len(kinds) > 0 && len(planned) < o.faults {
		random.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
		planned = append(planned, kinds...)
	}
	return planned[:min(len(planned), o.faults)]
}

// calm is how long clients work before a fault.
const calm = time.Second

func injectAll(ctx context.Context, o *options, s *site) (*findings, error) {
	random := rand.New(rand.NewPCG(o.seed, 1)) // #nosec G404 -- a run that can be repeated
	f := newFindings()
	report.Say("seed %d", o.seed)
	c, streams := newCrew(ctx, s, o.crew), newReaders(ctx, s)
	defer streams.goHome()
	for i, one := range plan(o, s.network, random) {
		if err := program.Pause(ctx, calm); err != nil {
			return nil, err
		}
		if err := f.inject(ctx, c, one, &injection{site: s, crew: c, hold: o.hold, random: random}, o.crew); err != nil {
			c.goHome()
			return nil, fmt.Errorf("fault %d, %s: %w", i+1, one.name, err)
		}
	}
	c.goHome()
	f.streams = streams.goHome()
	f.verdict = verify(ctx, c)
	f.kinds = c.kinds
	for _, n := range s.nodes {
		f.ends += n.ends
	}
	return f, nil
}

// inject does one fault, and notes how long each pair of clients was told of nothing,
// and how long it took until the cluster was one.
func (f *findings) inject(ctx context.Context, c *crew, one fault, d *injection, pairs int) error {
	from := c.since()
	done := make(chan error, 1)
	go func() { done <- one.inject(ctx, d) }() // ends before this does
	waiting, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	waits := c.waited(waiting, from, pairs)
	if err := <-done; err != nil {
		return err
	}
	over := c.since()
	if one.lasts {
		waits = c.gaps(from, pairs)
	}
	took, err := d.settled(ctx, settleWithin)
	if err != nil {
		return err
	}
	f.note(one, waits, took)
	report.Say("%s for %s: written to again within %s, one cluster after %s more", one.name, (over - from).Round(time.Millisecond), longest(waits).Round(time.Millisecond), took.Round(time.Millisecond))
	return nil
}
