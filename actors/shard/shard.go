// Package shard finds conversations: a shard is the parent of those whose hash
// is its own, wakes them with their first message, and puts them to sleep.
package shard

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// Shard is the actor. Every message to a conversation goes through it, in
// order; that is what makes its handshake with an idle child safe.
type Shard struct {
	cfg     Config
	props   *actor.Props // of every conversation
	metrics *Metrics
	began   time.Time

	children map[messages.ConversationRef]child
	stopping map[string]*stopping // by PID id
}

// child is what a shard knows of a conversation. There is one of each that is
// awake, so it is small and lies in the map.
type child struct {
	pid   *actor.PID
	heard time.Duration // since the shard began, when the last message was sent to it
	sent  uint64
}

// stopping is a child on its way to sleep.
type stopping struct {
	ref  messages.ConversationRef
	held []any // what came meanwhile
}

// maxHeld bounds what may wait for a conversation that is on its way to sleep:
// it takes microseconds, so more is a flood.
const maxHeld = 64

// Props returns a shard, whose conversations are spawned with props: each learns
// who it is from its first message. A restart forgets the conversations, which
// are found again in the store with their next message.
func Props(cfg Config, props *actor.Props, metrics *Metrics, supervision actor.SupervisorStrategy) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor {
		return &Shard{
			cfg: cfg, props: props, metrics: metrics, began: time.Now(),
			children: make(map[messages.ConversationRef]child),
			stopping: make(map[string]*stopping),
		}
	}, actor.WithSupervisor(supervision))
}

// Receive implements actor.Actor.
func (s *Shard) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case messages.Addressed:
		s.forward(ctx, m.To(), m)
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
		c = s.wake(ctx)
	} else if leaving := s.stopping[c.pid.Id]; leaving != nil {
		leaving.hold(m)
		return
	}
	c.heard = time.Since(s.began)
	c.sent++
	s.children[ref] = c
	ctx.Send(c.pid, m)
}

func (s *Shard) wake(ctx actor.Context) child {
	s.metrics.Awake.Inc()
	s.metrics.Woken.Inc()
	return child{pid: ctx.Spawn(s.props)}
}

func (s *stopping) hold(m any) {
	if len(s.held) == maxHeld {
		messages.Decline(m, &messages.Failure{
			Code: messages.CodeTooManyTurns, What: "too many requests wait for this conversation",
			Do: "send one at a time", RetryAfter: time.Second,
		})
		return
	}
	s.held = append(s.held, m)
}
