package provider

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// station is a provider with so many places, each taken by a call for its
// service; the others wait there in order. It does not notice that a caller has
// left before it has something to say, and the work until then is lost.
type station struct {
	places  int
	first   time.Duration // of work until the first byte
	service time.Duration // of work for a whole reply, with that
}

// run is a station under a load, behind a gate that refuses whom it would let in
// too late.
type run struct {
	station
	random   *rand.Rand
	limit    *limit // nil for none
	patience time.Duration
	clock    time.Time
	events   events
	serial   int

	busy     int
	line     []*request // at the provider
	waiting  []*request // at Parley
	inFlight int
	mean     time.Duration // of a call, as Parley sees it

	arrived, good, refused, gaveUp int
	atProvider                     []time.Duration // until the first byte, of the good ones
}

type request struct {
	arrived, began time.Time
	beside         int
	left           bool
}

type happening struct {
	at     time.Time
	serial int
	do     func()
}

type events []happening

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at.Before(e[j].at) || e[i].at.Equal(e[j].at) && e[i].serial < e[j].serial
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(happening)) }
func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}

func (r *run) after(d time.Duration, do func()) {
	r.serial++
	heap.Push(&r.events, happening{r.clock.Add(d), r.serial, do})
}

// about spreads a duration as prompts and replies are.
func (r *run) about(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.5 + r.random.ExpFloat64()/2))
}

// offer lets requests come at a rate, from now on for so long.
func (r *run) offer(perSecond float64, length time.Duration) {
	end := r.clock.Add(length)
	var next func()
	next = func() {
		if r.clock.After(end) {
			return
		}
		r.arrive()
		r.after(time.Duration(r.random.ExpFloat64()/perSecond*1e9), next)
	}
	r.after(0, next)
	for len(r.events) > 0 {
		if r.events[0].at.After(end) {
			break
		}
		e := heap.Pop(&r.events).(happening)
		r.clock = e.at
		e.do()
	}
	r.clock = end
}

func (r *run) room() bool { return r.limit == nil || int64(r.inFlight) < r.limit.now() }

func (r *run) arrive() {
	r.arrived++
	q := &request{arrived: r.clock}
	if r.limit != nil && !r.room() {
		if wait := time.Duration(len(r.waiting)+1) * r.mean / time.Duration(r.limit.now()); wait+r.mean > r.patience {
			r.refused++
			return
		}
		r.waiting = append(r.waiting, q)
		return
	}
	r.call(q)
}

func (r *run) call(q *request) {
	r.inFlight++
	q.began, q.beside = r.clock, r.inFlight
	r.after(q.arrived.Add(r.patience).Sub(r.clock), func() { r.leave(q) })
	r.line = append(r.line, q)
	r.serve()
}

// leave has a client give up that heard nothing.
func (r *run) leave(q *request) {
	if q.left {
		return
	}
	q.left = true
	r.gaveUp++
	if r.clock.Sub(q.began) >= r.patience { // else it is Parley's own queue that it waited in
		r.learn(observation{began: q.began, beside: q.beside, dropped: true})
	}
	r.end(q)
}

func (r *run) serve() {
	for r.busy < r.places && len(r.line) > 0 {
		q := r.line[0]
		r.line = r.line[1:]
		r.busy++
		r.after(r.about(r.first), func() { r.answer(q) })
	}
}

func (r *run) answer(q *request) {
	if q.left {
		r.busy--
		r.serve()
		return
	}
	q.left = true
	r.good++
	r.atProvider = append(r.atProvider, r.clock.Sub(q.began))
	r.learn(observation{began: q.began, beside: q.beside, firstByte: r.clock.Sub(q.began)})
	r.after(r.about(r.service-r.first), func() {
		r.busy--
		r.end(q)
		r.serve()
	})
}

func (r *run) end(q *request) {
	r.inFlight--
	took := r.clock.Sub(q.began)
	if r.mean == 0 {
		r.mean = took
	}
	r.mean += (took - r.mean) / 16
	r.admit()
}

func (r *run) admit() {
	for len(r.waiting) > 0 && r.room() {
		q := r.waiting[0]
		r.waiting = r.waiting[1:]
		if r.clock.Sub(q.arrived) >= r.patience {
			r.gaveUp++
			continue
		}
		r.call(q)
	}
}

func (r *run) learn(s observation) {
	if r.limit != nil && r.limit.learn(s, r.clock) {
		r.admit()
	}
}

func (r *run) forget() {
	r.arrived, r.good, r.refused, r.gaveUp, r.atProvider = 0, 0, 0, 0, nil
}

func newRun(seed uint64, s station, limited bool) *run {
	r := &run{
		station: s, random: rand.New(rand.NewPCG(seed, 1)), // #nosec G404 -- the same for each run of the test
		patience: 10 * time.Second, clock: time.Unix(1e9, 0),
	}
	if limited {
		l := newLimit(usualLimits)
		r.limit = &l
	}
	return r
}

// These are the figures of docs/decisions/concurrency-limit.md.
func TestLimitedProviderKeepsItsGoodputUnderOverload(t *testing.T) {
	t.Parallel()
	const seeds = 5
	s := station{places: 32, first: 300 * time.Millisecond, service: 3 * time.Second}
	capacity := float64(s.places) / s.service.Seconds() // replies a second
	length := 5 * time.Minute
	for _, test := range []struct {
		load    float64 // in capacities
		limited bool
		least   float64 // of goodput, in capacities
	}{
		{0.5, false, 0.45},
		{0.5, true, 0.45},
		{0.9, false, 0.85},
		{0.9, true, 0.85},
		{2, false, 0},
		{2, true, 0.95},
		{5, false, 0},
		{5, true, 0.92},
	} {
		var good, refused, gaveUp, atOnce float64
		var firsts []time.Duration
		for seed := range uint64(seeds) {
			r := newRun(seed, s, test.limited)
			r.offer(capacity/2, time.Minute)
			r.forget()
			r.offer(capacity*test.load, length)
			good += float64(r.good) / (capacity * length.Seconds() * seeds)
			refused += float64(r.refused) / float64(r.arrived) / seeds
			gaveUp += float64(r.gaveUp) / float64(r.arrived) / seeds
			atOnce += float64(r.inFlight) / seeds
			firsts = append(firsts, r.atProvider...)
		}
		slices.Sort(firsts)
		t.Logf("load %.1f, limited %5t: goodput %.2f, refused %.2f, gave up %.2f, first byte of the provider: median %.1f s, p99 %.1f s; %.0f calls at once at the end",
			test.load, test.limited, good, refused, gaveUp,
			firsts[len(firsts)/2].Seconds(), firsts[len(firsts)*99/100].Seconds(), atOnce)
		if good < test.least {
			t.Errorf("load %.1f, limited %t: goodput %.2f of capacity, want %.2f", test.load, test.limited, good, test.least)
		}
	}
}
