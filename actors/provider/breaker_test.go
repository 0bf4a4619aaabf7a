package provider

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"example.com/parley/messages"
)

var testPolicy = policy{
	failures: 5, window: 30 * time.Second, calls: 8, share: 0.5, open: 5 * time.Second, maxOpen: 2 * time.Minute,
}

// story is a breaker with everything that happened to it, told anew for every
// question: slow, and without any state to get wrong.
type story []event

type event struct {
	outcome   messages.Outcome
	began, at time.Time
}

func (e event) bad() bool {
	return e.outcome.Kind == messages.OutcomeFailed || e.outcome.Kind == messages.OutcomeTimedOut ||
		e.outcome.Kind == messages.OutcomeRateLimited && e.outcome.RetryAfter == 0
}

func (e event) good() bool { return e.outcome.Kind == messages.OutcomeSuccess }

func (e event) ours() bool {
	return e.outcome.Kind == messages.OutcomeCancelled || e.outcome.Kind == messages.OutcomeLocal
}

// chapter is what a story says since the breaker last moved.
type chapter struct {
	closed bool
	until  time.Time // while it is not closed
	trips  int
	since  time.Time
	calls  []event // that count, while it is closed
}

// end says where the story ends.
func (s story) end(p policy) chapter {
	c := chapter{closed: true}
	for _, e := range s {
		switch {
		case e.ours() || e.began.Before(c.since):
		case c.closed && (e.good() || e.bad()):
			c.calls = append(c.calls, e)
			if c.opens(p) {
				if e.at.Sub(c.since) >= p.maxOpen {
					c.trips = 0
				}
				c = c.opened(e.at, p)
			}
		case !c.closed && e.outcome.Probe && e.bad():
			c = c.opened(e.at, p)
		case !c.closed && e.outcome.Probe:
			c = chapter{closed: true, trips: c.trips, since: e.at}
		}
	}
	return c
}

func (c chapter) opened(at time.Time, p policy) chapter {
	open := p.open
	for range c.trips {
		open = min(2*open, p.maxOpen)
	}
	return chapter{until: at.Add(open), trips: c.trips + 1, since: at}
}

// opens tells whether the calls of the chapter open the breaker.
func (c chapter) opens(p policy) bool {
	inARow := 0
	for _, e := range c.calls {
		inARow++
		if e.good() {
			inARow = 0
		}
	}
	// Buckets are counted from the first call.
	bucket := func(e event) int { return int(e.at.Sub(c.calls[0].at) / (p.window / buckets)) }
	calls, failed := 0, 0
	for _, e := range c.calls {
		if bucket(e) <= bucket(c.calls[len(c.calls)-1])-buckets {
			continue
		}
		calls++
		if e.bad() {
			failed++
		}
	}
	return inARow >= p.failures || calls >= p.calls && float64(failed)/float64(calls) >= p.share
}

func (c chapter) state(now time.Time) messages.BreakerState {
	switch {
	case c.closed:
		return messages.BreakerClosed
	case now.Before(c.until):
		return messages.BreakerOpen
	default:
		return messages.BreakerHalfOpen
	}
}

func TestBreakerActsLikeItsStory(t *testing.T) {
	t.Parallel()
	seen := make(map[messages.BreakerState]int)
	shares := 0
	rapid.Check(t, func(t *rapid.T) {
		p := testPolicy
		p.failures = rapid.SampledFrom([]int{2, 5, 1000}).Draw(t, "failures in a row")
		p.share = rapid.SampledFrom([]float64{0.25, 0.5, 1}).Draw(t, "share")
		b := breaker{policy: p}
		now := time.Unix(1e9, 0)
		steps := rapid.IntRange(1, 80).Draw(t, "steps")
		pace := rapid.SampledFrom([]int{500, 5_000, 200_000}).Draw(t, "pace")
		s := make(story, 0, steps)
		for range steps {
			now = now.Add(time.Duration(rapid.IntRange(0, pace).Draw(t, "milliseconds")) * time.Millisecond)
			o := messages.Outcome{
				Kind:  messages.OutcomeKind(rapid.SampledFrom([]messages.OutcomeKind{0, 0, 0, 1, 2, 3, 3, 3, 4, 5, 6}).Draw(t, "kind")),
				Probe: b.standing.state(now) == messages.BreakerHalfOpen && rapid.Bool().Draw(t, "probe"),
			}
			if o.Kind == messages.OutcomeRateLimited && rapid.Bool().Draw(t, "said when") {
				o.RetryAfter = time.Second
			}
			took := time.Duration(rapid.SampledFrom([]int{0, 0, 0, 2, 100}).Draw(t, "seconds that it took")) * time.Second
			if o.Probe {
				took = 0
			}
			before := b.standing
			moved := b.learn(o, now.Add(-took), now)
			s = append(s, event{o, now.Add(-took), now})

			want := s.end(p)
			if got := b.standing.state(now); got != want.state(now) || !b.standing.until.Equal(want.until) {
				t.Fatalf("%s until %s, want %s until %s", got, b.standing.until, want.state(now), want.until)
			}
			if moved != (before != b.standing) {
				t.Fatalf("it says that it moved: %t, from %+v to %+v", moved, before, b.standing)
			}
			seen[b.standing.state(now)]++
			if b.standing.cause == causeShare {
				shares++
			}
		}
	})
	if len(seen) != 3 || shares == 0 {
		t.Errorf("the stories are dull: %v, %d of them by the share", seen, shares)
	}
}

