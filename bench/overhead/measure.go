package main

import (
	"context"
	"fmt"
	"time"

	"example.com/parley/bench/load"
	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
)

// usageOf tells what a process used so far. *program.Process has it.
type usageOf interface {
	Usage() (program.Usage, error)
}

// capacity measures how much a subject does when it is kept busy, and what that
// costs it.
func (b *bench) capacity(connections int, kind request) measurement {
	return func(ctx context.Context, s subject) (sample, error) {
		var marks []program.Usage
		var failed error
		mark := func() {
			used, err := s.process.Usage()
			marks = append(marks, used)
			if err != nil {
				failed = err
			}
		}
		result, err := load.Closed{
			Address: s.address, Connections: connections, Requests: []load.Request{b.render(s, kind)},
			Warmup: b.warmup(), Duration: b.duration, Mark: mark,
		}.Run(ctx)
		if err != nil {
			return nil, err
		}
		if failed != nil {
			return nil, failed
		}
		b.count(&result)
		return capacitySample(&result, marks[1].CPU-marks[0].CPU)
	}
}

// capacitySample is what a closed run says. per_cpu_s is what a core would do
// that had nothing else to do, and per_s what was done: they are the same
// where the subject, and not the load, was at its limit.
func capacitySample(r *load.Result, cpu time.Duration) (sample, error) {
	if r.Requests == 0 {
		return nil, fmt.Errorf("nothing was answered: %w", r.FirstFail)
	}
	s := sample{
		"per_s":  r.PerSecond(),
		"cpu_us": float64(cpu.Microseconds()) / float64(r.Requests),
		"busy":   cpu.Seconds() / r.Elapsed.Seconds(),
	}
	s["per_cpu_s"] = ratio(float64(r.Requests), cpu.Seconds())
	return s, nil
}

// waiting measures how long users wait that ask one after the other.
func (b *bench) waiting(users int, kind request) measurement {
	return func(ctx context.Context, s subject) (sample, error) {
		result, err := load.Closed{
			Address: s.address, Connections: users, Requests: []load.Request{b.render(s, kind)},
			Warmup: b.warmup(), Duration: b.duration,
		}.Run(ctx)
		if err != nil {
			return nil, err
		}
		return b.latencySample(&result)
	}
}

// rateConnections are enough to hold all requests that wait at the highest rate
// for as long as a garbage collection or a busy neighbour may take.
const rateConnections = 64

// constant measures how long a request takes that comes at a constant rate.
func (b *bench) constant(rate int, kind request) measurement {
	return func(ctx context.Context, s subject) (sample, error) {
		result, err := load.Open{
			Address: s.address, Connections: rateConnections, Rate: rate,
			Requests: []load.Request{b.render(s, kind)}, Warmup: b.warmup(), Duration: b.duration,
		}.Run(ctx)
		if err != nil {
			return nil, err
		}
		return b.latencySample(&result)
	}
}

func (b *bench) latencySample(r *load.Result) (sample, error) {
	b.count(r)
	if r.Requests == 0 {
		return nil, fmt.Errorf("nothing was answered: %w", r.FirstFail)
	}
	return sample{
		"per_s":  r.PerSecond(),
		"p50_ms": milliseconds(r.Latencies.Quantile(.5)),
		"p95_ms": milliseconds(r.Latencies.Quantile(.95)),
		"p99_ms": milliseconds(r.Latencies.Quantile(.99)),
	}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// count adds a run's failures to those of the whole program: a server that
// refuses is fast.
func (b *bench) count(r *load.Result) {
	b.answered += r.Requests
	b.failed += r.Failed
	if r.FirstFail != nil {
		report.Say("%d of %d requests failed, the first with: %s", r.Failed, r.Failed+r.Requests, r.FirstFail)
	}
}
