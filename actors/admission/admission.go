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

// shedding tells the actor that further classes are refused for want of memory.
type shedding struct{}

// sweep has the actor look for those who gave up while they waited.
type sweep struct{}

// sweepInterval is how long a turn may take a place in the queue whose client has
// gone.
const sweepInterval = time.Second

// waitingRoom is the actor.
type waitingRoom struct {
	gate  *Gate
	queue queue
	pace  pace
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
		w.gate.nudged.Store(false)
		w.admit()
	case shedding:
		w.remove(w.shed)
		w.watch()
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
	own := w.queue.push(line.Name, m)
	w.gate.lines.Store(line.Name, struct{}{})
	w.admit()
	if m.Admitted == nil {
		w.makeRoom(m)
		if err := w.late(own, line, m); err != nil {
			w.remove(func(other *messages.StartTurn) error {
				if other == m {
					return err
				}
				return nil
			})
		}
	}
	w.watch()
}

// makeRoom refuses somebody when more wait than may.
func (w *waitingRoom) makeRoom(m *messages.StartTurn) {
	if int64(w.queue.length) <= w.gate.cfg.MaxWaiting {
		return
	}
	class := int(m.Spec.Priority)
	out := w.queue.pushOut(class, m.Spec.Tenant)
	switch {
	case out == nil:
		w.remove(func(other *messages.StartTurn) error {
			if other == m {
				return overloaded(w.pace.wait(w.queue.length))
			}
			return nil
		})
		return
	case out.Spec.Priority == m.Spec.Priority:
		w.refuse(out, tenantQueueFull())
	default:
		w.refuse(out, overloaded(w.pace.wait(w.queue.length)))
	}
	w.tidy()
}

// late is why a turn that waits would come too late, or nil.
func (w *waitingRoom) late(own *line, line Line, m *messages.StartTurn) error {
	left := time.Until(m.Spec.Deadline)
	inLine, inAll := w.queue.ahead(own, m)
	if wait := line.wait(inLine) + line.Each; line.Each > 0 && wait > left {
		return tooLate(wait, left)
	}
	if wait := w.pace.wait(inAll + 1); w.gate.crowded.Load() && wait > left {
		return tooLateHere(wait, left)
	}
	return nil
}

// admit lets in as many as there is room for, in the order of the queue. Whose
// providers are full, or who has so much that the rest is kept for others, holds
// nobody else up, and whoever gave up while waiting takes no place.
func (w *waitingRoom) admit() {
	var full leftOut
	served, crowded, verdict := 0, false, nobodyFull
	for verdict != gateFull {
		next := w.queue.next(full)
		if next == nil {
			break
		}
		switch verdict = w.next(next); verdict {
		case nobodyFull:
			served++
		case providerFull:
			full.line(next.line)
		case tenantFull:
			full.tenant(next.account.tenant)
			crowded = true
		case gateFull:
			crowded = true
		}
	}
	w.gate.crowded.Store(crowded)
	if crowded {
		w.pace.served(served, time.Now())
	} else {
		w.pace.rest()
	}
}

// next lets in the first of a flow, or refuses it where it gave up.
func (w *waitingRoom) next(f *flow) fullness {
	m := f.first().turn
	if err := gaveUp(m); err != nil {
		w.queue.drop(f)
		w.refuse(m, err)
		w.tidyLine(f.line)
		return nobodyFull
	}
	if full := w.gate.admit(m, w.gate.room.of(m.Spec.Tenant, m.Weight, w.gate.leave)); full != nobodyFull {
		return full
	}
	w.queue.serve(f)
	w.gate.waiting.leave(m)
	w.tidyLine(f.line)
	w.gate.deliver(m)
	return nobodyFull
}

// refuse answers a turn that was taken out of the queue.
func (w *waitingRoom) refuse(m *messages.StartTurn, err error) {
	w.gate.waiting.leave(m)
	m.Refuse(w.gate.refused.count(err))
}

// shed is why a turn is not to wait while memory is short, or nil.
func (w *waitingRoom) shed(m *messages.StartTurn) error {
	if w.gate.observed.refuses(m.Spec.Priority) {
		return shortOfMemory(m.Spec.Priority)
	}
	return nil
}

// tidyLine has callers know when nobody waits in a line any more.
func (w *waitingRoom) tidyLine(l *line) {
	if l.length == 0 {
		w.gate.lines.Delete(l.name)
	}
}

func (w *waitingRoom) tidy() {
	w.gate.lines.Range(func(name, _ any) bool {
		if _, waits := w.queue.lines[name.(string)]; !waits {
			w.gate.lines.Delete(name)
		}
		return true
	})
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
		if err != nil {
			w.refuse(m, err)
		}
		return err != nil
	})
	w.tidy()
}

func (w *waitingRoom) empty() {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.remove(func(*messages.StartTurn) error { return overloaded(0) })
	w.gate.nudged.Store(false)
	w.gate.crowded.Store(false)
}
