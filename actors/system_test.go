package actors_test

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"example.com/parley/actors"
	"example.com/parley/actors/conversation"
	"example.com/parley/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long an answer may take. A test that passes never waits so long.
const patience = 10 * time.Second

// none is a store without conversations.
type none struct{ conversation.Journal }

func (none) Activate(context.Context, messages.Activate) (messages.Activation, error) {
	return messages.Activation{}, &messages.Failure{Code: messages.CodeConversationAbsent}
}

type free struct{}

func (free) Reserve(context.Context, messages.Reservation) error { return nil }
func (free) Settle(context.Context, messages.UsageRow) error     { return nil }
func (free) Ended(*messages.UsageRow)                            {}
func (free) Release(*messages.UsageRow)                          {}
func (free) Charge(messages.Target, messages.Usage, time.Time) messages.Charge {
	return messages.Charge{Known: true}
}
func (free) Permit(messages.Routing) error { return nil }

func (free) Route(messages.Routing) ([]messages.Target, error) {
	return []messages.Target{{Provider: "p"}}, nil
}

// models answers with one word, or waits to be cancelled first.
type models struct {
	free
	hang chan struct{} // told of each call that hangs; nil: none does
}

func (m models) Open(ctx context.Context, target messages.Target, _ *messages.Call) (conversation.Answer, error) {
	if m.hang != nil {
		m.hang <- struct{}{}
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	return &words{left: []messages.Chunk{
		{Kind: messages.ChunkOpened, Served: &messages.Served{Provider: target.Provider}},
		{Kind: messages.ChunkText, Text: "yes"},
		{Kind: messages.ChunkFinish, Finish: messages.FinishStop},
	}}, nil
}

type words struct{ left []messages.Chunk }

func (w *words) Next() (messages.Chunk, error) {
	if len(w.left) == 0 {
		return messages.Chunk{}, io.EOF
	}
	next := w.left[0]
	w.left = w.left[1:]
	return next, nil
}

func (w *words) Close() error { return nil }

func start(tb testing.TB, m conversation.Models, parts ...actors.Part) *actors.System {
	tb.Helper()
	s, err := actors.Start(actors.DefaultConfig(), actors.Deps{
		Parts: parts, Journal: none{}, Ledger: free{}, Models: m, Prices: free{},
		Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func ask(s *actors.System, keep bool) *messages.StartTurn {
	spec := messages.TurnSpec{
		ID: messages.TurnID{1}, Tenant: "acme", Keep: keep, Model: "m", Deadline: time.Now().Add(time.Minute),
		Input: []messages.Item{messages.TextMessage(messages.RoleUser, "really?")},
	}
	if keep {
		spec.Conversation = "conv_1"
	}
	m := messages.NewStartTurn(context.Background(), spec)
	_ = s.Send(m)
	return m
}

func await[T any](t testing.TB, c <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-c:
	case <-time.After(patience):
		t.Fatalf("no %T within %s", got, patience)
	}
	return got
}

func TestTurnGoesThroughTheTree(t *testing.T) {
	t.Parallel()
	s := start(t, models{})
	defer s.Drain(t.Context())
	m := ask(s, false)
	if started := await(t, m.Reply); started.Err != nil {
		t.Fatal(started.Err)
	}
	text := ""
	for c := range m.Chunks {
		text += c.Text
	}
	if text != "yes" {
		t.Errorf("got %q", text)
	}
}

func TestConversationIsAskedOfTheStore(t *testing.T) {
	t.Parallel()
	s := start(t, models{})
	defer s.Drain(t.Context())
	if started := await(t, ask(s, true).Reply); messages.CodeOf(started.Err) != messages.CodeConversationAbsent {
		t.Errorf("got %v", started.Err)
	}
	edit := &messages.EraseItem{Ref: messages.ConversationRef{Tenant: "acme", Conversation: "conv_1"}, Reply: make(chan messages.Edited, 1)}
	_ = s.EraseItem(edit)
	if edited := await(t, edit.Reply); messages.CodeOf(edited.Err) != messages.CodeConversationAbsent {
		t.Errorf("got %v", edited.Err)
	}
}

func TestDrainWaitsForTurnsAndCutsWhatRemains(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{}, 1)
	s := start(t, models{hang: hang})
	m := ask(s, false)
	await(t, hang)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s.Drain(ctx)
	var end messages.Chunk
	for c := range m.Chunks {
		end = c
	}
	if end.End == nil || messages.CodeOf(end.End.Err) != messages.CodeRestarted {
		t.Errorf("the turn that was cut ended with %+v", end.End)
	}
	if refused := await(t, ask(s, false).Reply); messages.CodeOf(refused.Err) != messages.CodeShuttingDown {
		t.Errorf("a turn after the drain got %v", refused.Err)
	}
}

func TestPartThatFailsTooOftenIsMissed(t *testing.T) {
	t.Parallel()
	started := make(chan *actor.PID, 8)
	s := start(t, models{}, actors.Part{Name: "fragile", Props: actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); ok {
			started <- ctx.Self()
			panic("a fault")
		}
	})})
	defer s.Drain(t.Context())
	for range 1 + 3 {
		await(t, started)
	}
	deadline := time.Now().Add(patience)
	for s.Ready() == nil && time.Now().Before(deadline) {
		await(t, ask(s, false).Reply) // the others go on
	}
	if err := s.Ready(); err == nil || !strings.Contains(err.Error(), "fragile") {
		t.Errorf("ready says %v, want it to name what is missing", err)
	}
}

func TestPartThatIsRetiredIsNotMissed(t *testing.T) {
	t.Parallel()
	s := start(t, models{})
	defer s.Drain(t.Context())
	started, stopped := make(chan *actor.PID, 8), make(chan *actor.PID, 8)
	part := func(name string, fragile bool) actors.Part {
		return actors.Part{Name: name, Props: actor.PropsFromFunc(func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case *actor.Started:
				started <- ctx.Self()
				if fragile {
					panic("a fault")
				}
			case *actor.Stopped:
				stopped <- ctx.Self()
			}
		})}
	}
	if err := s.Add(part("late", false)); err != nil {
		t.Fatal(err)
	}
	await(t, started)
	if err := s.Add(part("late", false)); err == nil {
		t.Error("two have the same name")
	}
	s.Retire("late")
	await(t, stopped)
	s.Retire("late")
	s.Retire("nobody")
	if err := s.Add(part("fragile", true)); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); s.Ready() == nil && time.Now().Before(deadline); {
		await(t, ask(s, false).Reply)
	}
	if err := s.Ready(); err == nil || strings.Contains(err.Error(), "late") {
		t.Errorf("ready says %v, want it to name the fragile one alone", err)
	}
	s.Retire("fragile")
	for deadline := time.Now().Add(patience); s.Ready() != nil; {
		if time.Now().After(deadline) {
			t.Fatal("what was retired is still missed")
		}
		await(t, ask(s, false).Reply)
	}
}

// BenchmarkStatelessTurn is a turn that is kept nowhere: through the gate, a
// pool's actor, its goroutine and back.
func BenchmarkStatelessTurn(b *testing.B) {
	s := start(b, models{})
	defer s.Drain(context.Background())
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m := ask(s, false)
			<-m.Reply
			for range m.Chunks {
			}
		}
	})
}
