package provider

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var usualLimits = limits{initial: 256, least: 8, most: 1024, tolerance: 2}

// limitBench feeds a limit with calls that come and go at once.
type limitBench struct {
	limit limit
	now   time.Time
}

func newLimitBench(l limits) *limitBench {
	return &limitBench{limit: newLimit(l), now: time.Unix(1e9, 0)}
}

// calls has calls end, one each 20 ms. How many run beside them is given as a
// share of the limit.
func (b *limitBench) calls(count int, share float64, s observation) {
	for range count {
		b.now = b.now.Add(20 * time.Millisecond)
		s.began, s.beside = b.now.Add(-time.Millisecond), int(share*float64(b.limit.now()))
		b.limit.learn(s, b.now)
	}
}

func firstByte(d time.Duration) observation { return observation{model: "m", firstByte: d} }

func TestLimitMovesByWhatItSees(t *testing.T) {
	t.Parallel()
	const usually = 200 * time.Millisecond
	for name, test := range map[string]struct {
		do          func(*limitBench)
		least, most int64 // of the limit behind it
	}{
		"as usual, in use: it grows up to its end":         {func(b *limitBench) { b.calls(500, 1, firstByte(usually)) }, 1024, 1024},
		"as usual, not in use: it stays":                   {func(b *limitBench) { b.calls(500, 0.4, firstByte(usually)) }, 256, 256},
		"late, not in use: it stays":                       {func(b *limitBench) { b.calls(500, 0.4, firstByte(5*usually)) }, 256, 256},
		"drops, not in use: it stays":                      {func(b *limitBench) { b.calls(500, 0.4, observation{dropped: true}) }, 256, 256},
		"a little late, in use: it is no reason to shrink": {func(b *limitBench) { b.calls(500, 1, firstByte(usually*14/10)) }, 1024, 1024},
		"five times as late, and prompt: it grows": {func(b *limitBench) {
			b.calls(100, 0.1, firstByte(4*time.Millisecond))
			b.calls(500, 1, firstByte(20*time.Millisecond))
		}, 1024, 1024},
		"later than it tolerates: it shrinks":         {func(b *limitBench) { b.calls(30, 1, firstByte(4*usually)) }, 180, 230},
		"drops: it shrinks":                           {func(b *limitBench) { b.calls(20, 1, observation{dropped: true}) }, 200, 210},
		"drops without end: it stays above its least": {func(b *limitBench) { b.calls(5000, 1, observation{dropped: true}) }, 8, 8},
		"replies in one piece, which have no first byte: it grows": {
			func(b *limitBench) { b.calls(500, 1, observation{model: "m"}) }, 1024, 1024,
		},
		"an outage that ended: it recovers": {func(b *limitBench) {
			b.calls(5000, 1, observation{dropped: true})
			b.calls(500, 1, firstByte(usually))
		}, 256, 1024},
		"a provider that is slower for good: it is not for the number of calls": {func(b *limitBench) {
			b.calls(2000, 1, firstByte(3*usually))
		}, 256, 1024},
		"one model in ten has long prompts: it grows": {func(b *limitBench) {
			for range 100 {
				b.calls(9, 1, firstByte(usually))
				b.calls(1, 1, firstByte(20*usually))
			}
		}, 1024, 1024},
		"most calls go to a model that is slow: it grows": {func(b *limitBench) {
			b.calls(20, 0.1, observation{model: "slow", firstByte: 30 * usually})
			b.calls(500, 1, observation{model: "slow", firstByte: 30 * usually})
		}, 1024, 1024},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newLimitBench(usualLimits)
			b.calls(100, 0.1, firstByte(usually))
			test.do(b)
			if got := b.limit.now(); got < test.least || got > test.most {
				t.Errorf("the limit is %d, want %d to %d", got, test.least, test.most)
			}
		})
	}
}

// A limit may be wrong about what is usual: when the server starts under too
// much load it has never seen anything else. It finds out.
func TestLimitThatKnowsNothingElseFindsOutWhatIsUsual(t *testing.T) {
	t.Parallel()
	const places, alone = 32, 0.2 // seconds
	b := newLimitBench(usualLimits)
	for range 20000 {
		atOnce := float64(b.limit.now()) // the limit is always used up
		wait := alone * max(1, atOnce/places)
		b.calls(1, 1, firstByte(time.Duration(wait*1e9)))
	}
	if got := b.limit.now(); got < places || got > 4*places {
		t.Errorf("with %d places at the provider the limit is %d", places, got)
	}
}

func TestLimitKeepsItsBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		least := rapid.IntRange(1, 50).Draw(t, "least")
		most := least + rapid.IntRange(0, 500).Draw(t, "span")
		b := newLimitBench(limits{
			initial: float64(rapid.IntRange(least, most).Draw(t, "initial")), least: float64(least), most: float64(most),
			tolerance: rapid.Float64Range(1.1, 5).Draw(t, "tolerance"),
		})
		for range rapid.IntRange(1, 30).Draw(t, "phases") {
			share := rapid.Float64Range(0, 3).Draw(t, "share")
			s := observation{
				model:     rapid.SampledFrom([]string{"a", "b", ""}).Draw(t, "model"),
				firstByte: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "first byte")),
				dropped:   rapid.Bool().Draw(t, "dropped"),
			}
			b.calls(rapid.IntRange(1, 100).Draw(t, "calls"), share, s)
			got := b.limit.now()
			if got < int64(least) || got > int64(most) || math.IsNaN(b.limit.current) {
				t.Fatalf("the limit is %v, its bounds are %d and %d", b.limit.current, least, most)
			}
		}
	})
}

func TestLimitStaysWhileItIsNotInUse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := newLimitBench(usualLimits)
		for range rapid.IntRange(1, 30).Draw(t, "phases") {
			b.calls(rapid.IntRange(1, 100).Draw(t, "calls"), rapid.Float64Range(0, 0.49).Draw(t, "share"), observation{
				model: "m", dropped: rapid.Bool().Draw(t, "dropped"),
				firstByte: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "first byte")),
			})
			if got := b.limit.now(); got != 256 {
				t.Fatalf("the limit is %d", got)
			}
		}
	})
}

func TestModelsBeyondCountAreJudgedTogether(t *testing.T) {
	t.Parallel()
	b := newLimitBench(usualLimits)
	for i := range 10 * maxModels {
		b.calls(1, 0.1, observation{model: string(rune('a' + i)), firstByte: time.Second})
	}
	if got := len(b.limit.usual.models); got != maxModels+1 {
		t.Errorf("%d models are told apart", got)
	}
}
