package provider

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors/actortest"
	"example.com/parley/messages"
)

// scripted is an upstream that does as it is told.
type scripted struct {
	mu     sync.Mutex
	fail   error         // to open
	refuse map[int]error // by the number of the key
	keys   []int         // that were used
	chunks []messages.Chunk
	broken error // behind the chunks; io.EOF where nil
	hang   bool  // until the call is cancelled
	panics bool
	calls  int
}

func (s *scripted) set(change func(*scripted)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *scripted) open(ctx context.Context, _ string, key int, _ *messages.Call) (Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	s.keys = append(s.keys, key)
	if err := s.refuse[key]; err != nil {
		return nil, err
	}
	if s.panics {
		panic("a dialect's fault")
	}
	if s.fail != nil {
		return nil, s.fail
	}
	end := s.broken
	if end == nil {
		end = io.EOF
	}
	return &scriptedAnswer{ctx: ctx, chunks: s.chunks, end: end, hang: s.hang}, nil
}

func (*scripted) connections() (idle, busy int) { return 2, 1 }
func (*scripted) close()                        {}

type scriptedAnswer struct {
	ctx    context.Context
	chunks []messages.Chunk
	end    error
	hang   bool
}

func (a *scriptedAnswer) Next() (messages.Chunk, error) {
	if len(a.chunks) > 0 {
		c := a.chunks[0]
		a.chunks = a.chunks[1:]
		return c, nil
	}
	if a.hang {
		<-a.ctx.Done()
		return messages.Chunk{}, stopped(a.ctx)
	}
	return messages.Chunk{}, a.end
}

func (a *scriptedAnswer) Close() error { return nil }

func hello() []messages.Chunk {
	return []messages.Chunk{
		{Kind: messages.ChunkOpened, Served: &messages.Served{}},
		{Kind: messages.ChunkText, Text: "hello"},
		{Kind: messages.ChunkFinish, Finish: messages.FinishStop},
	}
}

// bench is a provider with its actor over a scripted upstream.
type bench struct {
	t        *testing.T
	handle   *Handle
	upstream *scripted
	pid      *actor.PID
	system   *actor.ActorSystem
	registry *prometheus.Registry
}

func newBench(t *testing.T, keys ...string) *bench {
	t.Helper()
	b := &bench{t: t, upstream: &scripted{chunks: hello()}, registry: prometheus.NewRegistry(), system: actortest.NewSystem(t)}
	s := Settings{APIKeys: keys}.complete("p")
	b.handle = newHandle("p", s, b.upstream, newMetrics(b.registry).of("p", []string{"m"}))
	supervised := make(chan *actor.PID, 1)
	actortest.Spawn(t, b.system, actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); ok {
			supervised <- ctx.Spawn(b.handle.Props())
		}
	}))
	b.pid = <-supervised
	actortest.Eventually(t, "the actor is there", func() bool { return b.handle.tell.Load() != nil })
	return b
}

// newProvidersOf puts handles into a table.
func newProvidersOf(handles ...*Handle) *Providers {
	p := &Providers{}
	p.table.Store(newTable(make(map[string]*Handle)))
	for _, h := range handles {
		p.replace(func(all map[string]*Handle) *Handle { all[h.name] = h; return nil })
	}
	return p
}

// call makes a call and reads it to its end.
func (b *bench) call() error {
	answer, err := b.handle.Open(context.Background(), "m", &messages.Call{})
	if err != nil {
		return err
	}
	return read(answer)
}

