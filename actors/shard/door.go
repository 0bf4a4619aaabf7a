package shard

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// Door says whether a shard of a cluster's node is open, and under which epoch. It
// outlives the shard's restarts. Anybody may read it; the shard alone changes it.
type Door struct {
	epoch atomic.Uint32 // 0: closed
	// Return takes what came to a closed shard. It never blocks.
	Return func(messages.Addressed)
}

// Epoch is under which this node owns the shard; 0 where it does not.
func (d *Door) Epoch() messages.ShardEpoch { return messages.ShardEpoch(d.epoch.Load()) }

// open lets requests in.
func (s *Shard) open(m *messages.OpenShard) {
	if s.door != nil {
		s.door.epoch.Store(uint32(m.Epoch))
	}
}

// close lets none in any more, and forgets the conversations: whoever has the shard
// next changes them. It tells whether it did.
func (s *Shard) close(ctx actor.Context, m *messages.CloseShard) {
	if s.door == nil || len(s.refs) > 0 && !m.Force {
		m.Reply <- false
		return
	}
	s.door.epoch.Store(0)
	for _, c := range s.conversations {
		if c.worker != nil {
			ctx.Stop(c.worker.pid)
			for _, held := range c.worker.held {
				s.turnAway(held)
			}
		}
	}
	s.metrics.Awake.Sub(float64(len(s.conversations)))
	clear(s.conversations)
	clear(s.refs)
	m.Reply <- true
}

// isClosed tells whether requests are others' to carry out.
func (s *Shard) isClosed() bool { return s.door != nil && s.door.epoch.Load() == 0 }

func (s *Shard) turnAway(m any) {
	if request, is := m.(messages.Addressed); is {
		s.door.Return(request)
	}
}
