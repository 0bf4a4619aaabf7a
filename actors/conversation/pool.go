package conversation

import (
	"context"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// Pool runs the turns that are kept nowhere. Such a turn is a conversation of
// one turn; an actor for each would be spawned and stopped for nothing, so a
// fixed number of actors run many at a time. docs/decisions/stateless-turns.md
// has the measurement.
type Pool struct {
	root    *actor.RootContext
	members []*actor.PID
	turn    atomic.Uint64
}

// PoolSize is how many actors share the stateless turns: enough that their
// mailboxes are no point of contention, few enough to cost nothing.
const PoolSize = 64

// NewPool returns a pool of the given members, each spawned with PoolProps.
func NewPool(root *actor.RootContext, members []*actor.PID) *Pool {
	return &Pool{root: root, members: members}
}

// Send hands the turn to the next member. It never blocks.
func (p *Pool) Send(m *messages.StartTurn) {
	p.root.Send(p.members[p.turn.Add(1)%uint64(len(p.members))], m)
}

// PoolProps returns one member of the pool.
func PoolProps(deps *Deps) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor {
		return &member{deps: deps, running: make(map[any]context.CancelCauseFunc)}
	})
}

// member is the actor.
type member struct {
	deps    *Deps
	running map[any]context.CancelCauseFunc // by *messages.StartTurn
}

// Receive implements actor.Actor.
func (w *member) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.StartTurn:
		w.running[m] = newTurn(w.deps, m, nil).launch(ctx)
	case *turnDone:
		delete(w.running, m.work)
	case *actor.Stopping, *actor.Restarting:
		for _, cancel := range w.running {
			cancel(restarted(messages.ConversationRef{}))
		}
		clear(w.running)
	}
}
