// Package actortest helps to test actors through their messages.
package actortest

import (
	"log/slog"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// patience is how long an expected message may take. A test that passes never
// waits for it.
const patience = 10 * time.Second

// NewSystem returns a quiet actor system that ends with the test.
func NewSystem(tb testing.TB) *actor.ActorSystem {
	tb.Helper()
	system := actor.NewActorSystem(
		actor.WithDeadLetterThrottleCount(0),
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
			return slog.New(slog.DiscardHandler)
		}),
	)
	tb.Cleanup(system.Shutdown)
	return system
}

// Spawn spawns an actor that stops with the test, before its system ends. Its
// mailbox is in order with the test: what is sent to it next comes behind
// Started.
func Spawn(tb testing.TB, system *actor.ActorSystem, props *actor.Props) *actor.PID {
	tb.Helper()
	pid := system.Root.Spawn(props)
	tb.Cleanup(func() { _ = system.Root.StopFuture(pid).Wait() })
	return pid
}

// Probe stands in for an actor that the one under test sends to.
type Probe struct {
	PID *actor.PID

	tb    testing.TB
	inbox chan any
}

// inboxSize is more than any test sends to a probe before it looks.
const inboxSize = 256

// NewProbe spawns a probe.
func NewProbe(tb testing.TB, system *actor.ActorSystem) *Probe {
	tb.Helper()
	p := &Probe{tb: tb, inbox: make(chan any, inboxSize)}
	p.PID = Spawn(tb, system, actor.PropsFromFunc(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case actor.SystemMessage, actor.AutoReceiveMessage:
		default:
			p.inbox <- m
		}
	}))
	return p
}

// Expect returns the next message, which must be a T.
func Expect[T any](p *Probe) T {
	p.tb.Helper()
	select {
	case m := <-p.inbox:
		want, ok := m.(T)
		if !ok {
			p.tb.Fatalf("probe got %T, want %T", m, want)
		}
		return want
	case <-time.After(patience):
		var want T
		p.tb.Fatalf("probe got nothing, want %T", want)
		return want
	}
}

// Eventually waits until an actor has done something that shows only in what it
// publishes.
func Eventually(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("%s: not within %s", what, patience)
		}
	}
}
