package provider

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// did is a healthy provider with as many calls, all of them streams, of which
// some failed, with the mean wait for a first token.
func did(calls, failed int, wait time.Duration) sample {
	return sample{
		calls: calls, failed: failed, streams: calls, wait: time.Duration(calls) * wait, usual: time.Second, healthy: true,
	}
}

func TestOutliersStandOutAgainstTheOthers(t *testing.T) {
	t.Parallel()
	type found map[int]cause
	fine := did(100, 0, time.Second)
	for name, tt := range map[string]struct {
		samples []sample
		want    found
	}{
		"nobody":                        {[]sample{fine, fine, fine}, found{}},
		"one that fails":                {[]sample{fine, did(100, 30, time.Second), fine}, found{1: causeFailsMore}},
		"one that fails a little":       {[]sample{fine, did(100, 19, time.Second), fine}, found{}},
		"all fail":                      {[]sample{did(100, 40, time.Second), did(100, 35, time.Second), did(100, 45, time.Second)}, found{}},
		"one fails more than the rest":  {[]sample{did(100, 10, time.Second), did(100, 35, time.Second), did(100, 10, time.Second)}, found{1: causeFailsMore}},
		"too few calls":                 {[]sample{fine, did(19, 19, time.Second), fine}, found{}},
		"too few calls of the others":   {[]sample{did(9, 0, time.Second), did(100, 90, time.Second), did(9, 0, time.Second)}, found{}},
		"a provider without others":     {[]sample{did(100, 90, time.Second)}, found{}},
		"one that is slow":              {[]sample{fine, did(100, 0, 5*time.Second), fine}, found{1: causeSlower}},
		"one that is a little slow":     {[]sample{fine, did(100, 0, 3*time.Second), fine}, found{}},
		"all are slow":                  {[]sample{did(100, 0, 5*time.Second), did(100, 0, 6*time.Second), did(100, 0, 7*time.Second)}, found{}},
		"slow, and usually so":          {[]sample{fine, {calls: 100, streams: 100, wait: 500 * time.Second, usual: 4 * time.Second, healthy: true}, fine}, found{}},
		"slow, and nobody knows better": {[]sample{fine, {calls: 100, streams: 100, wait: 500 * time.Second, healthy: true}, fine}, found{}},
		"slower, and still fast": {[]sample{fine, {
			calls: 100, streams: 100, wait: 100 * 500 * time.Millisecond, usual: 10 * time.Millisecond, healthy: true,
		}, fine}, found{}},
		"the worst of two":      {[]sample{fine, did(100, 50, time.Second), did(100, 90, time.Second), fine, fine, fine, fine}, found{1: causeFailsMore, 2: causeFailsMore}},
		"no more than a half":   {[]sample{fine, did(500, 200, time.Second), did(500, 450, time.Second)}, found{2: causeFailsMore}},
		"the other is drained":  {[]sample{{calls: 100}, did(100, 90, time.Second)}, found{}},
		"it is out already":     {[]sample{fine, fine, {calls: 100, failed: 90}}, found{}},
		"it is ejected already": {[]sample{fine, fine, {calls: 100, failed: 90, ejected: true}, did(100, 50, time.Second)}, found{3: causeFailsMore}},
		"half of them are":      {[]sample{fine, {ejected: true}, {ejected: true}, did(100, 90, time.Second)}, found{}},
	} {
		got := make(found)
		for _, o := range outliers(tt.samples, DefaultOutlierConfig()) {
			got[o.at] = o.cause
		}
		if diff := gocmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestOutliersLeaveOneThatIsHealthyAndNoMoreThanTheShareGoes(t *testing.T) {
	t.Parallel()
	some := 0
	rapid.Check(t, func(t *rapid.T) {
		cfg := DefaultOutlierConfig()
		cfg.MostPercent = rapid.IntRange(0, 100).Draw(t, "percent")
		samples := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) sample {
			s := did(rapid.IntRange(0, 200).Draw(t, "calls"), 0, time.Duration(rapid.IntRange(0, 60).Draw(t, "seconds"))*time.Second)
			s.failed = rapid.IntRange(0, s.calls).Draw(t, "failed")
			s.ejected = rapid.IntRange(0, 4).Draw(t, "ejected") == 0
			s.healthy = !s.ejected && rapid.IntRange(0, 4).Draw(t, "healthy") > 0
			return s
		}), 0, 8).Draw(t, "samples")
		healthy, ejected := 0, 0
		for _, s := range samples {
			if s.healthy {
				healthy++
			}
			if s.ejected {
				ejected++
			}
		}
		found := outliers(samples, cfg)
		some += len(found)
		if len(found) == 0 {
			return
		}
		if len(found) >= healthy {
			t.Fatalf("%d of %d healthy ones are to go", len(found), healthy)
		}
		if most := max(1, len(samples)*cfg.MostPercent/100); cfg.MostPercent == 0 || ejected+len(found) > most {
			t.Fatalf("%d go where %d are out already, of %d, at %d%%", len(found), ejected, len(samples), cfg.MostPercent)
		}
		if !slices.IsSortedFunc(found, func(a, b outlier) int { return cmp.Compare(b.by, a.by) }) {
			t.Fatalf("they are not the worst: %v", found)
		}
		for _, o := range found {
			if !samples[o.at].healthy || o.by < 1 {
				t.Fatalf("%+v goes", samples[o.at])
			}
		}
	})
	if some == 0 {
		t.Error("nobody ever went")
	}
}

func TestOutlierConfigFaultsNameTheKey(t *testing.T) {
	t.Parallel()
	if err := DefaultOutlierConfig().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	err := OutlierConfig{MostPercent: 101, Slowness: 1}.Validate()
	for _, key := range []string{
		"interval", "least_calls", "failure_ratio", "slowness", "least_first_token", "ejection", "max_percent",
	} {
		if err == nil || !strings.Contains(err.Error(), "outliers."+key+" is ") {
			t.Errorf("nothing of %s in: %v", key, err)
		}
	}
}