// read takes an answer to its end.
func read(answer Answer) error {
	defer answer.Close() //nolint:errcheck // nothing is lost
	for {
		if _, err := answer.Next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// fail has calls fail as often.
func (b *bench) fail(times int) {
	b.t.Helper()
	b.upstream.set(func(s *scripted) { s.fail = broken("p", errors.New("reset")) })
	for range times {
		if err := b.call(); messages.CodeOf(err) != messages.CodeProviderFailed {
			b.t.Fatalf("got %v", err)
		}
	}
	synctest.Wait() // the actor has learned of them
	b.upstream.set(func(s *scripted) { s.fail = nil })
}

func (b *bench) state() messages.BreakerState { return b.handle.Snapshot().State }

func TestProviderThatFailsIsLeftAloneAndTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.fail(5)
		err := b.call()
		if f := messages.AsFailure(err); f.Code != messages.CodeProviderUnavailable || f.RetryAfter != 5*time.Second {
			t.Fatalf("got %v, retry after %s", f, f.RetryAfter)
		}
		if refusal := b.handle.Refusal("m"); refusal == nil || b.state() != messages.BreakerOpen {
			t.Errorf("the router is told %v, the state is %s", refusal, b.state())
		}
		if b.upstream.calls != 5 {
			t.Errorf("it was called %d times", b.upstream.calls)
		}
		time.Sleep(5 * time.Second)
		if refusal := b.handle.Refusal("m"); refusal != nil || b.state() != messages.BreakerHalfOpen {
			t.Errorf("after the wait the router is told %v, the state is %s", refusal, b.state())
		}
		if err := b.call(); err != nil {
			t.Errorf("the probe: %v", err)
		}
		synctest.Wait()
		if b.state() != messages.BreakerClosed {
			t.Errorf("after the probe it is %s", b.state())
		}
	})
}

func TestHalfOpenBreakerLetsOneCallThrough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.fail(5)
		time.Sleep(5 * time.Second)
		b.upstream.set(func(s *scripted) { s.hang, s.chunks = true, hello()[:1] })
		ctx, cancel := context.WithCancel(t.Context())
		probe, err := b.handle.Open(ctx, "m", &messages.Call{})
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if err := b.call(); messages.CodeOf(err) != messages.CodeProviderUnavailable {
				t.Errorf("beside the probe: %v", err)
			}
		}
		cancel() // its client goes away: nothing was learned, and the next may try
		for err == nil {
			_, err = probe.Next()
		}
		_ = probe.Close()
		synctest.Wait()
		if refusal := b.handle.Refusal("m"); refusal != nil {
			t.Errorf("after a probe that was cancelled: %v", refusal)
		}
		b.fail(1)
		if f := b.handle.Refusal("m"); f == nil || f.RetryAfter != 10*time.Second {
			t.Errorf("after a probe that failed: %v", f)
		}
	})
}

func TestProbeIsDecidedByItsFirstToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.fail(5)
		time.Sleep(5 * time.Second)
		b.upstream.set(func(s *scripted) { s.hang, s.chunks = true, hello()[:2] })
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		probe, err := b.handle.Open(ctx, "m", &messages.Call{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := probe.Next(); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if b.state() != messages.BreakerClosed {
			t.Errorf("while the probe's reply goes on it is %s", b.state())
		}
		_ = probe.Close()
	})
}

func TestProbeThatBreaksOffBeforeItsFirstTokenFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.fail(5)
		time.Sleep(5 * time.Second)
		b.upstream.set(func(s *scripted) {
			s.chunks = []messages.Chunk{hello()[0], {Kind: messages.ChunkUsage, Usage: &messages.Usage{Input: 8, Estimated: true}}}
			s.broken = brokeOff("p")
		})
		if err := b.call(); err == nil {
			t.Fatal("it is whole")
		}
		synctest.Wait()
		if b.state() != messages.BreakerOpen {
			t.Errorf("after a probe that told its cost and no more it is %s", b.state())
		}
	})
}

func TestLimitedModelIsParkedAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.upstream.set(func(s *scripted) {
			s.fail = &messages.Failure{Code: messages.CodeProviderLimited, RetryAfter: 20 * time.Second}
		})
		_ = b.call()
		b.upstream.set(func(s *scripted) { s.fail = nil })
		synctest.Wait()
		f := b.handle.Refusal("m")
		if f == nil || f.Code != messages.CodeProviderLimited || f.RetryAfter != 20*time.Second {
			t.Fatalf("got %v", f)
		}
		if err := b.call(); messages.CodeOf(err) != messages.CodeProviderLimited {
			t.Errorf("a call was made all the same: %v", err)
		}
		if f := b.handle.Refusal("another"); f != nil {
			t.Errorf("another model: %v", f)
		}
		if parked := b.handle.Snapshot().Parked; len(parked) != 1 || time.Until(parked[Place{Model: "m"}]) != 20*time.Second {
			t.Errorf("the snapshot says %v", parked)
		}
		time.Sleep(20 * time.Second)
		if err := b.call(); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	})
}

