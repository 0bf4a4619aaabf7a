package provider

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors/actortest"
	"example.com/parley/messages"
)

// fleet is some providers with their actors, and the one that compares them.
type fleet struct {
	t         *testing.T
	providers *Providers
	upstreams map[string]*scripted
	comparer  *actor.PID
	system    *actor.ActorSystem
	registry  *prometheus.Registry
}

func newFleet(t *testing.T, cfg OutlierConfig, names ...string) *fleet {
	t.Helper()
	f := &fleet{
		t: t, upstreams: make(map[string]*scripted), registry: prometheus.NewRegistry(), system: actortest.NewSystem(t),
	}
	handles := make([]*Handle, 0, len(names))
	shared := newMetrics(f.registry)
	for _, name := range names {
		f.upstreams[name] = &scripted{chunks: hello()}
		h := newHandle(name, Settings{}.complete(name), f.upstreams[name], shared.of(name, nil))
		handles = append(handles, h)
		actortest.Spawn(t, f.system, h.Props())
	}
	f.providers = newProvidersOf(handles...)
	f.registry.MustRegister(newCollector(f.providers))
	supervised := make(chan *actor.PID, 1)
	actortest.Spawn(t, f.system, actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); ok {
			supervised <- ctx.Spawn(f.providers.Comparer(cfg))
		}
	}))
	f.comparer = <-supervised
	synctest.Wait()
	return f
}

// calls makes calls to a provider, of which some fail and the others take as
// long to their first token.
func (f *fleet) calls(name string, good, bad int, wait time.Duration) {
	f.t.Helper()
	h := f.handle(name)
	for i := range good + bad {
		fails := bad > 0 && i%((good+bad)/bad) == 0
		f.upstreams[name].set(func(s *scripted) {
			s.broken = nil
			if fails {
				s.broken = brokeOff(name)
			}
		})
		answer, err := h.Open(f.t.Context(), "m", &messages.Call{Stream: true})
		if err != nil {
			f.t.Fatal(err)
		}
		answer.(*attempt).started = time.Now().Add(-wait)
		_ = read(answer)
		synctest.Wait()
	}
}

// interval lets the comparer look.
func (f *fleet) interval() {
	time.Sleep(DefaultOutlierConfig().Interval)
	synctest.Wait()
}

func (f *fleet) handle(name string) *Handle {
	h, found := f.providers.Handle(name)
	if !found {
		f.t.Fatalf("there is no provider %s", name)
	}
	return h
}

func (f *fleet) target(name string) messages.Target {
	return messages.Target{Provider: name, Model: "m"}
}

// ejected checks for how long a provider goes behind the others.
func (f *fleet) ejected(name string, length time.Duration, why cause) {
	f.t.Helper()
	s := f.handle(name).Snapshot()
	if got := time.Until(s.Ejected); length == 0 && !s.Ejected.IsZero() || length > 0 && got != length || s.Outlier != why.String() {
		f.t.Errorf("%s is ejected for %s because %q, want %s because %q", name, got, s.Outlier, length, why)
	}
	refusal := f.providers.Refusal(f.target(name))
	if refused := refusal != nil; refused != (length > 0) || f.providers.IsSpare(f.target(name)) != refused {
		f.t.Errorf("the router is told of %s: %v, spare: %t", name, refusal, f.providers.IsSpare(f.target(name)))
	}
}

func TestProviderThatFailsMoreThanTheOthersGoesBehindThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, DefaultOutlierConfig(), "a", "b", "c")
		bad := func() {
			f.calls("a", 30, 0, time.Second)
			f.calls("b", 22, 8, time.Second)
			f.interval()
		}
		bad()
		f.ejected("a", 0, causeNone)
		f.ejected("b", 30*time.Second, causeFailsMore)
		f.calls("b", 1, 0, time.Second) // where nobody else answers it does
		for name, want := range map[string]float64{
			`chatbot_provider_ejected{provider="b"}`:                                1,
			`chatbot_provider_ejected{provider="a"}`:                                0,
			`chatbot_provider_ejections_total{provider="b",reason="failure_ratio"}`: 1,
		} {
			if got := gauge(t, f.registry, name); got != want {
				t.Errorf("%s is %v, want %v", name, got, want)
			}
		}
		time.Sleep(30 * time.Second)
		f.ejected("b", 0, causeNone)
		bad()
		f.ejected("b", time.Minute, causeFailsMore) // it was no accident
		time.Sleep(time.Minute)
		for range 2 { // which is forgotten, one for one
			f.calls("a", 30, 0, time.Second)
			f.calls("b", 30, 0, time.Second)
			f.interval()
		}
		bad()
		f.ejected("b", 30*time.Second, causeFailsMore)
	})
}

func TestProviderThatBecomesSlowGoesBehindTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, DefaultOutlierConfig(), "fast", "slow")
		for range leastLooks {
			f.calls("fast", 30, 0, 100*time.Millisecond)
			f.calls("slow", 30, 0, time.Second)
			f.interval()
			f.ejected("slow", 0, causeNone)
		}
		f.calls("fast", 30, 0, 500*time.Millisecond) // five times as slow as usual, and nobody would notice
		f.calls("slow", 30, 0, time.Second)
		f.interval()
		f.ejected("fast", 0, causeNone)
		f.calls("fast", 30, 0, 100*time.Millisecond)
		f.calls("slow", 30, 0, 6*time.Second)
		f.interval()
		f.ejected("fast", 0, causeNone)
		f.ejected("slow", 30*time.Second, causeSlower)
	})
}

func TestEjectedProviderCanStillBreakAndBeReset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, DefaultOutlierConfig(), "a", "b")
		f.calls("a", 30, 0, 0)
		f.calls("b", 20, 10, 0)
		f.interval()
		f.ejected("b", 30*time.Second, causeFailsMore)
		f.calls("b", 0, 5, 0)
		if f.providers.IsSpare(f.target("b")) || f.handle("b").Snapshot().State != messages.BreakerOpen {
			t.Error("it takes calls while its breaker is open")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := f.handle("b").Reset(ctx); err != nil {
			t.Fatal(err)
		}
		f.ejected("b", 0, causeNone)
	})
}

func TestComparerBeginsAnewAfterARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, DefaultOutlierConfig(), "a", "b")
		f.calls("a", 30, 0, 0)
		f.calls("b", 20, 10, 0)
		f.system.Root.Send(f.comparer, (*look)(nil)) // a fault
		f.interval()                                 // what was before is not counted
		f.ejected("b", 0, causeNone)
		f.calls("a", 30, 0, 0)
		f.calls("b", 20, 10, 0)
		f.interval()
		f.ejected("b", 30*time.Second, causeFailsMore)
	})
}

func TestComparerThatMayEjectNobodyDoesNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := DefaultOutlierConfig()
		cfg.MostPercent = 0
		f := newFleet(t, cfg, "a", "b")
		f.calls("a", 30, 0, 0)
		f.calls("b", 20, 10, 0)
		f.interval()
		f.ejected("b", 0, causeNone)
	})
}
