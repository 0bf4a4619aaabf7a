package main

import "example.com/parley/bench/report"

// What every fault is held to.
const (
	withinOpen  = 2.0 // ms that a provider adds which is left alone, 99 times of 100
	callsClosed = 2.0 // a request
	callsOpen   = 1.1
)

// fill notes figures and targets: times for each fault, and of counts the worst.
func (b *bench) fill(all []*found) {
	b.line.Figure("limits_ms", map[string]float64{
		"connect": milliseconds(connectLimit), "first_byte": milliseconds(beginLimit), "stall": milliseconds(stallLimit),
		"next_test": milliseconds(nextTest),
	})
	worst := make(map[string]float64)
	most := func(name string, value float64) { worst[name] = max(worst[name], value) }
	for _, one := range all {
		f := one.fault
		b.line.Figure(f.name, one)
		if f.within > 0 {
			b.line.Target(report.AtMost(f.name+"_closed_added_p99_ms", f.within, one.Closed.Added.P99))
		}
		most("closed", one.Closed.calls())
		most("twice", one.Bill.Twice)
		if one.Continued != nil && !f.forgiven {
			most("broken", float64(one.Continued.Told))
		}
		if one.Open != nil {
			b.line.Target(report.AtMost(f.name+"_open_added_p99_ms", withinOpen, one.Open.Added.P99))
			most("open", one.Open.calls())
			most("recovery", one.RecoveryMS)
		}
	}
	var sum tally
	for _, t := range b.seen {
		sum.Lost += t.Lost
	}
	for _, one := range all {
		if one.Continued != nil {
			sum.Lost += one.Continued.Lost
		}
	}
	b.line.Figure("healthy", b.healthy)
	b.line.Target(report.AtMost("closed_calls_per_request", callsClosed, worst["closed"]))
	b.line.Target(report.AtMost("open_calls_per_request", callsOpen, worst["open"]))
	b.line.Target(report.AtMost("recovery_ms", milliseconds(nextTest+2*between), worst["recovery"]))
	b.line.Target(report.Exactly("requests_lost", 0, float64(sum.Lost+b.healthy.Requests-b.healthy.Whole)))
	b.line.Target(report.Exactly("not_continued", 0, worst["broken"]))
	b.line.Target(report.Exactly("billed_twice", 0, worst["twice"]))
}
