package provider

import (
	"math"
	"time"
)

// limits bound how many calls a provider gets at once.
type limits struct {
	initial, least, most float64
	tolerance            float64 // how many times the usual first byte is still no sign of too many calls; above 1
}

// limit finds out how many calls at once a provider takes well, from how long
// its first bytes take compared with what is usual: Netflix's Gradient2, with
// four changes that docs/decisions/concurrency-limit.md gives reasons for. It
// knows no clock; one goroutine uses it.
//
// It is judged window by window, and only by calls that began in the window: by
// what the limit is now, not by what it was. It moves only while it is in use,
// which is when half of it or more is: what nobody asks for cannot be measured.
//
//	first bytes as usual       the limit grows, by its square root a window
//	first bytes much later     it shrinks by as much as they are late, at most to half
//	calls dropped              it shrinks by a tenth
//	it halved for nothing      it was not too many calls: what is seen is usual now
//	it was held down for long  it is halved until that no longer helps, to see what is usual
type limit struct {
	limits
	current float64
	usual   usual
	window  limitWindow
	eager   bool    // nothing has spoken against it so far
	held    int     // windows that were late since the last trial
	trial   trial   // of whether fewer calls are quicker
	late    float64 // of the last window, see lateness
}

// limitWindow is what was seen since the limit was set last.
type limitWindow struct {
	opened  time.Time
	calls   int
	busiest int // calls at once, at most
	dropped bool
	heard   int     // calls whose first byte was timed
	late    float64 // sum of the logarithms of how late they were
}

// trial compares how late calls are with how late they were at twice the limit
// or more.
type trial struct {
	from   float64 // the limit at the begin; 0 for no trial
	late   float64 // then
	deeper bool    // it is to go on until it does not help
}

const (
	windowCalls = 10                     // fewer say little: prompts differ
	windowTime  = 100 * time.Millisecond // so that thousands of calls a second do not make it jump
	smoothing   = 0.2                    // of a step
	dropFactor  = 0.9
	eagerFactor = 1.5 // at the begin: a healthy provider gets what it takes within a second
	helps       = 0.8 // of the lateness before: what half as many calls must come to
	patientFor  = 100 // late windows until the limit is halved to see what is usual

	leastGradient = 0.5
)

func newLimit(l limits) limit { return limit{limits: l, current: l.initial, eager: true, late: 1} }

// now is how many calls there may be at once.
func (l *limit) now() int64 { return int64(l.current) }

// inUse tells whether so many calls are enough to measure the limit by.
func (l *limit) inUse(calls int) bool { return float64(calls) >= l.current/2 }

// observation is what one call tells.
type observation struct {
	model     string
	began     time.Time
	beside    int           // calls at once when it began, with itself
	firstByte time.Duration // zero where it says nothing: a reply in one piece has its length in it
	dropped   bool          // the provider did not cope with it
}

// learn takes in a call, and tells whether the limit has moved.
func (l *limit) learn(o observation, now time.Time) (moved bool) {
	late := 0.0
	if o.firstByte > 0 {
		late = l.usual.late(o, l.late, now, !l.inUse(o.beside))
	}
	if w := &l.window; o.dropped || !o.began.Before(w.opened) {
		w.calls++
		w.busiest = max(w.busiest, o.beside)
		w.dropped = w.dropped || o.dropped
		if o.firstByte > 0 {
			w.heard++
			w.late += late
		}
	}
	if l.window.calls < windowCalls || now.Sub(l.window.opened) < windowTime {
		return false
	}
	before := l.now()
	l.judge()
	l.current = min(max(l.current, l.least), l.most)
	l.window = limitWindow{opened: now}
	return l.now() != before
}

// judge moves the limit at the end of a window.
func (l *limit) judge() {
	l.late = l.window.lateness()
	switch {
	case !l.inUse(l.window.busiest) && !l.trial.deeper: // nobody knows, and nobody asks
	case l.window.dropped:
		l.current *= dropFactor
		l.eager, l.trial = false, trial{}
	case l.trial.from > 0 && l.current <= max(l.trial.from/2, l.least):
		l.conclude()
	default:
		l.step()
	}
}

// lateness is how many times the usual the first bytes took: the geometric mean,
// which one long prompt does not move by much. It is 1 where nobody knows.
func (w *limitWindow) lateness() float64 {
	if w.heard == 0 {
		return 1
	}
	return math.Exp(w.late / float64(w.heard))
}

// step is Gradient2's.
func (l *limit) step() {
	calm := l.late <= math.Sqrt(l.tolerance)
	l.eager = l.eager && calm
	queue := math.Sqrt(l.current) // of calls that may wait at the provider: it is never without work
	switch {
	case l.eager:
		l.current *= eagerFactor
	case calm:
		l.current, l.trial = l.current+queue, trial{}
	case l.held >= patientFor:
		l.halve()
	default:
		gradient := min(l.tolerance/l.late, 1)
		if gradient < 1 {
			l.hold()
		}
		l.current += smoothing * (l.current*max(gradient, leastGradient) + queue - l.current)
	}
}

// hold counts a window that was late. The way down is a trial.
func (l *limit) hold() {
	l.held++
	if l.trial.from == 0 {
		l.trial = trial{from: l.current, late: l.late}
	}
}

// halve begins a trial that ends where fewer calls do not help.
func (l *limit) halve() {
	l.held, l.trial = 0, trial{from: l.current, late: l.late, deeper: true}
	l.current /= 2
}

// conclude ends a trial. Where fewer calls were as late, it was not for their
// number: the limit is what it was, and so much is usual now.
func (l *limit) conclude() {
	switch helped := l.late < helps*l.trial.late; {
	case !helped:
		l.usual.shift(math.Log(l.late))
		l.current, l.trial, l.late = l.trial.from, trial{}, 1
	case l.trial.deeper && l.current > l.least:
		l.halve()
	default:
		l.trial = trial{}
	}
}
