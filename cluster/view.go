package cluster

import (
	"sync"

	"example.com/parley/messages"
	"example.com/parley/messages/remote"
)

// view is a turn that runs on another node, as one more client sees it. It
// implements messages.View. What is not looked at yet is bounded by the credit that
// the owner has.
type view struct {
	more  chan struct{} // capacity 1
	took  func()        // gives credit
	leave func()        // tells the relay; may be called more than once
	asked *messages.FollowTurn

	mu      sync.Mutex
	batches []*remote.Batch
	at      int // in the first
	ended   bool
	handed  bool // to whoever asked
}

// show has whoever wants to look on be answered, once all is there that there was of the
// turn: it may know an event of it, and would be told that there is none.
func (r *relay) show(id uint64, c *call, m *remote.Following) {
	asked, is := c.m.(*messages.FollowTurn)
	if err := remote.FromFailure(m.GetErr()); !is || err != nil {
		r.drop(id, c)
		messages.Decline(c.m, err)
		return
	}
	if !m.GetFound() {
		r.drop(id, c)
		asked.NotRunning()
		return
	}
	c.accepted, c.deadline = true, c.deadline.AddDate(1, 0, 0) // it ends with the turn, which has a deadline
	c.view = &view{
		more:  make(chan struct{}, 1),
		asked: asked,
		took:  c.thanks(id),
		leave: func() {
			r.cluster.tell(&callLeft{call: id})
			r.cluster.tell(&callEnded{call: id})
		},
	}
}

// put takes a batch that the owner had credit for. Where it has none left nobody waits for
// the rest.
func (v *view) put(m *remote.Batch) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(m.GetChunks()) > 0 {
		v.batches = append(v.batches, m)
		v.wake()
	}
	if !v.handed && (m.GetSoFar() || m.GetLast() || len(v.batches) == window) {
		v.handed = true
		v.asked.Show(v)
	}
}

// fail ends the view, behind what has come. The turn may go on with its conversation's
// next owner.
func (v *view) fail(err error) {
	end := messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnRunning, Err: err}}
	v.put(&remote.Batch{Chunks: []*remote.Chunk{remote.ToChunk(&end)}, Last: true})
}

// wake says that there is more. The lock is held.
func (v *view) wake() {
	select {
	case v.more <- struct{}{}:
	default: // it has not looked since
	}
}

// Next implements messages.View.
func (v *view) Next() (messages.Chunk, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for len(v.batches) > 0 && !v.ended {
		chunks := v.batches[0].GetChunks()
		if v.at == len(chunks) {
			v.batches, v.at = v.batches[1:], 0
			v.took()
			continue
		}
		chunk, err := remote.FromChunk(chunks[v.at])
		v.at++
		if err != nil {
			continue // of a newer node
		}
		v.ended = chunk.Kind == messages.ChunkEnd
		return chunk, true
	}
	return messages.Chunk{}, false
}

// More implements messages.View.
func (v *view) More() <-chan struct{} { return v.more }

// Leave implements messages.View.
func (v *view) Leave() { v.leave() }
