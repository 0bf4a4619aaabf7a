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
	key messages.APIKey
}

func (s oneKey) Key(context.Context, messages.KeyID) (messages.APIKey, error) { return s.key, nil }
func (s oneKey) KeysVersion(context.Context) (uint64, error)                  { return 1, nil }

func TestKeysGoOnWhenTheirActorRestarts(t *testing.T) {
	t.Parallel()
	secret := newSecret()
	keys, err := New(DefaultConfig(), Deps{Store: oneKey{key: secret.key()}, Registerer: prometheus.NewRegistry()})
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
	for range 3 {
		if _, err := keys.Authenticate(t.Context(), secret.Reveal()); err != nil {
			t.Fatal(err)
		}
		system.Root.Send(self, (*lookup)(nil)) // a fault
	}
	if _, err := keys.Authenticate(t.Context(), secret.Reveal()); err != nil {
		t.Errorf("after the restarts: %v", err)
	}
}
