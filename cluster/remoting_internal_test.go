package cluster

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// A node that was removed ends, to come back as another. A peer that takes connections
// and says nothing must not keep it from that: the library waits for such a connection
// before its actor stops, and for an actor that stops for 10 s.
func TestConnectionInTheMakingKeepsNobodyFromEnding(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wire := &remoting{system: silentSystem()}
		const connecting = 5 * time.Second
		pid, err := wire.spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if _, is := ctx.Message().(*actor.Stopping); is {
				time.Sleep(connecting)
			}
		}), "connecting")
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		wire.stopSoon(pid)
		if took := time.Since(began); took != closePatience {
			t.Errorf("it took %v, want %v", took, closePatience)
		}
		time.Sleep(connecting) // of the bubble's time: it ends by itself
		began = time.Now()
		wire.stopSoon(pid)
		if took := time.Since(began); took != 0 {
			t.Errorf("one that has stopped took %v", took)
		}
		wire.system.Shutdown()
		time.Sleep(time.Second) // the library has timers of its own
	})
}
