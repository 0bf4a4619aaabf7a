package provider

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// OutlierConfig is the section "outliers": when a provider goes behind the
// others because it does worse than they do.
type OutlierConfig struct {
	Interval    time.Duration `koanf:"interval"`          // between two looks at how the providers did meanwhile
	LeastCalls  int           `koanf:"least_calls"`       // of a provider, and of the others together, within the interval; with fewer nothing is said of it
	Failures    float64       `koanf:"failure_ratio"`     // by which its ratio of failures is above that of the others
	Slowness    float64       `koanf:"slowness"`          // times as slow as it usually is, while the others are as usual
	LeastWait   time.Duration `koanf:"least_first_token"` // for the first token of a stream; a provider that is faster is not slow
	Time        time.Duration `koanf:"ejection"`          // that it stays behind the first time, and longer by as much each time that it stands out again
	MaxTime     time.Duration `koanf:"max_ejection"`      // that it stays behind at most
	MostPercent int           `koanf:"max_percent"`       // of the providers that are behind at once, but always one of several; 0 for none at all
}

// DefaultOutlierConfig leaves alone whoever is called seldom.
func DefaultOutlierConfig() OutlierConfig {
	return OutlierConfig{
		Interval: 10 * time.Second, LeastCalls: 20, Failures: 0.2, Slowness: 4, LeastWait: 2 * time.Second,
		Time: 30 * time.Second, MaxTime: 5 * time.Minute, MostPercent: 50,
	}
}

// Validate reports every fault at once.
func (c OutlierConfig) Validate() error {
	var faults []error
	require := func(ok bool, key, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("outliers."+key+" "+format, args...))
		}
	}
	require(c.Interval >= time.Second, "interval", "is %s: give at least 1s", c.Interval)
	require(c.LeastCalls >= 1, "least_calls", "is %d: give a number above 0, such as 20", c.LeastCalls)
	require(c.Failures > 0 && c.Failures <= 1, "failure_ratio", "is %g: give a share above 0 and up to 1, such as 0.2", c.Failures)
	require(c.Slowness > 1, "slowness", "is %g: give a factor above 1, such as 4", c.Slowness)
	require(c.LeastWait > 0, "least_first_token", "is %s: give a duration above 0, such as 2s", c.LeastWait)
	require(c.Time > 0, "ejection", "is %s: give a duration above 0, such as 30s", c.Time)
	require(c.MaxTime >= c.Time, "max_ejection", "is %s: give at least outliers.ejection, which is %s", c.MaxTime, c.Time)
	require(c.MostPercent >= 0 && c.MostPercent <= 100, "max_percent", "is %d: give a number from 0 to 100", c.MostPercent)
	return errors.Join(faults...)
}

// sample is how one provider did within an interval.
type sample struct {
	calls, failed int           // that count for the breaker
	streams       int           // that came to a first token
	wait          time.Duration // for the first tokens of these together
	usual         time.Duration // wait for one, so far; zero while that is not known
	healthy       bool          // it takes calls like any other
	ejected       bool
}

func (s sample) ratio() float64 { return float64(s.failed) / float64(max(s.calls, 1)) }

// slowness is how many times as long as usual a first token took.
func (s sample) slowness() float64 {
	return float64(s.wait) / float64(max(s.streams, 1)) / float64(s.usual)
}

// outlier is a provider that stands out.
type outlier struct {
	at    int // in the samples
	cause cause
	by    float64 // how far above the limit it is, as a factor
}

// outliers finds those that are to go behind the others, the worst first. A
// provider is held against the others of the same interval, so that what is
// wrong with all, or with our own network, is held against none. Latencies are
// compared by how much slower than usual each is: providers serve models that
// differ by far more than that.
func outliers(samples []sample, c OutlierConfig) []outlier {
	var found []outlier
	for i, s := range samples {
		if !s.healthy {
			continue
		}
		if worst := s.against(othersOf(samples, i), c); worst.cause != causeNone {
			worst.at = i
			found = append(found, worst)
		}
	}
	slices.SortStableFunc(found, func(a, b outlier) int { return cmp.Compare(b.by, a.by) })
	return found[:min(len(found), places(samples, c))]
}

// against compares a provider with the others.
func (s sample) against(others sample, c OutlierConfig) outlier {
	if s.calls >= c.LeastCalls && others.calls >= c.LeastCalls {
		if limit := others.ratio() + c.Failures; s.ratio() >= limit {
			return outlier{cause: causeFailsMore, by: s.ratio() / limit}
		}
	}
	if s.streams >= c.LeastCalls && others.streams >= c.LeastCalls && s.usual > 0 && s.wait >= time.Duration(s.streams)*c.LeastWait {
		if limit := max(others.slowness(), 1) * c.Slowness; s.slowness() >= limit {
			return outlier{cause: causeSlower, by: s.slowness() / limit}
		}
	}
	return outlier{}
}

// othersOf adds up all but one. The usual wait of the sum is what its streams
// would usually have waited.
func othersOf(samples []sample, but int) (others sample) {
	var usual time.Duration
	for i, s := range samples {
		if i == but {
			continue
		}
		others.calls += s.calls
		others.failed += s.failed
		if s.usual > 0 {
			others.streams += s.streams
			others.wait += s.wait
			usual += time.Duration(s.streams) * s.usual
		}
	}
	others.usual = usual / time.Duration(max(others.streams, 1))
	return others
}

// places is how many more may go behind: one that is healthy remains in front.
func places(samples []sample, c OutlierConfig) int {
	healthy, ejected := 0, 0
	for _, s := range samples {
		if s.healthy {
			healthy++
		}
		if s.ejected {
			ejected++
		}
	}
	if c.MostPercent == 0 {
		return 0
	}
	most := max(len(samples)*c.MostPercent/100, 1)
	return max(min(most-ejected, healthy-1), 0)
}
