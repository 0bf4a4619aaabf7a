// Package session runs the sessions of WebSocket connections: an actor for each,
// which says what is done next on its lanes. A lane carries out one thing after
// the other, and the lanes of a connection do so beside each other.
//
// The actor decides and goroutines wait: whatever takes time is the connection's
// own code (messages.SessionClient), which the actor has carried out in goroutines
// that it ends.
package session

import (
	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// What a connection may have, as OpenAI's.
const (
	maxFlying = 16 // responses that run or wait
	maxLanes  = 32 // with a name
)

// session is the actor. One of the parents spawns it, and says whose it is.
type session struct {
	deps   *Deps
	client messages.SessionClient

	// Owned by Receive. Most connections say nothing for most of the time: what
	// they do not need is not there.
	lanes    map[messages.Lane]*lane
	named    int
	flying   int   // turns that run or wait
	ending   int   // those of them whose clients have been shown the last of them
	draining error // why nothing more is begun; nil while it is
	ended    bool  // its client is gone
}

// Receive implements actor.Actor. Read it as the table of contents.
func (s *session) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *begin:
		s.client = m.client
	case *messages.LaneTurn:
		s.admit(ctx, m)
	case *messages.Steering:
		s.steer(m)
	case *messages.CancelLane:
		s.cancel(m)
	case *ending:
		s.makeRoom(m)
	case *served:
		s.settle(ctx, m)
	case *messages.DrainSession:
		s.drain(m.Why)
	case *messages.EndSession:
		s.ended = true
		ctx.Stop(ctx.Self())
	case *actor.Stopping, *actor.Restarting:
		s.abandon()
	}
}

// drain begins nothing more.
func (s *session) drain(why error) {
	s.draining = why
	s.finishDrain()
}

// finishDrain closes the connection once nothing runs on it.
func (s *session) finishDrain() {
	if s.draining != nil && s.flying == 0 {
		s.client.Finish()
	}
}

// abandon ends what runs. Where the client is still there, the session has failed,
// and its connection with it.
func (s *session) abandon() {
	for _, l := range s.lanes {
		if l.running != nil {
			l.running.leave()
		}
	}
	s.lanes, s.flying, s.ending = nil, 0, 0
	if !s.ended && s.client != nil {
		s.client.Break()
	}
}
