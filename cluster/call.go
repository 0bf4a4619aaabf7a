package cluster

import (
	"time"

	"example.com/parley/messages"
	"example.com/parley/messages/remote"
)

// window is how many batches may be on their way to a client that does not read.
const window = 8

// call is a request that another node carries out.
type call struct {
	*outgoing

	cluster  *Cluster
	link     *link // to its owner
	deadline time.Time
	stop     func() bool        // of the watch over its client
	accepted bool               // its stream has begun
	next     uint64             // number of the next batch
	inbox    chan *remote.Batch // capacity window; of a turn
	view     *view              // of a turn that is looked on
	failure  error              // set before inbox is closed
	tokens   int                // likewise: what its owner says that the turn used, behind what did not arrive
}

// answerPatience is how long behind a turn's deadline, and behind any other
// request's asking, an answer may come.
const answerPatience = 30 * time.Second

// ask sends a request to the node that owns its shard.
func (r *relay) ask(m *outgoing, o owner) {
	r.next++
	id, now := r.next, time.Now()
	m.expectTraces()
	ask, err := remote.ToAsk(id, m.m, now)
	if err != nil {
		messages.Decline(m.m, err)
		return
	}
	c := &call{outgoing: m, cluster: r.cluster, link: r.linkTo(o), deadline: now.Add(answerPatience), stop: func() bool { return true }}
	if turn, is := m.m.(*messages.StartTurn); is {
		if !turn.Spec.Deadline.IsZero() {
			c.deadline = turn.Spec.Deadline.Add(answerPatience)
		}
		c.stop = messages.AfterEnd(turn.Client, func() { r.cluster.tell(&callLeft{call: id}) })
	}
	r.calls[id] = c
	r.cluster.metrics.carried.Inc()
	c.link.say(askFrame(ask))
}

// callOf is the call that another node speaks of, if it is one that it carries out.
func (r *relay) callOf(id uint64, from *link) *call {
	if c := r.calls[id]; c != nil && c.link == from {
		return c
	}
	return nil
}

// take brings an answer to whoever asked.
func (r *relay) take(from *link, m *remote.Answer) {
	c := r.callOf(m.GetCall(), from)
	if c == nil || c.accepted {
		return
	}
	switch reply := m.GetReply().(type) {
	case *remote.Answer_Moved:
		r.drop(m.GetCall(), c)
		r.cluster.keeper.look()
		r.await(c.outgoing)
	case *remote.Answer_Started:
		r.accept(m.GetCall(), c, remote.FromTurnStarted(reply.Started))
	case *remote.Answer_Following:
		r.show(m.GetCall(), c, reply.Following)
	case *remote.Answer_Refused:
		r.drop(m.GetCall(), c)
		messages.Decline(c.m, c.refusal(remote.FromFailure(reply.Refused)))
	default:
		r.drop(m.GetCall(), c)
		c.answer(m)
	}
}

// drop ends a call without a word.
func (r *relay) drop(id uint64, c *call) {
	c.stop()
	delete(r.calls, id)
}

// answer is for what has one answer and no stream.
func (c *call) answer(m *remote.Answer) {
	switch asked := c.m.(type) {
	case *messages.CancelTurn:
		asked.Reply <- remote.FromCancelled(m.GetCancelled())
	case *messages.AddItems:
		asked.Reply <- edited(m)
	case *messages.EraseItem:
		asked.Reply <- edited(m)
	case *messages.EraseTurn:
		asked.Reply <- edited(m)
	case *messages.DropConversation:
		asked.Reply <- edited(m)
	default:
		messages.Decline(c.m, ownerLost(c.m.To())) // it answered another question
	}
}

func edited(m *remote.Answer) messages.Edited {
	e, err := remote.FromEdited(m.GetEdited())
	if err != nil {
		return messages.Edited{Err: err}
	}
	return e
}

