package batch_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"example.com/parley/actors/batch"
	"example.com/parley/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// models answers turns; a model's name says how.
type models struct {
	running, most atomic.Int64
	asked         atomic.Int64
	refusals      atomic.Int64 // that are still to come
	size          int          // bytes of an answer
}

func (m *models) Send(turn *messages.StartTurn) error {
	m.asked.Add(1)
	switch {
	case turn.Spec.Model == "unknown":
		turn.Refuse(&messages.Failure{Code: messages.CodeModelNotFound, What: "unknown", Do: "ask another"})
	case turn.Spec.Model == "panics":
		panic("a bug")
	case m.refusals.Add(-1) >= 0:
		turn.Refuse(&messages.Failure{Code: messages.CodeOverloaded, What: "busy", Do: "wait", RetryAfter: time.Second})
	default:
		go m.answer(turn)
	}
	return nil
}

func (m *models) answer(turn *messages.StartTurn) {
	defer close(turn.Chunks)
	now := m.running.Add(1)
	defer m.running.Add(-1)
	for most := m.most.Load(); now > most && !m.most.CompareAndSwap(most, now); most = m.most.Load() {
	}
	select {
	case <-time.After(100 * time.Millisecond):
	case <-turn.Client.Done():
		return
	}
	turn.Answer(messages.TurnStarted{})
	turn.Chunks <- messages.Chunk{Kind: messages.ChunkText, Text: fmt.Sprintf("%s%0*d", turn.Spec.Model, m.size, 0)}
	if turn.Spec.Model == "breaks" {
		turn.Chunks <- messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Err: &messages.Failure{Code: messages.CodeProviderFailed, What: "broke"}}}
		return
	}
	turn.Chunks <- messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnComplete}}
}

// said collects what a model says.
type said struct{ text []byte }

func (s *said) Add(c messages.Chunk)     { s.text = append(s.text, c.Text...) }
func (s *said) Append(dst []byte) []byte { return append(dst, s.text...) }
func collector() messages.Collector      { return new(said) }
func asks(models ...string) (s requests) { return requests(models) }
func many(n int) (s requests) {
	for range n {
		s = append(s, "m")
	}
	return s
}

type requests []string

// of is the batch of a tenant.
func (r requests) of(tenant string) messages.BatchSpec {
	spec := messages.BatchSpec{ID: messages.BatchID("batch_" + tenant), Tenant: messages.TenantID(tenant), Bytes: 10 * len(r), Patience: time.Minute}
	for i, model := range r {
		one := messages.BatchRequest{CustomID: fmt.Sprint(i), Collector: collector, Turn: messages.TurnSpec{Model: model, ID: messages.TurnID{byte(i)}}}
		if model == "wrong" {
			one.Err = &messages.Failure{Code: messages.CodeInvalidRequest, What: "wrong"}
		}
		spec.Requests = append(spec.Requests, one)
	}
	return spec
}

// world is batches at work, inside a bubble.
type world struct {
	*batch.Batches
	models   *models
	registry *prometheus.Registry
}

func run(t *testing.T, change func(*batch.Config), test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg := batch.DefaultConfig()
		change(&cfg)
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		w := &world{models: new(models), registry: prometheus.NewRegistry()}
		w.Batches = batch.New(cfg, w.models, w.registry)
		ctx, stop := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { _ = w.Run(ctx) })
		defer running.Wait()
		defer stop()
		test(t, w)
	})
}

func unchanged(*batch.Config) {}

func TestThousandRequestsAreAnsweredInOrderAHundredAtATime(t *testing.T) {
	t.Parallel()
	run(t, unchanged, func(t *testing.T, w *world) {
		begun := time.Now()
		b, err := w.Do(t.Context(), many(1000).of("a"))
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took != time.Second || w.models.most.Load() != 100 {
			t.Errorf("%s, %d at a time", took, w.models.most.Load())
		}
		if b.Status != messages.BatchComplete || b.Completed != 1000 || len(b.Results) != 1000 {
			t.Fatalf("%s, %d completed, %d results", b.Status, b.Completed, len(b.Results))
		}
		for i, r := range b.Results {
			if r.Index != i || r.CustomID != fmt.Sprint(i) || string(r.Body) != "m0" || r.Err != nil {
				t.Fatalf("%d: %+v", i, r)
			}
		}
	})
}

