package admission_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/goleak"

	"example.com/parley/actors/admission"
	"example.com/parley/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// door is a gate whose turns end when the test says so.
type door struct {
	gate *admission.Gate
	mu   sync.Mutex
	in   []*messages.StartTurn

	weights map[messages.TenantID]int // that turns bring with them
}

// newDoor returns a gate for one turn at a time.
func newDoor(t testing.TB, waiting int64) *door {
	t.Helper()
	d := &door{}
	d.gate = admission.NewGate(admission.Config{MaxRunning: 1, MaxWaiting: waiting, TenantShare: 1}, nil, func(m *messages.StartTurn) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.in = append(d.in, m)
	})
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
	pid := system.Root.Spawn(d.gate.Props())
	d.gate.Attach(system.Root, pid)
	t.Cleanup(func() {
		_ = system.Root.StopFuture(pid).Wait()
		system.Shutdown()
	})
	return d
}

func (d *door) enter(name byte, priority messages.Priority) *messages.StartTurn {
	m := messages.NewStartTurn(context.Background(), messages.TurnSpec{
		ID: messages.TurnID{name}, Priority: priority, Deadline: time.Now().Add(time.Minute),
	})
	d.gate.Enter(m)
	return m
}

func (d *door) names() (names string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.in {
		names += string(m.Spec.ID[0])
	}
	return names
}

// end ends the turn that was let in as the given one.
func (d *door) end(i int) {
	d.mu.Lock()
	admitted := d.in[i].Admitted
	d.mu.Unlock()
	admitted()
	synctest.Wait()
}

func TestFirstClassGoesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, 10)
		d.enter('r', messages.PriorityStandard)
		d.enter('b', messages.PriorityBatch)
		d.enter('s', messages.PriorityStandard)
		d.enter('t', messages.PriorityStandard)
		d.enter('i', messages.PriorityInteractive)
		synctest.Wait()
		for i := range 4 {
			d.end(i)
		}
		if got := d.names(); got != "ristb" {
			t.Errorf("let in as %q, want ristb", got)
		}
	})
}

func TestFullQueueRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, 1)
		d.enter('r', 0)
		d.enter('w', 0)
		started := <-d.enter('x', 0).Reply
		if failure := messages.AsFailure(started.Err); failure.Code != messages.CodeOverloaded || failure.RetryAfter == 0 {
			t.Errorf("got %v", started.Err)
		}
		d.end(0)
		if d.gate.Running() != 1 || d.gate.Waiting() != 0 || d.names() != "rw" {
			t.Errorf("%d run, %d wait, %q were let in", d.gate.Running(), d.gate.Waiting(), d.names())
		}
	})
}

func TestWhoGaveUpTakesNoPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, 10)
		d.enter('r', 0)
		client, leave := context.WithCancel(t.Context())
		left := messages.NewStartTurn(client, messages.TurnSpec{Deadline: time.Now().Add(time.Minute)})
		d.gate.Enter(left)
		late := messages.NewStartTurn(t.Context(), messages.TurnSpec{Deadline: time.Now()})
		d.gate.Enter(late)
		d.enter('w', 0)
		leave()
		d.end(0)
		for name, m := range map[messages.Code]*messages.StartTurn{messages.CodeCancelled: left, messages.CodeDeadline: late} {
			if got := <-m.Reply; messages.CodeOf(got.Err) != name {
				t.Errorf("got %v, want %s", got.Err, name)
			}
		}
		if d.names() != "rw" || d.gate.Running() != 1 {
			t.Errorf("%q were let in, %d run", d.names(), d.gate.Running())
		}
	})
}

func TestClosedGateRefuses(t *testing.T) {
	t.Parallel()
	d := newDoor(t, 1)
	d.gate.Close()
	if got := <-d.enter('x', 0).Reply; messages.CodeOf(got.Err) != messages.CodeShuttingDown {
		t.Errorf("got %v", got.Err)
	}
}

// Every turn that is let in ends at once, from many goroutines: whatever the
// interleaving, all get in and no place is lost.
func TestNoPlaceIsLost(t *testing.T) {
	t.Parallel()
	const callers, turns = 16, 500
	ended := make(chan struct{}, callers*turns)
	var gate *admission.Gate
	var most, now int64
	var mu sync.Mutex
	gate = admission.NewGate(admission.Config{MaxRunning: 3, MaxWaiting: callers * turns, TenantShare: 1}, nil, func(m *messages.StartTurn) {
		go func() {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			mu.Lock()
			now--
			mu.Unlock()
			m.Admitted()
			ended <- struct{}{}
		}()
	})
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
	pid := system.Root.Spawn(gate.Props())
	gate.Attach(system.Root, pid)
	defer system.Shutdown()
	defer func() { _ = system.Root.StopFuture(pid).Wait() }()
	for range callers {
		go func() {
			for range turns {
				gate.Enter(messages.NewStartTurn(context.Background(), messages.TurnSpec{Deadline: time.Now().Add(time.Hour)}))
			}
		}()
	}
	for range callers * turns {
		<-ended
	}
	if most > 3 || gate.Running() != 0 || gate.Waiting() != 0 {
		t.Errorf("%d at once, %d still run, %d still wait", most, gate.Running(), gate.Waiting())
	}
}

func TestConfigNamesItsFaults(t *testing.T) {
	t.Parallel()
	if err := admission.DefaultConfig().Validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
	err := admission.Config{MaxRunning: 0, MaxWaiting: -1, Weights: map[string]int{"t": 0}}.Validate()
	if err == nil {
		t.Fatal("no fault")
	}
	for _, key := range []string{"admission.max_running", "admission.max_waiting", "admission.tenant_share", "admission.weights.t"} {
		if !strings.Contains(err.Error(), key) {
			t.Errorf("%q does not name %s", err, key)
		}
	}
}

// BenchmarkEnter is the way through an open gate, and out of it.
func BenchmarkEnter(b *testing.B) {
	gate := admission.NewGate(admission.DefaultConfig(), nil, func(m *messages.StartTurn) { m.Admitted() })
	m := messages.NewStartTurn(context.Background(), messages.TurnSpec{})
	b.ReportAllocs()
	for b.Loop() {
		gate.Enter(m)
	}
}
