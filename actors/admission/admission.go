// Package admission decides how many turns run at once: one bounded queue with
// classes, in front of the shards. [Gate] is what callers see; the actor here
// owns the queue behind it.
package admission

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// freed tells the actor that a place came free while somebody waited.
type freed struct{}

// waitingRoom is the actor.
type waitingRoom struct {
	gate  *Gate
	queue queue
}

// Props returns the gate's actor. A restart refuses those who waited in it.
func (g *Gate) Props() *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor { return &waitingRoom{gate: g} })
}

// Attach tells the gate where its actor is. Call it before the first Enter.
func (g *Gate) Attach(root *actor.RootContext, pid *actor.PID) {
	g.tell = func(m any) { root.Send(pid, m) }
}

// Receive implements actor.Actor.
func (w *waitingRoom) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.StartTurn:
		w.queue.push(m)
		w.admit()
	case freed:
		w.admit()
	case *actor.Stopping, *actor.Restarting:
		w.empty()
	}
}

// admit lets in as many as there is room for. Whoever gave up while waiting
// takes no place.
func (w *waitingRoom) admit() {
	for w.queue.length > 0 && w.gate.take() {
		m := w.queue.pop()
		w.gate.waiting.Add(-1)
		m.Admitted = w.gate.leave
		if err := gaveUp(m); err != nil {
			m.Refuse(err)
			continue
		}
		w.gate.deliver(m)
	}
}

func (w *waitingRoom) empty() {
	for m := w.queue.pop(); m != nil; m = w.queue.pop() {
		w.gate.waiting.Add(-1)
		m.Refuse(overloaded())
	}
}

func gaveUp(m *messages.StartTurn) error {
	switch {
	case m.Client.Err() != nil:
		return &messages.Failure{Code: messages.CodeCancelled, What: "the client left while its turn waited"}
	case !time.Now().Before(m.Spec.Deadline):
		return &messages.Failure{
			Code: messages.CodeDeadline, What: "the turn waited in the queue until its deadline",
			Do: "try again, or give it more time", RetryAfter: retryAfter,
		}
	default:
		return nil
	}
}
