package actors_test

import (
	"log/slog"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors"
	"example.com/parley/messages"
)

// startDrilled starts actors that may fail, or may not.
func startDrilled(t *testing.T, allowed bool, parts ...actors.Part) *actors.System {
	t.Helper()
	cfg := actors.DefaultConfig()
	cfg.Drill = allowed
	s, err := actors.Start(cfg, actors.Deps{
		Parts: parts, Journal: none{}, Ledger: free{}, Models: models{}, Prices: free{},
		Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// lives is a part that tells of its starts, and of what else it hears.
func lives(name string, heard chan<- any) actors.Part {
	return actors.Part{Name: name, Props: actor.PropsFromFunc(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case *actor.Started:
			heard <- "started"
		case *actor.Stopping, *actor.Stopped, *actor.Restarting:
		default:
			heard <- m
		}
	})}
}

func TestDrillRestartsOnePart(t *testing.T) {
	t.Parallel()
	victim, other := make(chan any, 8), make(chan any, 8)
	s := startDrilled(t, true, lives("victim", victim), lives("other", other))
	defer s.Drain(t.Context())
	await(t, victim)
	await(t, other)
	if err := s.FailPart("victim"); err != nil {
		t.Fatal(err)
	}
	if got := await(t, victim); got != "started" {
		t.Errorf("it heard %v", got)
	}
	if len(other) > 0 {
		t.Errorf("the other heard %v", <-other)
	}
	if started := await(t, ask(s, false).Reply); started.Err != nil {
		t.Errorf("a turn after that got %v", started.Err)
	}
}

func TestDrillOfNobodyNamesThoseThereAre(t *testing.T) {
	t.Parallel()
	s := startDrilled(t, true, lives("victim", make(chan any, 8)))
	defer s.Drain(t.Context())
	f := messages.AsFailure(s.FailPart("nobody"))
	if f.Code != messages.CodeItemAbsent || f.Do != "name one of admission, victim, shard-0 to shard-1023, turns-0 and on, or sessions-0 and on" {
		t.Errorf("got %v: %s", f, f.Do)
	}
}

func TestWithoutDrillsNothingFails(t *testing.T) {
	t.Parallel()
	heard := make(chan any, 8)
	s := startDrilled(t, false, lives("victim", heard))
	defer s.Drain(t.Context())
	await(t, heard)
	if err := s.FailPart("victim"); err != nil {
		t.Fatal(err)
	}
	if got := await(t, heard); got == "started" {
		t.Error("it was restarted")
	}
}

func TestDrillOfAShardLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	s := startDrilled(t, true)
	defer s.Drain(t.Context())
	ref := messages.ConversationRef{Tenant: "acme", Conversation: "conv_1"} // of those that ask asks
	for range 2 {
		s.FailShard(ref)
		s.FailConversation(ref)
		if started := await(t, ask(s, true).Reply); messages.CodeOf(started.Err) != messages.CodeConversationAbsent {
			t.Errorf("its next message got %v", started.Err)
		}
	}
	if err := s.Ready(); err != nil {
		t.Error(err)
	}
}
