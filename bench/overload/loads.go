package main

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"example.com/parley/bench/load"
	"example.com/parley/bench/report"
)

const (
	politeShare = 0.1 // of the capacity
	politeLines = 64  // connections: many more than it needs
	warmup      = time.Second
	directRate  = 100 // requests a second past the server: few beside the load, enough for a percentile
)

// seen is what one load came to.
type seen struct {
	Offered  float64 `json:"offered_per_s"`
	Goodput  float64 `json:"goodput_per_s"`
	Capacity float64 `json:"capacity_per_s"` // just before and just behind it
	Limited  float64 `json:"status_429_per_s"`
	Refused  float64 `json:"status_503_per_s"`
	Other    float64 `json:"other_failures"`
	Polite   float64 `json:"polite_p99_ms"`
	Direct   float64 `json:"direct_p99_ms"` // of the same requests, asked of the upstream itself meanwhile
	Denied   float64 `json:"polite_refused"`
	Busy     float64 `json:"server_busy"` // of its core
	OfPeak   float64 `json:"goodput_to_peak"`
	ToQuiet  float64 `json:"polite_p99_to_quiet"`
	answered int     // with 200, the warm-up included
}

// loads finds out what becomes of a server under each load of a scenario.
func (b *bench) loads(ctx context.Context, s scenario) error {
	if err := b.startFor(ctx, s); err != nil {
		return err
	}
	rounds, answered := make(map[string][]seen), 0
	for n := range b.rounds {
		report.Say("%s: round %d of %d", s.name, n+1, b.rounds)
		round, also, err := b.round(ctx, s)
		if err != nil {
			return err
		}
		answered += also
		for name, one := range round {
			rounds[name] = append(rounds[name], one)
		}
	}
	b.tell(s, rounds)
	return b.account(ctx, s, answered)
}

// startFor starts the server that a scenario is about. Where it cannot be given a part of
// a processor it has a whole one, and what asks it may be what is slow.
func (b *bench) startFor(ctx context.Context, s scenario) error {
	given := 1.0
	defer func() { b.line.Figure(named(s.name, "server_processors"), given) }()
	if s.processors > 0 {
		err := b.startBounded(ctx, s.config, s.processors)
		if err == nil || b.bound != nil { // it was bounded, and did not start
			given = s.processors
			return err
		}
		report.Say("%s: %v; it has a whole one", s.name, err)
	}
	return b.startServer(ctx, s.config)
}

// capacity is what the server does for clients that ask again when they were
// answered.
func (b *bench) capacity(ctx context.Context, s scenario) (perSecond float64, answered int, err error) {
	result, err := load.Closed{
		Address: b.settings.Address, Connections: s.busy, Requests: b.requests(s, b.settings.Key), Warmup: warmup, Duration: b.duration / 2,
	}.Run(ctx)
	if err == nil && result.Requests == 0 {
		err = fmt.Errorf("nothing was answered: %w", result.FirstFail)
	}
	return result.PerSecond(), result.Statuses[200], err
}

// round makes each load once, first the polite tenant alone, and finds out before and
// behind each what the server does at best: a machine that others share does half as much
// in one minute as in the next. It also returns how many requests were answered in all.
func (b *bench) round(ctx context.Context, s scenario) (round map[string]seen, answered int, err error) {
	before, answered, err := b.capacity(ctx, s)
	if err != nil {
		return nil, 0, err
	}
	round = make(map[string]seen)
	for _, f := range append([]factor{{name: "quiet", times: politeShare}}, s.factors...) {
		one, err := b.load(ctx, s, before, f.times)
		if err != nil {
			return nil, 0, err
		}
		behind, also, err := b.capacity(ctx, s)
		if err != nil {
			return nil, 0, err
		}
		answered += one.answered + also
		one.Capacity = math.Round((before + behind) / 2)
		one.OfPeak = round3(one.Goodput / max(one.Capacity, one.Goodput))
		if quiet, ok := round["quiet"]; ok {
			one.ToQuiet = round3(one.Polite / quiet.Polite)
		}
		round[f.name], before = one, behind
		report.Say("%s: %s: %.0f of %.0f/s, the polite tenant's 99th percentile %.0f ms, past the server %.0f", s.name, f.name, one.Goodput, one.Capacity, one.Polite, one.Direct)
	}
	return round, answered, nil
}

// load offers so many times the capacity: a tenth of it politely, and the rest not. What
// comes from the machine's being busy shows in requests that go past the server.
func (b *bench) load(ctx context.Context, s scenario, capacity, times float64) (seen, error) {
	before, err := b.server.Usage()
	if err != nil {
		return seen{}, err
	}
	began := time.Now()
	polite := b.open(s, b.polite, politeLines, politeShare*capacity)
	direct := polite
	direct.Address, direct.Rate = b.upstreamAt, directRate
	var results [2]load.Result
	var past load.Result
	var errs [3]error
	var running sync.WaitGroup
	running.Go(func() { results[0], errs[0] = polite.Run(ctx) })
	running.Go(func() { past, errs[2] = direct.Run(ctx) })
	if flood := times - politeShare; flood > 0 {
		running.Go(func() { results[1], errs[1] = b.open(s, b.settings.Key, s.clients, flood*capacity).Run(ctx) })
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return seen{}, err
		}
	}
	after, err := b.server.Usage()
	one := b.sum(results, polite.Duration)
	one.Direct = p99(past)
	one.Busy = round3((after.CPU - before.CPU).Seconds() / time.Since(began).Seconds())
	return one, err
}

func (b *bench) open(s scenario, key string, connections int, rate float64) load.Open {
	return load.Open{
		Address: b.settings.Address, Connections: connections, Rate: max(int(rate), 1), Requests: b.requests(s, key), Warmup: warmup, Duration: b.duration,
	}
}

// sum puts both tenants together. Refusals are counted with the warm-up, and so are
// taken over it too.
func (b *bench) sum(results [2]load.Result, window time.Duration) (one seen) {
	all := (window + warmup).Seconds()
	offered, statuses := 0, make(map[int]int)
	for _, r := range results {
		one.Goodput += float64(r.Within) / window.Seconds()
		for status, n := range r.Statuses {
			statuses[status] += n
			offered += n
		}
	}
	one.answered = statuses[200]
	one.Offered = round3(float64(offered) / all)
	one.Goodput = round3(one.Goodput)
	one.Limited, one.Refused = round3(float64(statuses[429])/all), round3(float64(statuses[503])/all)
	one.Other = float64(offered - statuses[200] - statuses[429] - statuses[503])
	one.Polite = p99(results[0])
	one.Denied = float64(results[0].Failed)
	return one
}

// p99 is in milliseconds.
func p99(r load.Result) float64 {
	return round3(float64(r.Latencies.Quantile(0.99)) / float64(time.Millisecond))
}

func round3(f float64) float64 { return math.Round(f*1e3) / 1e3 }
