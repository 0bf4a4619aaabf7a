package admission

import (
	"math"
	"time"
)

// reading is what the process has to do, over one window.
type reading struct {
	delay   time.Duration // that a goroutine which could run waited for a processor, in the mean
	busy    float64       // share of the processors that the process used
	memory  int64         // bytes that it holds and cannot give back
	limit   int64         // that it may hold; 0 where nobody bounds it
	running int64         // turns, at the window's end
}

// What the limit of turns is moved by. docs/decisions/adaptive-concurrency.md has
// the reasons.
const (
	quiet      = 3 * time.Millisecond // a delay below it is none
	tolerance  = 2                    // times the usual delay that are none either
	busyFrom   = 0.5                  // where the process uses less, it is not its turns that make others wait
	steadily   = 3                    // windows with delay in a row before the limit moves down
	leastStep  = 0.7                  // of the limit that one window leaves
	leastEach  = 16                   // turns for each processor: the limit never goes below
	usualRise  = 1.0005               // a window, while there is little to do
	littleToDo = 2                    // the limit is at least so many times what runs
	trial      = 10                   // windows in which a lower limit has to help
	trialDepth = 0.5                  // of what ran when it began: a trial goes no deeper
	helped     = 0.7                  // of the delay before, at most
	firstHold  = 50                   // windows without a further trial behind one that did not help
	longHold   = 600                  // likewise, behind several
)

// adaptive is how many turns run at once: the most that the operator allows, and
// fewer while they keep each other from the processors. It is pure; one goroutine
// uses it.
type adaptive struct {
	least, most float64
	now         float64
	usual       time.Duration // delay while there is little to do: its minimum, which rises slowly
	late        int           // windows with delay in a row
	tried       int           // windows since the limit began to move down; 0 while no trial is on
	before      float64       // the limit when it did
	ran         float64       // turns that ran when it did
	delayed     time.Duration // the delay when it did
	hold        int           // windows until the next trial
	longer      int           // how long the next hold is
}

func newAdaptive(most int64, processors int) adaptive {
	return adaptive{least: float64(min(most, int64(leastEach*processors))), most: float64(most), now: float64(most)}
}

// learn moves the limit by what one window brought, and returns it.
func (a *adaptive) learn(r reading) int64 {
	tolerated := max(quiet, tolerance*a.usual)
	if float64(r.running)*littleToDo <= a.now {
		a.learnUsual(r.delay)
	}
	switch {
	case r.delay <= tolerated || r.busy < busyFrom:
		a.late, a.tried = 0, 0
		a.grow()
	case a.hold > 0:
		a.hold--
		a.grow()
	default:
		if a.late++; a.late >= steadily {
			a.shrink(r, float64(tolerated)/float64(r.delay))
		}
	}
	return int64(a.now)
}

func (a *adaptive) grow() { a.now = min(a.most, a.now+math.Sqrt(a.now)) }

// shrink moves the limit down, on trial: where a second of fewer turns did not
// shorten the delay, it is not the turns that make others wait, but a flood of
// refusals or a neighbour, and the limit is what it was.
func (a *adaptive) shrink(r reading, gradient float64) {
	if a.tried == 0 {
		a.before, a.ran, a.delayed = a.now, min(a.now, float64(r.running)), r.delay
	}
	if a.tried++; a.tried <= trial {
		a.now = max(a.least, trialDepth*a.ran, min(a.now, float64(r.running))*max(gradient, leastStep))
		return
	}
	if float64(r.delay) > helped*float64(a.delayed) {
		a.now = a.before
		a.longer = min(max(2*a.longer, firstHold), longHold)
		a.hold = a.longer
	} else {
		a.longer = 0
	}
	a.tried, a.late = 0, 0
}

// learnUsual follows the delay down at once, and up slowly: a machine may be slow
// for reasons of its own.
func (a *adaptive) learnUsual(delay time.Duration) {
	if a.usual == 0 || delay < a.usual {
		a.usual = delay
		return
	}
	a.usual = min(delay, time.Duration(float64(a.usual)*usualRise)+time.Microsecond)
}

// shedFrom says from which part of the memory's limit a class is refused.
var shedFrom = [...]float64{0.95, 0.90, 0.80} // by messages.Priority

// takenAgain is by how much of the limit memory has to fall below that again.
const takenAgain = 0.02

// shed returns how many classes are refused, the lowest first, given how many were.
func shed(r reading, before int) (classes int) {
	if r.limit <= 0 {
		return 0
	}
	used := float64(r.memory) / float64(r.limit)
	for i := range shedFrom {
		from := shedFrom[len(shedFrom)-1-i]
		if i < before {
			from -= takenAgain
		}
		if used < from {
			return i
		}
	}
	return len(shedFrom)
}
