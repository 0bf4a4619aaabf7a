package session

import (
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// ParentCount is how many actors share the sessions: one that fails takes those
// of the others not along.
const ParentCount = 16

// Sessions opens sessions. It is safe for concurrent use.
type Sessions struct {
	root    *actor.RootContext
	parents []*actor.PID
	next    atomic.Uint64
}

// NewSessions returns the way in. Each parent was spawned with ParentProps.
func NewSessions(root *actor.RootContext, parents []*actor.PID) *Sessions {
	return &Sessions{root: root, parents: parents}
}

// Open asks for a session. It never blocks: the answer comes on the message's
// Reply.
func (s *Sessions) Open(m *messages.OpenSession) {
	s.root.Send(s.parents[s.next.Add(1)%uint64(len(s.parents))], m)
}

// Deps is what all sessions stand on.
type Deps struct {
	metrics *Metrics
	workers sync.WaitGroup
}

// NewDeps returns them.
func NewDeps(metrics *Metrics) *Deps { return &Deps{metrics: metrics} }

// Wait returns when no goroutine of a session runs.
func (d *Deps) Wait() { d.workers.Wait() }

// Props are those of every session: it learns from its first message whose
// it is, so that all have one.
func Props(deps *Deps) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor { return &session{deps: deps} })
}

// ParentProps are those of a parent, whose sessions are spawned with child. A
// session that panics is stopped: what it knew of its lanes is gone, and its
// client does better to connect again and resume.
func ParentProps(deps *Deps, child *actor.Props) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor { return &parent{child: child} },
		actor.WithSupervisor(actor.NewOneForOneStrategy(0, 0, func(any) actor.Directive {
			deps.metrics.Failed.Inc()
			return actor.StopDirective
		})))
}

// parent is the actor that spawns sessions.
type parent struct{ child *actor.Props }

// begin is the first message of a session.
type begin struct{ client messages.SessionClient }

// Receive implements actor.Actor.
func (p *parent) Receive(ctx actor.Context) {
	m, ok := ctx.Message().(*messages.OpenSession)
	if !ok {
		return
	}
	pid, root := ctx.Spawn(p.child), ctx.ActorSystem().Root
	ctx.Send(pid, &begin{client: m.Client})
	m.Reply <- messages.SessionOpened{Tell: func(m any) { root.Send(pid, m) }}
}
