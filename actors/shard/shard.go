// Package shard finds conversations: a shard is the parent of those whose hash
// is its own, wakes them with their first message, and puts them to sleep.
package shard

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// Spawn returns the props of one conversation.
type Spawn func(ref messages.ConversationRef) *actor.Props

// Shard is the actor. Every message to a conversation goes through it, in
// order; that is what makes its handshake with an idle child safe.
type Shard struct {
	cfg     Config
	spawn   Spawn
	metrics *Metrics

	children map[messages.ConversationRef]*child
	byPID    map[string]messages.ConversationRef // of children that are stopping, by PID id
}

// child is what a shard knows of a conversation.
type child struct {
	pid      *actor.PID
	heard    time.Time // of the last message that was sent to it
	sent     uint64
	stopping bool
	held     []any // what came while it stopped
}

// maxHeld bounds what may wait for a conversation that is on its way to sleep:
// it takes microseconds, so more is a flood.
const maxHeld = 64

// Props returns a shard. A restart forgets its conversations, which are found
// again in the store with their next message.
func Props(cfg Config, spawn Spawn, metrics *Metrics, supervision actor.SupervisorStrategy) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor {
		return &Shard{
			cfg: cfg, spawn: spawn, metrics: metrics,
			children: make(map[messages.ConversationRef]*child),
			byPID:    make(map[string]messages.ConversationRef),
		}
	}, actor.WithSupervisor(supervision))
}

// Receive implements actor.Actor.
func (s *Shard) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.StartTurn:
		s.forward(ctx, m.Spec.Ref(), m)
	case *messages.AddItems:
		s.forward(ctx, m.Ref, m)
	case *messages.EraseItem:
		s.forward(ctx, m.Ref, m)
	case *messages.EraseTurn:
		s.forward(ctx, m.Ref, m)
	case *messages.DropConversation:
		s.forward(ctx, m.Ref, m)
	case *messages.ReadyToStop:
		s.putToSleep(ctx, m)
	case *Sweep:
		s.sweep(ctx, m.Now)
	case *actor.Terminated:
		s.bury(ctx, m.Who)
	case *actor.Stopping, *actor.Restarting:
		s.metrics.Awake.Sub(float64(len(s.children)))
	}
}

// forward sends m to its conversation, waking it first if it sleeps.
func (s *Shard) forward(ctx actor.Context, ref messages.ConversationRef, m any) {
	c, awake := s.children[ref]
	if !awake {
		c = s.wake(ctx, ref)
	}
	if c.stopping {
		s.hold(c, m)
		return
	}
	c.heard = time.Now()
	c.sent++
	ctx.Send(c.pid, m)
}

func (s *Shard) wake(ctx actor.Context, ref messages.ConversationRef) *child {
	c := &child{pid: ctx.Spawn(s.spawn(ref))}
	s.children[ref] = c
	s.metrics.Awake.Inc()
	s.metrics.Woken.Inc()
	return c
}

func (s *Shard) hold(c *child, m any) {
	if len(c.held) == maxHeld {
		messages.Decline(m, &messages.Failure{
			Code: messages.CodeTooManyTurns, What: "too many requests wait for this conversation",
			Do: "send one at a time", RetryAfter: time.Second,
		})
		return
	}
	c.held = append(c.held, m)
}