func TestEachRequestHasAnEndOfItsOwn(t *testing.T) {
	t.Parallel()
	run(t, unchanged, func(t *testing.T, w *world) {
		b, err := w.Do(t.Context(), asks("m", "wrong", "unknown", "panics", "breaks", "m").of("a"))
		if err != nil {
			t.Fatal(err)
		}
		want := []messages.Code{"", messages.CodeInvalidRequest, messages.CodeModelNotFound, messages.CodeInternal, messages.CodeProviderFailed, ""}
		for i, r := range b.Results {
			if messages.CodeOf(r.Err) != want[i] || (r.Err == nil) != (r.Body != nil) {
				t.Errorf("%d: %v, want %q", i, r.Err, want[i])
			}
		}
		if b.Completed != 2 || b.Failed != 4 {
			t.Errorf("%d completed, %d failed", b.Completed, b.Failed)
		}
		counted := `# HELP chatbot_batch_requests_total Requests of batches by how they ended.
# TYPE chatbot_batch_requests_total counter
chatbot_batch_requests_total{result="completed"} 2
chatbot_batch_requests_total{result="failed"} 4
`
		if err := testutil.GatherAndCompare(w.registry, strings.NewReader(counted), "chatbot_batch_requests_total"); err != nil {
			t.Error(err)
		}
	})
}

func TestRequestThatIsRefusedForOverloadIsAskedAgainUntilItsTimeIsOver(t *testing.T) {
	t.Parallel()
	run(t, unchanged, func(t *testing.T, w *world) {
		w.models.refusals.Store(3)
		b, err := w.Do(t.Context(), asks("m").of("a"))
		if err != nil || b.Completed != 1 || w.models.asked.Load() != 4 {
			t.Errorf("%v, %d completed, asked %d times", err, b.Completed, w.models.asked.Load())
		}
		w.models.refusals.Store(1 << 40)
		begun := time.Now()
		b, err = w.Do(t.Context(), asks("m").of("a"))
		if err != nil || messages.CodeOf(b.Results[0].Err) != messages.CodeOverloaded {
			t.Fatalf("%v, %+v", err, b.Results)
		}
		if took := time.Since(begun); took < 40*time.Second || took > time.Minute {
			t.Errorf("gave up after %s", took)
		}
	})
}

func TestBatchIsLookedAtCancelledAndForgotten(t *testing.T) {
	t.Parallel()
	run(t, func(c *batch.Config) { c.Concurrency = 1 }, func(t *testing.T, w *world) {
		begun, err := w.Begin(many(10).of("a"))
		if err != nil || begun.Status != messages.BatchRunning || len(begun.Results) != 0 || begun.Total != 10 {
			t.Fatalf("%+v %v", begun, err)
		}
		time.Sleep(350 * time.Millisecond)
		if b, err := w.Batch("a", begun.ID); err != nil || b.Completed != 3 || len(b.Results) != 3 {
			t.Errorf("%+v %v", b, err)
		}
		if _, err := w.Batch("b", begun.ID); messages.CodeOf(err) != messages.CodeBatchAbsent {
			t.Errorf("another tenant sees it: %v", err)
		}
		if _, err := w.Cancel("b", begun.ID); messages.CodeOf(err) != messages.CodeBatchAbsent {
			t.Errorf("another tenant cancels it: %v", err)
		}
		if _, err := w.Cancel("a", begun.ID); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		b, err := w.Batch("a", begun.ID)
		if err != nil || b.Status != messages.BatchCancelled || b.Completed != 3 || b.Failed != 7 || w.models.asked.Load() != 4 {
			t.Fatalf("%s, %d completed, %d failed, %d asked, %v", b.Status, b.Completed, b.Failed, w.models.asked.Load(), err)
		}
		if code := messages.CodeOf(b.Results[9].Err); code != messages.CodeCancelled {
			t.Errorf("the last: %s", code)
		}
		if w.models.running.Load() != 0 {
			t.Error("a turn still runs")
		}
		if _, err := w.Cancel("a", begun.ID); err != nil {
			t.Error(err)
		}
		if _, err := w.Batch("a", begun.ID); messages.CodeOf(err) != messages.CodeBatchAbsent {
			t.Errorf("it is still there: %v", err)
		}
	})
}