// fails has calls fail one after the other, a second apart.
func (b *breaker) fails(times int, now time.Time) time.Time {
	for range times {
		now = now.Add(time.Second)
		b.learn(messages.Outcome{Kind: messages.OutcomeFailed}, now, now)
	}
	return now
}

func TestBreakerOpensForLongerEachTime(t *testing.T) {
	t.Parallel()
	b := breaker{policy: testPolicy}
	now := b.fails(testPolicy.failures, time.Unix(1e9, 0))
	for _, want := range []time.Duration{5, 10, 20, 40, 80, 120, 120} {
		if got := b.standing.until.Sub(now); got != want*time.Second {
			t.Fatalf("open for %s, want %s", got, want*time.Second)
		}
		now = b.standing.until
		b.learn(messages.Outcome{Kind: messages.OutcomeFailed, Probe: true}, now, now)
	}
}

func TestBreakerForgetsAfterAQuietTime(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ quiet, open time.Duration }{
		"none":     {0, 10 * time.Second},
		"a short":  {testPolicy.maxOpen / 2, 10 * time.Second},
		"a proper": {testPolicy.maxOpen, 5 * time.Second},
	} {
		b := breaker{policy: testPolicy}
		b.fails(testPolicy.failures, time.Unix(1e9, 0))
		now := b.standing.until
		b.learn(messages.Outcome{Kind: messages.OutcomeSuccess, Probe: true}, now, now)
		now = b.fails(testPolicy.failures, now.Add(tt.quiet))
		if got := b.standing.until.Sub(now); got != tt.open {
			t.Errorf("after %s quiet time it opens for %s, want %s", name, got, tt.open)
		}
	}
}

func TestBreakerOpensByTheShareOfFailures(t *testing.T) {
	t.Parallel()
	good, bad := messages.Outcome{Kind: messages.OutcomeSuccess}, messages.Outcome{Kind: messages.OutcomeTimedOut}
	for name, tt := range map[string]struct {
		calls []messages.Outcome
		every time.Duration
		want  cause
	}{
		"every other, often enough":  {repeat(4, good, bad), time.Second, causeShare},
		"every other, too few":       {repeat(3, good, bad), time.Second, causeNone},
		"every other, too seldom":    {repeat(20, good, bad), 5 * time.Second, causeNone},
		"every third":                {repeat(20, good, good, bad), time.Second, causeNone},
		"in a row":                   {repeat(5, bad), time.Second, causeTimedOut},
		"with cancelled ones beside": {repeat(20, good, good, bad, messages.Outcome{Kind: messages.OutcomeCancelled}), time.Second, causeNone},
	} {
		b := breaker{policy: testPolicy}
		now := time.Unix(1e9, 0)
		for _, o := range tt.calls {
			b.learn(o, now, now)
			now = now.Add(tt.every)
		}
		if b.standing.cause != tt.want {
			t.Errorf("%s: it stands because %q, want %q", name, b.standing.cause, tt.want)
		}
	}
}

func repeat(times int, outcomes ...messages.Outcome) (all []messages.Outcome) {
	for range times {
		all = append(all, outcomes...)
	}
	return all
}

func TestBreakerAllocatesNothing(t *testing.T) {
	b := breaker{policy: testPolicy}
	now := time.Unix(1e9, 0)
	allocated := testing.AllocsPerRun(1000, func() {
		now = now.Add(time.Second)
		b.learn(messages.Outcome{Kind: messages.OutcomeSuccess}, now, now)
		b.learn(messages.Outcome{Kind: messages.OutcomeFailed}, now, now)
	})
	if allocated != 0 {
		t.Errorf("%v allocations", allocated)
	}
}

func TestIntervalDoesNotOverflow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := policy{open: time.Duration(rapid.Int64Min(1).Draw(t, "open"))}
		p.maxOpen = time.Duration(rapid.Int64Min(int64(p.open)).Draw(t, "max"))
		trips := rapid.IntRange(0, 100).Draw(t, "trips")
		if d := p.interval(trips); d < p.open || d > p.maxOpen || p.interval(trips+1) < d {
			t.Fatalf("%s after %d times, %s after one more", d, trips, p.interval(trips+1))
		}
	})
}

func TestEveryCauseHasALabelAndAReason(t *testing.T) {
	t.Parallel()
	for c := causeFailed; int(c) < len(causes); c++ {
		if c.label() == "" || c.String() == "" {
			t.Errorf("the cause %d says nothing", c)
		}
	}
}

// BenchmarkLearn is what each call adds to the actor's work.
func BenchmarkLearn(b *testing.B) {
	breaker := breaker{policy: Settings{}.complete("p").policy()}
	now := time.Unix(1e9, 0)
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Millisecond)
		breaker.learn(messages.Outcome{Kind: messages.OutcomeSuccess}, now, now)
	}
}
