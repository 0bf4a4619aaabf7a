package provider

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"example.com/parley/messages"
)

var testPolicy = policy{failures: 5, open: 5 * time.Second, maxOpen: 2 * time.Minute}

// story is a breaker with everything that happened to it, told anew for every
// question: slow, and without any state to get wrong.
type story []event

type event struct {
	outcome messages.Outcome
	at      time.Time
}

// closed and until say where the story ends: whether the breaker is closed and,
// if not, until when it stays open.
func (s story) end(p policy) (closed bool, until time.Time) {
	closed = true
	inARow, trips := 0, 0
	for _, e := range s {
		failure := e.outcome.Kind == messages.OutcomeFailed || e.outcome.Kind == messages.OutcomeTimedOut ||
			e.outcome.Kind == messages.OutcomeRateLimited && e.outcome.RetryAfter == 0
		success := e.outcome.Kind == messages.OutcomeSuccess
		rejected := !failure && !success && e.outcome.Kind != messages.OutcomeCancelled
		switch {
		case closed && failure:
			inARow++
			if inARow >= p.failures {
				closed, until, trips = false, e.at.Add(p.open), 1
			}
		case closed && success:
			inARow = 0
		case !closed && e.outcome.Probe && (success || rejected):
			closed, inARow, trips = true, 0, 0
		case !closed && e.outcome.Probe && failure:
			open := p.open
			for range trips {
				open = min(2*open, p.maxOpen)
			}
			until = e.at.Add(open)
			trips++
		}
	}
	return closed, until
}

func TestBreakerActsLikeItsStory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var b breaker
		now := time.Unix(1e9, 0)
		steps := rapid.IntRange(1, 60).Draw(t, "steps")
		s := make(story, 0, steps)
		for range steps {
			now = now.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "seconds")) * time.Second)
			o := messages.Outcome{
				Kind:  messages.OutcomeKind(rapid.SampledFrom([]messages.OutcomeKind{0, 1, 2, 3, 3, 3, 4, 5}).Draw(t, "kind")),
				Probe: b.state(now) == messages.BreakerHalfOpen && rapid.Bool().Draw(t, "probe"),
			}
			if o.Kind == messages.OutcomeRateLimited && rapid.Bool().Draw(t, "said when") {
				o.RetryAfter = time.Second
			}
			b = b.after(o, now, testPolicy)
			s = append(s, event{o, now})

			closed, until := s.end(testPolicy)
			want := messages.BreakerClosed
			switch {
			case !closed && now.Before(until):
				want = messages.BreakerOpen
			case !closed:
				want = messages.BreakerHalfOpen
			}
			if got := b.state(now); got != want || !closed && !b.until.Equal(until) {
				t.Fatalf("%s until %s, want %s until %s", got, b.until, want, until)
			}
		}
	})
}

func TestBreakerOpensForLongerEachTime(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	var b breaker
	fail := messages.Outcome{Kind: messages.OutcomeFailed}
	for range testPolicy.failures {
		b = b.after(fail, now, testPolicy)
	}
	fail.Probe = true
	for _, want := range []time.Duration{5, 10, 20, 40, 80, 120, 120} {
		if got := b.until.Sub(now); got != want*time.Second {
			t.Fatalf("open for %s, want %s", got, want*time.Second)
		}
		now = b.until
		b = b.after(fail, now, testPolicy)
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
