package actors

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
)

// busyActor is at work until it is told that it may go on, and then fails or not.
type busyActor struct{ next chan string }

// Receive implements actor.Actor.
func (b busyActor) Receive(ctx actor.Context) {
	if _, asked := ctx.Message().(*messages.StartTurn); asked && <-b.next == "fail" {
		panic("told to")
	}
}

func TestWhatWaitsForAnActorThatStopsIsDeclined(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*actor.RootContext, *actor.PID, chan string){
		"it is stopped": func(root *actor.RootContext, pid *actor.PID, next chan string) {
			root.Stop(pid)
			next <- "go on"
		},
		"it fails once too often": func(_ *actor.RootContext, _ *actor.PID, next chan string) { next <- "fail" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				system := actor.NewActorSystem(actor.WithDeadLetterThrottleCount(0),
					actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
				defer system.Shutdown()
				once := actor.NewOneForOneStrategy(0, 0, func(any) actor.Directive { return actor.StopDirective })
				next, child := make(chan string), make(chan *actor.PID, 1)
				counted := newMailbox(prometheus.NewRegistry(), "test")
				parent := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
					if _, begins := ctx.Message().(*actor.Started); begins {
						child <- ctx.Spawn(counted.of(actor.PropsFromProducer(func() actor.Actor { return busyActor{next} })))
					}
				}, actor.WithSupervisor(once)))
				defer func() { _ = system.Root.StopFuture(parent).Wait() }()
				pid := <-child
				turns := make([]*messages.StartTurn, 3)
				for i := range turns {
					turns[i] = messages.NewStartTurn(context.Background(), messages.TurnSpec{})
				}
				for _, turn := range turns {
					system.Root.Send(pid, turn)
				}
				synctest.Wait()
				stop(system.Root, pid, next)
				synctest.Wait()
				for i, turn := range turns[1:] {
					select {
					case started := <-turn.Reply:
						if messages.CodeOf(started.Err) != messages.CodeRestarted {
							t.Errorf("number %d got %v", i+2, started.Err)
						}
					default:
						t.Errorf("number %d got no answer", i+2)
					}
				}
				if got := counted.waiting.Load(); got != 0 {
					t.Errorf("%d wait for nobody", got)
				}
			})
		})
	}
}
