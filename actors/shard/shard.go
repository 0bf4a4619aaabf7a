// Package shard finds conversations: a shard is responsible for those whose hash
// is its own. It is the parent of their actors, which it spawns when there is
// something to do and stops when there is not; it keeps what they remember
// meanwhile, and lets them sleep when nobody talks to them.
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
	door    *Door // nil on a node that is alone, where every shard is open

	conversations map[messages.ConversationRef]known
	refs          map[string]messages.ConversationRef // of those that are at work, by PID id
}

// known is what a shard knows of a conversation that is awake. There are very
// many, most of which nobody talks to: docs/decisions/idle-conversations.md has
// what they cost.
type known struct {
	worker *worker       // nil while there is nothing to do
	memory any           // the conversation's own, while it has no worker
	heard  time.Duration // since the shard began, when the last message was sent to it
}

// worker is a conversation's actor.
type worker struct {
	pid      *actor.PID
	sent     uint64 // requests
	stopping bool
	held     []any // what came while it stopped
}

// maxHeld bounds what may wait for an actor that is being stopped: it takes
// microseconds, so more is a flood.
const maxHeld = 64

// Props returns a shard, whose conversations are spawned with props: each learns
// who it is from its first message. A restart forgets the conversations, which
// are found again in the store with their next message. Door is nil on a node that
// is alone.
func Props(cfg Config, props *actor.Props, metrics *Metrics, supervision actor.SupervisorStrategy, door *Door) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor {
		return &Shard{
			cfg: cfg, props: props, metrics: metrics, began: time.Now(), door: door,
			conversations: make(map[messages.ConversationRef]known),
			refs:          make(map[string]messages.ConversationRef),
		}
	}, actor.WithSupervisor(supervision))
}

// Receive implements actor.Actor.
func (s *Shard) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case messages.Addressed:
		s.forward(ctx, m.To(), m)
	case *messages.ReadyToStop:
		s.stop(ctx, ctx.Sender(), m)
	case *actor.Terminated:
		s.bury(ctx, m.Who)
	case *messages.OpenShard:
		s.open(m)
	case *messages.CloseShard:
		s.close(ctx, m)
	case *Sweep:
		s.sweep(ctx, m.Now)
	case *actor.Stopping, *actor.Restarting:
		s.metrics.Awake.Sub(float64(len(s.conversations)))
	}
}

// forward sends m to its conversation, waking it first if it sleeps. Whoever asks
// about a turn that runs is told by one that is at nothing that there is none.
func (s *Shard) forward(ctx actor.Context, ref messages.ConversationRef, m any) {
	if s.isClosed() {
		s.turnAway(m)
		return
	}
	c, awake := s.conversations[ref]
	if about, ofRunning := m.(messages.AboutRunning); ofRunning && c.worker == nil {
		about.NotRunning()
		return
	}
	if !awake {
		s.metrics.Awake.Inc()
		s.metrics.Woken.Inc()
	}
	if c.worker == nil {
		s.employ(ctx, ref, &c)
	}
	c.heard = time.Since(s.began)
	s.conversations[ref] = c
	if c.worker.stopping {
		c.worker.hold(m)
		return
	}
	c.worker.sent++
	ctx.Send(c.worker.pid, m)
}

// employ gives a conversation an actor, and that what it remembers.
func (s *Shard) employ(ctx actor.Context, ref messages.ConversationRef, c *known) {
	c.worker = &worker{pid: ctx.Spawn(s.props)}
	s.refs[c.worker.pid.Id] = ref
	if c.memory != nil {
		ctx.Send(c.worker.pid, &messages.Resume{Memory: c.memory})
		c.memory = nil
	}
}

func (w *worker) hold(m any) {
	if len(w.held) == maxHeld {
		messages.Decline(m, &messages.Failure{
			Code: messages.CodeTooManyTurns, What: "too many requests wait for this conversation",
			Do: "send one at a time", RetryAfter: time.Second,
		})
		return
	}
	w.held = append(w.held, m)
}