func TestResultsAreKeptForAWhileAndTheirBytesGivenBack(t *testing.T) {
	t.Parallel()
	run(t, func(c *batch.Config) { c.KeepFor, c.MaxBytes = time.Minute, 4<<20 }, func(t *testing.T, w *world) {
		w.models.size = 1 << 18
		begun, err := w.Begin(many(3).of("a"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Second)
		if b, err := w.Batch("a", begun.ID); err != nil || len(b.Results) != 3 || b.Expires.Sub(b.Ended) != time.Minute {
			t.Fatalf("%v %v", b, err)
		}
		// A quarter of all is one tenant's: there is room for one more, and not for two.
		b, err := w.Do(t.Context(), many(2).of("a"))
		if err != nil || b.Failed == 0 || messages.CodeOf(b.Results[1].Err) != messages.CodeBatchTooLarge && messages.CodeOf(b.Results[0].Err) != messages.CodeBatchTooLarge {
			t.Errorf("%+v %v", b.Failed, err)
		}
		if b, err := w.Do(t.Context(), many(3).of("b")); err != nil || b.Failed > 0 {
			t.Errorf("another tenant has no room: %v %v", b, err)
		}
		time.Sleep(20 * time.Second)
		if _, err := w.Batch("a", begun.ID); messages.CodeOf(err) != messages.CodeBatchAbsent {
			t.Errorf("it is still there: %v", err)
		}
		want := "# HELP chatbot_batch_bytes Memory that the requests and results of batches take.\n# TYPE chatbot_batch_bytes gauge\nchatbot_batch_bytes 0\n"
		if err := testutil.GatherAndCompare(w.registry, strings.NewReader(want), "chatbot_batch_bytes"); err != nil {
			t.Error(err)
		}
		if b, err := w.Do(t.Context(), many(3).of("a")); err != nil || b.Failed > 0 {
			t.Errorf("there is no room again: %v %v", b.Failed, err)
		}
	})
}

func TestTenantHasSoManyBatchesAtATime(t *testing.T) {
	t.Parallel()
	run(t, func(c *batch.Config) { c.MaxTenant, c.MaxRunning = 1, 2 }, func(t *testing.T, w *world) {
		for tenant, want := range map[string]messages.Code{"a": "", "b": ""} {
			if _, err := w.Begin(many(1000).of(tenant)); messages.CodeOf(err) != want {
				t.Errorf("%s: %v", tenant, err)
			}
		}
		for _, tenant := range []string{"a", "c"} {
			if _, err := w.Begin(asks("m").of(tenant)); messages.CodeOf(err) != messages.CodeTooManyTurns {
				t.Errorf("%s: %v", tenant, err)
			}
		}
		time.Sleep(2 * time.Second)
		if _, err := w.Begin(asks("m").of("c")); err != nil {
			t.Error(err)
		}
	})
}

func TestClientThatLeavesGivesItsBatchUp(t *testing.T) {
	t.Parallel()
	run(t, unchanged, func(t *testing.T, w *world) {
		ctx, leave := context.WithCancelCause(t.Context())
		time.AfterFunc(150*time.Millisecond, func() { leave(context.Canceled) })
		begun := time.Now()
		if _, err := w.Do(ctx, many(1000).of("a")); err == nil {
			t.Error("no error")
		}
		if took := time.Since(begun); took != 150*time.Millisecond || w.models.asked.Load() != 200 {
			t.Errorf("%s, %d asked", took, w.models.asked.Load())
		}
	})
}

func TestStopCancelsWhatRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := batch.New(batch.DefaultConfig(), new(models), prometheus.NewRegistry())
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- b.Run(ctx) }()
		begun, err := b.Begin(many(1000).of("a"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(250 * time.Millisecond)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if seen, err := b.Batch("a", begun.ID); err != nil || seen.Status != messages.BatchCancelled || seen.Completed != 200 {
			t.Errorf("%s, %d completed, %v", seen.Status, seen.Completed, err)
		}
	})
}

func TestConfigNamesItsFaults(t *testing.T) {
	t.Parallel()
	if err := batch.DefaultConfig().Validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
	err := batch.Config{MaxTenant: 1}.Validate()
	for _, key := range []string{"concurrency", "max_running", "max_tenant", "max_bytes", "keep_for"} {
		if err == nil || !strings.Contains(err.Error(), "batch."+key) {
			t.Errorf("%v does not name %s", err, key)
		}
	}
}
