package actors

import (
	"context"

	"example.com/parley/actors/shard"
	"example.com/parley/messages"
)

// Elsewhere is the other nodes of a cluster. Its methods never block.
// cluster.Cluster implements it.
type Elsewhere interface {
	// Carry takes a request for a conversation whose shard is another node's. It
	// returns false for all others.
	Carry(m messages.Addressed) bool
	// Return takes a request that came to a shard after it was closed.
	Return(m messages.Addressed)
	// Doubt is told of a conversation whose writes the store refuses, since another
	// node may have it.
	Doubt(ref messages.ConversationRef)
}

// OpenShard has a shard take requests: this node owns it, under the epoch.
func (s *System) OpenShard(of messages.Shard, epoch messages.ShardEpoch) {
	s.system.Root.Send(s.shards[of], &messages.OpenShard{Epoch: epoch})
}

// CloseShard has a shard take no more. The answer comes on the message's Reply.
func (s *System) CloseShard(of messages.Shard, m *messages.CloseShard) {
	s.system.Root.Send(s.shards[of], m)
}

// Here brings a request to its conversation on this node. Where its shard has closed
// meanwhile, it goes elsewhere.
func (s *System) Here(m messages.Addressed) {
	s.system.Root.Send(s.shards[messages.ShardOf(m.To())], m)
}

// TakeUp goes on with turns that the last process did not live to end. It is for a node
// that is alone, before anybody else is let in.
func (s *System) TakeUp(ctx context.Context, unfinished []messages.UnfinishedTurn) {
	for i := range unfinished {
		s.Here(unfinished[i].Start(ctx))
	}
}

// doors are the shards' own, on a node of a cluster.
type doors [messages.Shards]shard.Door

func newDoors(elsewhere Elsewhere) *doors {
	if elsewhere == nil {
		return nil
	}
	d := new(doors)
	for i := range d {
		d[i].Return = elsewhere.Return
	}
	return d
}

// of is a shard's; nil on a node that is alone.
func (d *doors) of(i int) *shard.Door {
	if d == nil {
		return nil
	}
	return &d[i]
}

// epoch is under which this node owns a conversation's shard.
func (d *doors) epoch(ref messages.ConversationRef) messages.ShardEpoch {
	return d[messages.ShardOf(ref)].Epoch()
}
