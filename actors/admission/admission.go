// Package admission decides how many turns run at once: one bounded queue with
// classes, in front of the shards. [Gate] is what callers see; the actor here
// owns the queue behind it.
package admission

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// freed tells the actor that a place may have come free while somebody waited.
type freed struct{}

// sweep has the actor look for those who gave up while they waited.
type sweep struct{}

// sweepInterval is how long a turn may take a place in the queue whose client has
// gone.
const sweepInterval = time.Second

// waitingRoom is the actor.
type waitingRoom struct {
	gate  *Gate
	queue queue
	timer *time.Timer // of the next sweep; nil while nobody waits
}

// Props returns the gate's actor. A restart refuses those who waited in it.
func (g *Gate) Props() *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor { return &waitingRoom{gate: g} })
}

// Attach tells the gate where its actor is. Call it before the first Enter.
func (g *Gate) Attach(root *actor.RootContext, pid *actor.PID) {
	g.tell = func(m any) { root.Send(pid, m) }
	g.capacity.Watch(g.nudge)
}

// Receive implements actor.Actor.
func (w *waitingRoom) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.StartTurn:
		w.arrive(m)
	case freed:
		w.admit()
	case sweep:
		w.sweep()
	case *actor.Stopping, *actor.Restarting:
		w.empty()
	}
}

// arrive lets the turn in, has it wait, or refuses it when it would wait for
// longer than it has time: its client can go elsewhere at once.
func (w *waitingRoom) arrive(m *messages.StartTurn) {
	line := w.gate.capacity.Line(m.Spec.Model)
	ahead := w.queue.push(line.Name, m)
	w.gate.lines.Store(line.Name, struct{}{})
	w.admit()
	if m.Admitted != nil || line.Each == 0 {
		w.watch()
		return
	}
	wait, left := line.wait(ahead)+line.Each, time.Until(m.Spec.Deadline)
	if wait > left {
		w.remove(func(other *messages.StartTurn) error {
			if other == m {
				return tooLate(wait, left)
			}
			return nil
		})
	}
	w.watch()
}

// admit lets in as many as there is room for: class by class, and in each the
// oldest first. Whose providers are full holds nobody else up, and whoever gave up
// while waiting takes no place.
func (w *waitingRoom) admit() {
	full := make(map[*line]bool)
	for class := 0; class < messages.Priorities; {
		next := w.queue.oldest(class, full)
		if next == nil {
			class++
			continue
		}
		switch w.next(next, class) {
		case providerFull:
			full[next] = true
		case gateFull:
			w.gate.crowded.Store(true)
			return
		}
	}
	w.gate.crowded.Store(false)
}

// next lets in the first of a line.
func (w *waitingRoom) next(l *line, class int) fullness {
	m := l.classes[class].first().turn
	err := gaveUp(m)
	if err == nil {
		if full := w.gate.admit(m); full != nobodyFull {
			return full
		}
	}
	w.queue.pop(l, class)
	w.gone(l.name, 1)
	if err != nil {
		m.Refuse(err)
	} else {
		w.gate.deliver(m)
	}
	return nobodyFull
}

// gone has the gate know that so many wait no longer.
func (w *waitingRoom) gone(line string, count int) {
	w.gate.waiting.Add(-int64(count))
	if _, waits := w.queue.lines[line]; !waits {
		w.gate.lines.Delete(line)
	}
}

// sweep refuses those who gave up, and looks for places that came free by time
// alone: a breaker that lets a call through again tells nobody.
func (w *waitingRoom) sweep() {
	w.timer = nil
	w.remove(gaveUp)
	w.admit()
	w.watch()
}

// watch has the next sweep come while anybody waits.
func (w *waitingRoom) watch() {
	if w.timer == nil && w.queue.length > 0 {
		w.timer = time.AfterFunc(sweepInterval, func() { w.gate.tell(sweep{}) })
	}
}

// remove refuses those for whom why gives a reason.
func (w *waitingRoom) remove(why func(*messages.StartTurn) error) {
	w.queue.remove(func(m *messages.StartTurn) bool {
		err := why(m)
		if err == nil {
			return false
		}
		w.gate.waiting.Add(-1)
		m.Refuse(err)
		return true
	})
	w.gate.lines.Range(func(name, _ any) bool {
		w.gone(name.(string), 0)
		return true
	})
}

func (w *waitingRoom) empty() {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.remove(func(*messages.StartTurn) error { return overloaded() })
	w.gate.crowded.Store(false)
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
