package actortest_test

import (
	"sync/atomic"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/goleak"

	"example.com/parley/actors/actortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestProbeHearsWhatAnActorSends(t *testing.T) {
	t.Parallel()
	system := actortest.NewSystem(t)
	probe := actortest.NewProbe(t, system)
	echo := actortest.Spawn(t, system, actor.PropsFromFunc(func(ctx actor.Context) {
		if word, ok := ctx.Message().(string); ok {
			ctx.Send(probe.PID, word+"!")
		}
	}))
	system.Root.Send(echo, "one")
	system.Root.Send(echo, "two")
	for _, want := range []string{"one!", "two!"} {
		if got := actortest.Expect[string](probe); got != want {
			t.Errorf("probe heard %q, want %q", got, want)
		}
	}
}

func TestEventuallyWaitsForWhatIsPublished(t *testing.T) {
	t.Parallel()
	system := actortest.NewSystem(t)
	var published atomic.Int64
	counter := actortest.Spawn(t, system, actor.PropsFromFunc(func(ctx actor.Context) {
		if n, ok := ctx.Message().(int64); ok {
			published.Add(n)
		}
	}))
	system.Root.Send(counter, int64(2))
	system.Root.Send(counter, int64(3))
	actortest.Eventually(t, "both were counted", func() bool { return published.Load() == 5 })
}