// accept answers a turn, and has its stream read.
func (r *relay) accept(id uint64, c *call, started messages.TurnStarted) {
	turn, is := c.m.(*messages.StartTurn)
	if !is || started.Err != nil {
		r.drop(id, c)
		messages.Decline(c.m, c.refusal(started.Err))
		return
	}
	c.accepted = true
	if turn.Began != nil {
		turn.Began()
	}
	turn.Answer(started)
	c.inbox = make(chan *remote.Batch, window)
	r.cluster.pumps.Go(func() {
		c.pump(turn, c.thanks(id))
	})
}

// refusal says why a turn was refused. One that was sent to two nodes in turn, since
// the first went down, may have been begun by that: nobody else has its id.
func (c *call) refusal(err error) error {
	if c.tried && messages.CodeOf(err) == messages.CodeIdempotencyRunning {
		return ownerLost(c.m.To())
	}
	if err == nil {
		return ownerLost(c.m.To())
	}
	return err
}

// feed hands a batch on. The owner was given credit for it, so there is room.
func (r *relay) feed(from *link, m *remote.Batch) {
	c := r.callOf(m.GetCall(), from)
	if c == nil {
		from.say(goneFrame(m.GetCall()))
		return
	}
	if started := m.GetStarted(); started != nil && !c.accepted {
		if r.accept(m.GetCall(), c, remote.FromTurnStarted(started)); !c.accepted {
			return
		}
	}
	if !c.accepted || m.GetNumber() != c.next {
		c.tokens = int(m.GetTokens())
		r.fail(m.GetCall(), c)
		return
	}
	c.next++
	if c.view != nil {
		c.view.put(m)
	} else {
		select {
		case c.inbox <- m:
		default:
			r.fail(m.GetCall(), c)
			return
		}
	}
	if m.GetLast() {
		r.drop(m.GetCall(), c)
		if c.inbox != nil {
			close(c.inbox)
		}
	}
}

// fail ends a call whose owner is gone, or was not understood. One that nobody has
// answered is tried at the next owner.
func (r *relay) fail(id uint64, c *call) {
	r.drop(id, c)
	c.sayGone(id)
	c.failure = ownerLost(c.m.To())
	switch {
	case c.view != nil:
		c.view.fail(c.failure)
	case c.inbox != nil:
		close(c.inbox)
	case time.Since(c.since) > c.patience():
		messages.Decline(c.m, c.failure)
	default:
		c.tried = true
		r.cluster.keeper.look()
		r.await(c.outgoing)
	}
}

// leave tells the owner that the client has gone. What is stored goes on there.
func (r *relay) leave(id uint64) {
	if c := r.calls[id]; c != nil {
		c.sayGone(id)
	}
}

func (c *call) sayGone(id uint64) { c.link.say(goneFrame(id)) }

// thanks returns what is called for each batch that was taken, by one goroutine. It
// gives the owner credit once half of the window was: few streams are so long, and
// each message is as much work as a batch. Behind the end nobody reads it.
func (c *call) thanks(id uint64) (took func()) {
	taken := uint32(0)
	return func() {
		if taken++; taken == window/2 {
			c.link.say(creditFrame(id, taken))
			taken = 0
		}
	}
}

// pump brings batches to the client until the stream's last. It ends with the call:
// inbox is closed by the relay. Where the turn's owner does not live to see its end
// the next one is asked to go on.
func (c *call) pump(turn *messages.StartTurn, took func()) {
	defer turn.CloseChunks()
	defer turn.Leave()
	s := newStream(turn)
	for batch := range c.inbox {
		for _, mirror := range batch.GetChunks() {
			chunk, err := remote.FromChunk(mirror)
			if err != nil {
				continue // of a newer node: the stream's end says what it came to
			}
			s.take(chunk, int(batch.GetTokens()))
		}
		took()
	}
	if c.failure != nil {
		s.breakOff(c.failure, c.tokens)
	}
	for !c.handed && s.mayGoOn() {
		c.cluster.handOver(s)
	}
	s.end()
}

// brokenOff ends a stream whose owner is gone, or out of sight. Nobody here knows whether
// the turn goes on, so its client is told to read on, and not that it has ended.
func brokenOff(err error) messages.Chunk {
	return messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnRunning, Ended: time.Now(), Err: err}}
}
