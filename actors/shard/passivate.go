package shard

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// Sweep makes a shard look for conversations that nobody talks to. Whoever owns
// the shards sends it from one ticker: a timer each would be a goroutine each.
type Sweep struct{ Now time.Time }

// sweep asks the idle ones whether they may stop. One that is still answering
// says nothing, and is asked again next time.
func (s *Shard) sweep(ctx actor.Context, now time.Time) {
	for ref, c := range s.children {
		if now.Sub(s.began)-c.heard >= s.cfg.IdleAfter && s.stopping[c.pid.Id] == nil {
			ctx.Send(c.pid, &messages.MayStop{Ref: ref, Sent: c.sent})
		}
	}
}

// putToSleep stops a conversation that agreed to it, unless a message has been
// sent to it since it was asked.
func (s *Shard) putToSleep(ctx actor.Context, m *messages.ReadyToStop) {
	c, awake := s.children[m.Ref]
	if !awake || c.sent != m.Sent || s.stopping[c.pid.Id] != nil {
		return
	}
	s.stopping[c.pid.Id] = &stopping{ref: m.Ref}
	ctx.Stop(c.pid)
}

// bury forgets a conversation that has stopped, and wakes it again for what
// came meanwhile. One that stopped without having been asked to failed too
// often: its next message finds it in the store.
func (s *Shard) bury(ctx actor.Context, who *actor.PID) {
	leaving, asked := s.stopping[who.Id]
	if !asked {
		leaving = &stopping{ref: s.refOf(who)}
	}
	delete(s.stopping, who.Id)
	c, known := s.children[leaving.ref]
	if !known || c.pid.Id != who.Id {
		return
	}
	delete(s.children, leaving.ref)
	s.metrics.Awake.Dec()
	if !asked {
		s.metrics.GivenUp.Inc()
	}
	for _, m := range leaving.held {
		s.forward(ctx, leaving.ref, m)
	}
}

// refOf finds a child by its PID. It is slow, and only for one that was stopped
// by supervision.
func (s *Shard) refOf(who *actor.PID) messages.ConversationRef {
	for ref, c := range s.children {
		if c.pid.Id == who.Id {
			return ref
		}
	}
	return messages.ConversationRef{}
}
