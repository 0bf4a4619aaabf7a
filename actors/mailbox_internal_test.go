package actors

import (
	"slices"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/actors/actortest"
)

// echo notes what it hears, and sends each question on to another actor while it is at
// it, which sends an answer back.
type echo struct {
	other *actor.PID
	heard *[]string
	busy  bool
}

// Receive implements actor.Actor.
func (e *echo) Receive(ctx actor.Context) {
	said, is := ctx.Message().(string)
	if !is {
		return
	}
	if e.busy {
		panic("it hears two things at a time")
	}
	e.busy = true
	defer func() { e.busy = false }()
	if e.other != nil && said != "answer" {
		ctx.Request(e.other, said)
	}
	*e.heard = append(*e.heard, said)
}

// What an actor that hears at once is sent has been heard when the sender goes on, and
// whatever it causes: one thing behind the other, also where the actor that is sent to
// sends back.
func TestWhoHearsAtOnceHearsOneThingBehindTheOther(t *testing.T) {
	t.Parallel()
	system := actortest.NewSystem(t)
	var heard []string // by this goroutine alone
	answering := actor.PropsFromFunc(func(ctx actor.Context) {
		if said, is := ctx.Message().(string); is {
			ctx.Respond("answer")
			heard = append(heard, "the other: "+said)
		}
	})
	other := actortest.Spawn(t, system, hearAtOnce(answering))
	asking := actor.PropsFromProducer(func() actor.Actor { return &echo{other: other, heard: &heard} })
	pid := actortest.Spawn(t, system, hearAtOnce(asking))
	system.Root.Send(pid, "first")
	system.Root.Send(pid, "second")
	want := []string{"the other: first", "first", "answer", "the other: second", "second", "answer"}
	if !slices.Equal(heard, want) {
		t.Errorf("heard %q, want %q", heard, want)
	}
}

// A Receive that panics is its supervisor's affair, and not the sender's, in whose
// goroutine it ran.
func TestWhoHearsAtOnceFailsAlone(t *testing.T) {
	t.Parallel()
	system := actortest.NewSystem(t)
	var heard []string
	began := 0
	props := actor.PropsFromFunc(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case *actor.Started:
			began++
		case string:
			if m == "fail" {
				panic("told to")
			}
			heard = append(heard, m)
		}
	})
	pid := actortest.Spawn(t, system, hearAtOnce(props))
	for _, said := range []string{"before", "fail", "behind"} {
		system.Root.Send(pid, said)
	}
	if !slices.Equal(heard, []string{"before", "behind"}) || began != 2 {
		t.Errorf("heard %q, begun %d times", heard, began)
	}
}
