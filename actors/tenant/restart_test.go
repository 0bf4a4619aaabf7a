package tenant

import (
	"context"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors/actortest"
	"example.com/parley/messages"
)

// oneKey is a store with one key.
type oneKey struct {
	Store
	key   messages.APIKey
	asked chan struct{} // told of each question for the version: an actor asks when it begins
}

func (s oneKey) Key(context.Context, messages.KeyID) (messages.APIKey, error) { return s.key, nil }

func (s oneKey) KeysVersion(context.Context) (uint64, error) {
	s.asked <- struct{}{}
	return 1, nil
}

func TestKeysGoOnWhenTheirActorRestarts(t *testing.T) {
	t.Parallel()
	secret := newSecret()
	asked := make(chan struct{}, 1000) // more than a test that hangs would ask
	keys, err := New(DefaultConfig(), Deps{Store: oneKey{key: secret.key(), asked: asked}, Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	system := actortest.NewSystem(t)
	started := make(chan *actor.PID, 1)
	actortest.Spawn(t, system, actor.PropsFromFunc(func(ctx actor.Context) { // its supervisor
		if _, ok := ctx.Message().(*actor.Started); ok {
			started <- ctx.Spawn(keys.Props())
		}
	}))
	self := <-started
	<-asked
	for range 3 {
		if _, err := keys.Authenticate(t.Context(), secret.Reveal()); err != nil {
			t.Fatal(err)
		}
		system.Root.Send(self, (*lookup)(nil)) // a fault
		<-asked                                // it is there again: protoactor would also restart one that was stopped meanwhile
	}
	if _, err := keys.Authenticate(t.Context(), secret.Reveal()); err != nil {
		t.Errorf("after the restarts: %v", err)
	}
}
