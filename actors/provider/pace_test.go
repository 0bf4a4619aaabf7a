package provider

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"example.com/parley/messages"
)

func TestPaceJumpsToPeaksAndForgets(t *testing.T) {
	t.Parallel()
	start := time.Unix(1_700_000_000, 0)
	const ms = time.Millisecond
	for name, tt := range map[string]struct {
		do          func(p *pace)
		after       time.Duration
		least, most time.Duration
	}{
		"nothing is known":               {func(*pace) {}, 0, 0, 0},
		"the first call":                 {func(p *pace) { p.saw(300*ms, start) }, 0, 300 * ms, 300 * ms},
		"a peak counts at once":          {func(p *pace) { p.saw(300*ms, start); p.saw(5*time.Second, start) }, 0, 5 * time.Second, 5 * time.Second},
		"a peak outlives a quick call":   {func(p *pace) { p.saw(5*time.Second, start); p.saw(300*ms, start.Add(time.Second)) }, time.Second, 4 * time.Second, 5 * time.Second},
		"and is forgotten with calls":    {func(p *pace) { p.saw(5*time.Second, start); p.saw(300*ms, start.Add(time.Minute)) }, time.Minute, 300 * ms, 320 * ms},
		"and without":                    {func(p *pace) { p.saw(5*time.Second, start) }, 40 * time.Second, 50 * ms, 150 * ms},
		"after long nothing is left":     {func(p *pace) { p.saw(5*time.Second, start) }, time.Hour, 0, 0},
		"a quick failure is not quick":   {func(p *pace) { p.failed(5*ms, start) }, 0, time.Second, time.Second},
		"a failure counts its wait":      {func(p *pace) { p.saw(300*ms, start); p.failed(8*time.Second, start) }, 0, 8 * time.Second, 8 * time.Second},
		"a failure makes nobody faster":  {func(p *pace) { p.saw(8*time.Second, start); p.failed(5*ms, start) }, 0, 16 * time.Second, 16 * time.Second},
		"failures long ago count little": {func(p *pace) { p.failed(5*ms, start); p.failed(5*ms, start.Add(time.Hour)) }, time.Hour, time.Second, time.Second},
		"given up after long":            {func(p *pace) { p.saw(300*ms, start); p.waited(2*time.Second, start) }, 0, 2 * time.Second, 2 * time.Second},
		"given up soon":                  {func(p *pace) { p.saw(300*ms, start); p.waited(ms, start) }, 0, 300 * ms, 300 * ms},
		"the clock went back":            {func(p *pace) { p.saw(300*ms, start.Add(time.Second)); p.saw(100*ms, start) }, 0, 300 * ms, 300 * ms},
		"no time at all":                 {func(p *pace) { p.saw(0, start) }, 0, time.Microsecond, time.Microsecond},
		"longer than anybody waits":      {func(p *pace) { p.saw(100*time.Hour, start) }, 0, time.Hour, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p pace
			tt.do(&p)
			if got := p.at(start.Add(tt.after)); got < tt.least || got > tt.most {
				t.Errorf("the pace is %s, want %s to %s", got, tt.least, tt.most)
			}
		})
	}
}

func TestPacesAreApartByModelAndKind(t *testing.T) {
	t.Parallel()
	var p paces
	now := time.Now()
	p.add("small").of(true).saw(time.Second, now)
	p.add("small").of(false).saw(9*time.Second, now)
	p.add("large").of(true).saw(5*time.Second, now)
	if got := p.of("small").of(true).at(now); got != time.Second {
		t.Errorf("a stream of the small one takes %s", got)
	}
	if got := p.of("small").of(false).at(now); got != 9*time.Second {
		t.Errorf("a reply in one piece takes %s", got)
	}
	if p.of("unknown") != nil {
		t.Error("a model that was never called has a pace")
	}
}

func TestPacesOfManyModelsAreBounded(t *testing.T) {
	t.Parallel()
	var p paces
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for range 2 * maxPaces {
				model := fmt.Sprintf("model-%d", rand.IntN(4*maxPaces))
				if p.add(model) == nil {
					t.Errorf("%s has no pace", model)
				}
			}
		})
	}
	clients.Wait()
	if models := *p.models.Load(); len(models) != maxPaces {
		t.Errorf("%d models have one", len(models))
	}
	if p.of("never-seen") == nil {
		t.Error("the others share none")
	}
}

func TestOnlyTheProvidersOwnFailuresMakeItSlower(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for kind := messages.OutcomeSuccess; kind <= messages.OutcomeLocal; kind++ {
		var p pace
		p.learnFrom(messages.Outcome{Kind: kind, Total: time.Second}, now)
		if kind == messages.OutcomeCancelled {
			continue
		}
		fault := kind == messages.OutcomeFailed || kind == messages.OutcomeTimedOut || kind == messages.OutcomeRateLimited
		if slower := p.at(now) > 0; slower != fault {
			t.Errorf("%s makes it slower: %t", kind, slower)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	h := &Handle{}
	h.paces.add("m").of(true).saw(time.Second, time.Now())
	b.ReportAllocs()
	for b.Loop() {
		h.Load("m", true)
	}
}
