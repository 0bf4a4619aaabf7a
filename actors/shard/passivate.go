package shard

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// stop stops the actor of a conversation that has nothing left to do, unless a
// message has been sent to it that it had not met when it said so.
func (s *Shard) stop(ctx actor.Context, who *actor.PID, m *messages.ReadyToStop) {
	ref, known := s.refs[who.Id]
	c := s.conversations[ref]
	if !known || c.worker.stopping || c.worker.sent != m.Sent {
		return
	}
	c.worker.stopping, c.memory = true, m.Memory
	s.conversations[ref] = c
	ctx.Stop(who)
}

// bury notes that an actor has stopped, and brings its conversation what came
// meanwhile. One that stopped without having been asked to failed too often: its
// next message finds it in the store.
func (s *Shard) bury(ctx actor.Context, who *actor.PID) {
	ref, known := s.refs[who.Id]
	if !known {
		return
	}
	delete(s.refs, who.Id)
	c := s.conversations[ref]
	gone := c.worker
	if !gone.stopping {
		s.metrics.GivenUp.Inc()
	}
	if c.worker = nil; c.memory == nil {
		s.forget(ref)
	} else {
		s.conversations[ref] = c
	}
	for _, m := range gone.held {
		s.forward(ctx, ref, m)
	}
}

// forget puts a conversation to sleep.
func (s *Shard) forget(ref messages.ConversationRef) {
	delete(s.conversations, ref)
	s.metrics.Awake.Dec()
}

// Sweep makes a shard look for conversations that nobody talks to. Whoever owns
// the shards sends it from one ticker: a timer each would be a goroutine each.
type Sweep struct{ Now time.Time }

// sweep puts the idle ones to sleep. It asks those that have an actor whether
// they may stop: one that is still answering says nothing, and is asked again
// next time.
func (s *Shard) sweep(ctx actor.Context, now time.Time) {
	for ref, c := range s.conversations {
		switch {
		case now.Sub(s.began)-c.heard < s.cfg.IdleAfter:
		case c.worker == nil:
			s.forget(ref)
		case !c.worker.stopping:
			ctx.Send(c.worker.pid, &messages.MayStop{Sent: c.worker.sent})
		}
	}
}
