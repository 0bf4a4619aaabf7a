package cluster

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
	"example.com/parley/messages/remote"
)

// What nodes send each other may be lost while both of them live: the library drops what
// it has when a connection breaks, and tells whoever watches the other node, but not of a
// watch that came in that moment, nor of a connection that broke the other way. So whoever
// waits for an answer that takes its time asks how far it is, and gives it up where
// something is missing: the request is tried again, or its stream handed over, like one
// whose node is gone. Requests that are answered soon have no part in it.

const (
	// pulseEvery is how often that is asked, of calls that have taken as long. It is one
	// message to each node, of some 20 bytes a call.
	pulseEvery = 2 * time.Second
	// mostMissed is how many pulses in a row a node may leave unanswered before it is
	// taken for one that cannot be reached. One that is frozen is removed sooner.
	mostMissed = 4
)

// pulses is what a relay knows of its own.
type pulses struct {
	next   time.Time
	missed map[string]int // by the relay asked: pulses since it last answered one
}

// feelPulse asks the owners of calls that take their time for their progress.
func (r *relay) feelPulse(now time.Time) {
	if now.Before(r.pulses.next) {
		return
	}
	r.pulses.next = now.Add(pulseEvery)
	pulses, owners := make(map[string]*remote.Pulse), make(map[string]*actor.PID)
	for id, c := range r.calls {
		if now.Sub(c.asked) < pulseEvery {
			continue
		}
		name := c.owner.String()
		if pulses[name] == nil {
			pulses[name], owners[name] = &remote.Pulse{}, c.owner
		}
		pulses[name].Calls = append(pulses[name].GetCalls(), &remote.Waited{Call: id, Credit: c.credit.Load()})
	}
	missed := make(map[string]int, len(pulses)) // of those that nothing is asked any more nothing is kept
	for name, pulse := range pulses {
		if missed[name] = r.pulses.missed[name] + 1; missed[name] > mostMissed {
			r.cluster.metrics.lost.Add(float64(len(pulse.GetCalls())))
			r.failAll(owners[name])
			delete(missed, name)
			continue
		}
		r.cluster.say(owners[name], pulse)
	}
	r.pulses.missed = missed
}

// progressOf is how far the calls are that are carried out for a peer. Credit that was
// lost is made good.
func (r *relay) progressOf(peer *actor.PID, m *remote.Pulse) *remote.Progress {
	progress := &remote.Progress{Calls: make([]*remote.Carried, 0, len(m.GetCalls()))}
	name := peer.String()
	for _, waited := range m.GetCalls() {
		carried := &remote.Carried{Call: waited.GetCall()}
		if s := r.served[asker{peer: name, call: waited.GetCall()}]; s != nil {
			if waited.GetCredit() > s.given {
				s.give(waited.GetCredit() - s.given)
			}
			carried.Known, carried.Batches = true, s.number.Load()
		}
		progress.Calls = append(progress.Calls, carried)
	}
	return progress
}

// compare gives up the calls of which something was lost. Messages between two nodes
// overtake each other only where a connection broke; a call that is given up for one which
// comes late after all goes on like any other whose owner is gone.
func (r *relay) compare(owner *actor.PID, m *remote.Progress) {
	delete(r.pulses.missed, owner.String())
	for _, carried := range m.GetCalls() {
		if c := r.calls[carried.GetCall()]; c != nil && c.hasLost(carried) {
			r.cluster.metrics.lost.Inc()
			r.fail(carried.GetCall(), c)
		}
	}
}

// hasLost tells whether less has come than was sent. To a client that has left its owner
// sends nothing but the end.
func (c *call) hasLost(sent *remote.Carried) bool {
	turn, is := c.m.(*messages.StartTurn)
	left := is && turn.Client.Err() != nil
	return !sent.GetKnown() || !left && sent.GetBatches() > c.next
}
