package main

import (
	"maps"
	"slices"
	"strings"
	"time"

	"example.com/parley/bench/report"
)

// findings are what a run found.
type findings struct {
	kindsOf  map[string]*outages // by the fault's name
	verdict  verdict
	streams  streamFigures
	kinds    map[string]int
	ends     int // of nodes, that nobody asked for
	injected int
}

// outages are what one kind of fault did.
type outages struct {
	within  time.Duration
	waits   []time.Duration // of pairs of clients
	settled []time.Duration
	worst   time.Duration
}

func newFindings() *findings { return &findings{kindsOf: make(map[string]*outages)} }

func (f *findings) note(one fault, waits []time.Duration, settled time.Duration) {
	f.injected++
	o := f.kindsOf[one.name]
	if o == nil {
		o = &outages{within: one.within}
		f.kindsOf[one.name] = o
	}
	o.waits = append(o.waits, waits...)
	o.settled = append(o.settled, settled)
	o.worst = max(o.worst, longest(waits))
}

// outageFigure is a kind of fault in the line, in milliseconds.
type outageFigure struct {
	Injected   int     `json:"injected"`
	P50        float64 `json:"outage_p50_ms"`
	P99        float64 `json:"outage_p99_ms"`
	Worst      float64 `json:"outage_worst_ms"`
	OneCluster float64 `json:"one_membership_worst_ms"`
}

// oneWithin is how long it may take until all members agree again.
const oneWithin = 10 * time.Second

func (f *findings) write(line *report.Report) {
	all := make(map[string]outageFigure)
	slowest := time.Duration(0)
	for _, name := range slices.Sorted(maps.Keys(f.kindsOf)) {
		o := f.kindsOf[name]
		settled := longest(o.settled)
		slowest = max(slowest, settled)
		all[name] = outageFigure{
			Injected: len(o.settled), P50: ms(quantile(o.waits, 0.5)), P99: ms(quantile(o.waits, 0.99)), Worst: ms(o.worst), OneCluster: ms(settled),
		}
		if o.within > 0 {
			line.Target(report.AtMost("outage_worst_ms_"+name, ms(o.within), ms(o.worst)))
		}
	}
	line.Figure("faults", all)
	line.Figure("faults_injected", f.injected)
	line.Figure("nodes_that_ended_by_themselves", f.ends)
	line.Figure("clients_were_told", f.kinds)
	line.Figure("history", f.verdict)
	line.Figure("streams", f.streams)
	if f.injected > 0 {
		line.Target(report.AtMost("one_membership_worst_ms", ms(oneWithin), ms(slowest)))
	}
	line.Target(report.Exactly("acknowledged_lost", 0, float64(f.verdict.Lost)))
	line.Target(report.Exactly("doubled", 0, float64(f.verdict.Doubled)))
	line.Target(report.Exactly("forks", 0, float64(f.verdict.Forks)))
	line.Target(report.Exactly("conversations_unread", 0, float64(f.verdict.Unread)))
	line.Target(report.Exactly("stream_gaps", 0, float64(f.streams.Gaps)))
	line.Target(report.Exactly("stream_repeats", 0, float64(f.streams.Repeats)))
	line.Target(report.Exactly("streams_lost", 0, float64(f.streams.Lost)))
	line.Target(report.Exactly("streams_untrue", 0, float64(f.streams.Untrue)))
	final := 0
	for kind, n := range f.kinds {
		if strings.HasPrefix(kind, "final_") {
			final += n
		}
	}
	final += f.streams.Final
	line.Target(report.Exactly("errors_not_to_be_retried", 0, float64(final)))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func longest(all []time.Duration) (most time.Duration) {
	for _, d := range all {
		most = max(most, d)
	}
	return most
}

// quantile is the smallest of which a share is not longer; 0 of none.
func quantile(all []time.Duration, share float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}
