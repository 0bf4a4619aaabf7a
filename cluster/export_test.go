package cluster

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
)

// Wire is what nodes speak through.
type Wire = remoting

// Listen takes an address for several nodes of one process: each time that it does
// so, the library sets a variable that others of the process read.
func Listen() (*Wire, error) {
	wire, err := listen(DefaultConfig().on("127.0.0.1:0"))
	if err == nil {
		wire.lent = true
	}
	return wire, err
}

// Release lets go of the address.
func (r *remoting) Release() {
	r.lent = false
	r.close()
}

func (c Config) on(address string) Config {
	c.Listen = address
	return c
}

// OpenOn is Open on an address that others use, too. What its relay is sent is lost
// where lose says so.
func OpenOn(wire *Wire, cfg Config, deps Deps, lose func(message any) bool) *Cluster {
	c := open(cfg, deps, wire)
	c.relayProps = append(c.relayProps, actor.WithReceiverMiddleware(func(next actor.ReceiverFunc) actor.ReceiverFunc {
		return func(ctx actor.ReceiverContext, envelope *actor.MessageEnvelope) {
			if !lose(envelope.Message) {
				next(ctx, envelope)
			}
		}
	}))
	return c
}

// OnlyNodes is what a node asks of who calls it.
var OnlyNodes = onlyNodes

// Cuts counts, until stop is called, how often connections to an address were given
// up by somebody who took the node there for gone.
func (r *remoting) Cuts() (count *atomic.Int64, stop func()) {
	count = &atomic.Int64{}
	heard := r.system.EventStream.Subscribe(func(event any) {
		if _, is := event.(*remote.EndpointTerminatedEvent); is {
			count.Add(1)
		}
	})
	return count, func() { r.system.EventStream.Unsubscribe(heard) }
}