func TestOutcomesThatAreNoFailures(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"a request that is rejected":       &messages.Failure{Code: messages.CodeProviderRejected, Status: 400},
		"a context that is too long":       &messages.Failure{Code: messages.CodeContextLength},
		"a key that is refused":            &messages.Failure{Code: messages.CodeProviderKey},
		"a call that is cancelled":         &messages.Failure{Code: messages.CodeCancelled},
		"a deadline of ours":               &messages.Failure{Code: messages.CodeDeadline},
		"connections that are all in use":  busy("p", 1),
		"a limit that says when it ends":   &messages.Failure{Code: messages.CodeProviderLimited, RetryAfter: time.Nanosecond},
		"a request that cannot be written": &messages.Failure{Code: messages.CodeUnsupported},
		"a reply that is longer than ours": tooLong("p", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.upstream.set(func(s *scripted) { s.fail = err })
				for range 10 {
					_ = b.call()
					time.Sleep(time.Millisecond)
				}
				if b.state() != messages.BreakerClosed {
					t.Errorf("the breaker is %s", b.state())
				}
			})
		})
	}
}

func TestReplyThatBreaksIsAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.upstream.set(func(s *scripted) { s.broken = brokeOff("p") })
		for range 5 {
			_ = b.call()
		}
		synctest.Wait()
		if s := b.handle.Snapshot(); s.State != messages.BreakerOpen || s.Reason == "" {
			t.Errorf("got %+v", s)
		}
	})
}

func TestCallsAreCountedWhileTheyRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.upstream.set(func(s *scripted) { s.hang = true })
		var answers [3]Answer
		for i := range answers {
			var err error
			if answers[i], err = b.handle.Open(t.Context(), "m", &messages.Call{}); err != nil {
				t.Fatal(err)
			}
		}
		if n := b.handle.Snapshot().InFlight; n != 3 {
			t.Errorf("%d calls run", n)
		}
		for _, answer := range answers {
			_ = answer.Close()
			_ = answer.Close()
		}
		if n := b.handle.Snapshot().InFlight; n != 0 {
			t.Errorf("%d calls run after they were closed", n)
		}
	})
}

func TestPanicOfADialectLeavesNothingCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.upstream.set(func(s *scripted) { s.panics = true })
		func() {
			defer func() { _ = recover() }()
			_ = b.call()
		}()
		if n := b.handle.Snapshot().InFlight; n != 0 {
			t.Errorf("%d calls run", n)
		}
	})
}

func TestRestartGoesOnFromWhatWasPublished(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.fail(5)
		b.system.Root.Send(b.pid, (*ended)(nil)) // a fault
		synctest.Wait()
		if b.state() != messages.BreakerOpen {
			t.Errorf("after a restart it is %s", b.state())
		}
		time.Sleep(5 * time.Second)
		known := b.handle.health.Load()
		known.claimProbe() // by a call whose report is lost
		b.system.Root.Send(b.pid, (*ended)(nil))
		synctest.Wait()
		if err := b.call(); err != nil {
			t.Errorf("the next probe: %v", err)
		}
	})
}

func TestSnapshotSmoothsTheLatency(t *testing.T) {
	t.Parallel()
	h := newHandle("p", Settings{}.complete("p"), &scripted{}, newMetrics(prometheus.NewRegistry()).of("p", nil))
	for range 200 {
		h.sawFirstByte(100 * time.Millisecond)
	}
	h.sawFirstByte(0) // of a call that got none
	h.sawFirstByte(1700 * time.Millisecond)
	if got := h.Snapshot().Latency; got != 200*time.Millisecond {
		t.Errorf("got %s", got)
	}
}

func TestCallsThatChangeNothingPublishNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		before := b.handle.health.Load()
		b.fail(1)
		for range 10 {
			_ = b.call()
		}
		synctest.Wait()
		if b.handle.health.Load() != before {
			t.Error("something was published")
		}
	})
}

func TestProviderWhoseCallsFailOftenIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		for range 10 {
			_ = b.call()
			b.fail(1)
		}
		if s := b.handle.Snapshot(); s.State != messages.BreakerOpen || s.Reason != causeShare.String() {
			t.Errorf("got %+v", s)
		}
	})
}

// Calls that hung while a provider was down end after it has come back: they
// tell of another time.
func TestCallsFromBeforeTheProbeDoNotOpenItAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.upstream.set(func(s *scripted) { s.chunks, s.broken = hello()[:1], brokeOff("p") })
		var late [20]Answer
		for i := range late {
			late[i], _ = b.handle.Open(t.Context(), "m", &messages.Call{})
			_, _ = late[i].Next()
		}
		time.Sleep(time.Second)
		b.upstream.set(func(s *scripted) { s.chunks, s.broken = hello(), nil })
		b.fail(5)
		time.Sleep(5 * time.Second)
		if err := b.call(); err != nil {
			t.Fatalf("the probe: %v", err)
		}
		for _, answer := range late {
			if _, err := answer.Next(); err == nil {
				t.Fatal("the late calls do not fail")
			}
		}
		synctest.Wait()
		if b.state() != messages.BreakerClosed {
			t.Errorf("it is %s", b.state())
		}
	})
}

func TestParkedModelsAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	var parked map[Place]time.Time
	for i := range 2 * maxParked {
		parked = park(parked, Place{Model: string(rune('a' + i))}, time.Hour, now)
	}
	if len(parked) != maxParked {
		t.Errorf("%d models", len(parked))
	}
	for place, until := range parked {
		if until.Sub(now) > longest {
			t.Errorf("%v is parked for %s", place, until.Sub(now))
		}
	}
	if parked = park(parked, Place{Model: "z"}, time.Second, now.Add(time.Hour)); len(parked) != 1 {
		t.Errorf("%d models after all were free again", len(parked))
	}
}

func TestOutcomeOf(t *testing.T) {
	t.Parallel()
	got := make(map[messages.Code]messages.OutcomeKind)
	for _, code := range []messages.Code{
		messages.CodeProviderFailed, messages.CodeProviderTimeout, messages.CodeProviderLimited, messages.CodeProviderQuota,
		messages.CodeCancelled, messages.CodeDeadline, messages.CodeProviderRejected, messages.CodeContentFilter,
		messages.CodeProviderUnavailable, messages.CodeUnsupported, messages.CodeInternal,
	} {
		got[code] = outcomeOf(&messages.Failure{Code: code}).Kind
	}
	want := map[messages.Code]messages.OutcomeKind{
		messages.CodeProviderFailed: messages.OutcomeFailed, messages.CodeProviderTimeout: messages.OutcomeTimedOut,
		messages.CodeProviderLimited: messages.OutcomeRateLimited, messages.CodeProviderQuota: messages.OutcomeRateLimited,
		messages.CodeCancelled: messages.OutcomeCancelled, messages.CodeDeadline: messages.OutcomeCancelled,
		messages.CodeProviderRejected: messages.OutcomeRejected, messages.CodeContentFilter: messages.OutcomeRejected,
		messages.CodeProviderUnavailable: messages.OutcomeLocal, messages.CodeUnsupported: messages.OutcomeLocal, messages.CodeInternal: messages.OutcomeLocal,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// BenchmarkRefusal is what the router asks for each target of each request.
func BenchmarkRefusal(b *testing.B) {
	h := newHandle("p", Settings{}.complete("p"), &scripted{}, newMetrics(prometheus.NewRegistry()).of("p", nil))
	p := newProvidersOf(h)
	target := messages.Target{Provider: "p", Model: "m"}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if p.Refusal(target) != nil {
				b.Error("it refuses")
			}
		}
	})
}
