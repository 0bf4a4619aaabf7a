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
	work    int64         // chunks that turns passed on, and turns that ended
}

// What the limit of turns is moved by. docs/decisions/adaptive-concurrency.md has
// the reasons.
const (
	quiet      = 3 * time.Millisecond // a delay below it is none
	tolerance  = 2                    // times the usual delay that are none either
	busyFrom   = 0.5                  // where the process uses less, it is not its turns that make others wait
	steadily   = 3                    // windows with delay in a row before the limit moves down
	leastEach  = 16                   // turns for each processor: the limit never goes below
	usualRise  = 1.0005               // a window, while the processors are idle mostly
	step       = 0.8                  // of what ran: what a trial leaves
	trial      = 12                   // windows that are compared with as many before
	settling   = 2                    // windows of a trial that are not: turns that wait are still let in or ended
	drained    = 1.05                 // times the limit: a trial begins to count when no more run
	drainIn    = 100                  // windows that turns get to end in before the trial is given up
	worthwhile = 0.9                  // of the work done before, at least: half of what a step may cost
	firstHold  = 30                   // windows without a further trial behind one that cost work
	longHold   = 300                  // likewise, behind several
	inUse      = 0.85                 // of the limit, which headroom may leave an eighth of: where less runs, more would not be let in by a higher one
	holdRise   = 1.005                // of the limit in each window of a hold
)

// adaptive is how many turns run at once: the most that the operator allows, and
// as few as do the same work while they keep each other from the processors. It is
// pure; one goroutine uses it.
type adaptive struct {
	least, most float64
	now         float64
	usual       time.Duration // delay while the processors are idle mostly: its minimum, which rises slowly
	late        int           // windows with delay in a row
	done        recent        // work in the last windows
	trial       experiment
	hold        int // windows until the next trial
	longer      int // how long the next hold is
}

// experiment is what fewer turns do, beside what more did.
type experiment struct {
	on      bool
	limit   float64 // before it
	work    float64 // a window, before it and all trials that led to it
	waited  int     // windows until few enough ran
	windows int     // since
}

func newAdaptive(most int64, processors int) adaptive {
	return adaptive{least: float64(min(most, int64(leastEach*processors))), most: float64(most), now: float64(most)}
}

// learn moves the limit by what one window brought, and returns it.
func (a *adaptive) learn(r reading) int64 {
	tolerated := max(quiet, tolerance*a.usual)
	if r.busy < busyFrom {
		a.learnUsual(r.delay)
	}
	a.done.note(float64(r.work))
	switch {
	case a.trial.on:
		a.watch(r)
	case r.busy < busyFrom:
		a.late, a.trial.work, a.hold, a.longer = 0, 0, 0, 0
		a.grow()
	case r.delay <= tolerated:
		a.late, a.trial.work = 0, 0
		if float64(r.running) >= inUse*a.now {
			a.grow()
		}
	case a.hold > 0:
		a.hold--
		a.now = min(a.most, a.now*holdRise)
	default:
		if a.late++; a.late >= steadily {
			a.try(r)
		}
	}
	return int64(a.now)
}

func (a *adaptive) grow() { a.now = min(a.most, a.now+math.Sqrt(a.now)) }

// try lowers the limit below what runs, to see whether fewer turns do as much.
func (a *adaptive) try(r reading) {
	ran := min(a.now, float64(r.running))
	lower := max(a.least, step*ran)
	if lower >= a.now || ran <= a.least {
		return
	}
	a.trial = experiment{on: true, limit: min(a.now, ran/step), work: max(a.done.mean(), a.trial.work)}
	a.now = lower
}

// watch ends the trial when it is clear what came of it. Where fewer turns did the
// work, they stay fewer, and the next trial goes on from there. Where they did less,
// the processors have time to spare for more, whatever makes goroutines wait: turns
// that each do little at a time, a neighbour, or a flood of refusals.
func (a *adaptive) watch(r reading) {
	t := &a.trial
	if t.windows == 0 && float64(r.running) > drained*a.now {
		if t.waited++; t.waited > drainIn {
			a.giveUp()
		}
		return
	}
	if t.windows++; t.windows < settling+trial {
		return
	}
	if a.done.mean() < worthwhile*t.work {
		a.giveUp()
		return
	}
	t.on, a.longer, a.late = false, 0, 0
}

// giveUp restores the limit, and rests.
func (a *adaptive) giveUp() {
	a.now = a.trial.limit
	a.longer = min(max(2*a.longer, firstHold), longHold)
	a.hold, a.late = a.longer, 0
	a.trial = experiment{}
}

// recent is the work of the last windows, as many as a trial has.
type recent struct {
	windows [trial]float64
	next    int
}

func (r *recent) note(work float64) {
	r.windows[r.next] = work
	r.next = (r.next + 1) % trial
}

func (r *recent) mean() float64 {
	sum := 0.0
	for _, work := range r.windows {
		sum += work
	}
	return sum / trial
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
