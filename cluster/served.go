package cluster

import (
	"context"
	"sync/atomic"
	"time"

	"example.com/parley/messages"
	"example.com/parley/messages/remote"
)

// asker names a call of another node.
type asker struct {
	link *link
	call uint64
}

// served is a request that this node carries out for another.
type served struct {
	from   asker
	client context.Context // ends when nobody waits for it any more
	cancel context.CancelFunc
	credit chan struct{} // a place for each batch that may be on its way
	number uint64        // of the next batch
	tokens atomic.Int64  // what the turn used, once it has ended
}

// serve carries out what another node asks, where this one has the shard.
func (r *relay) serve(from *link, m *remote.Ask) {
	r.meet(from)
	s := &served{from: asker{link: from, call: m.GetCall()}, credit: make(chan struct{}, window)}
	asked, err := remote.FromAsk(m, time.Now())
	if err != nil {
		r.cluster.deps.Log.Warn("another node asked for what this one does not know; it may be newer", "error", err)
		s.say(&remote.Answer{Reply: &remote.Answer_Refused{Refused: remote.ToFailure(unknown())}})
		return
	}
	if r.cluster.held.epoch(messages.ShardOf(asked.To())) == 0 {
		r.cluster.keeper.look()
		s.say(&remote.Answer{Reply: &remote.Answer_Moved{Moved: &remote.Moved{}}})
		return
	}
	r.cluster.metrics.served.Inc()
	s.client, s.cancel = context.WithCancel(context.Background())
	for range window {
		s.credit <- struct{}{}
	}
	r.served[s.from] = s
	wait := s.prepare(asked)
	r.local.Here(asked) // first: what waits for the answer has time
	r.cluster.pumps.Go(func() {
		wait()
		s.cancel()
		r.cluster.tell(&servedEnded{from: s.from})
	})
}

// prepare returns what waits for the answer, which always comes.
func (s *served) prepare(m messages.Addressed) (wait func()) {
	switch m := m.(type) {
	case *messages.StartTurn:
		m.Client, m.Limited = s.client, s
		return func() {
			within(time.Until(m.Spec.Deadline)+answerPatience, m.Reply, func(started messages.TurnStarted) { s.turn(m, started) })
		}
	case *messages.FollowTurn:
		return func() { within(answerPatience, m.Reply, s.follow) }
	case *messages.CancelTurn:
		return func() { within(answerPatience, m.Reply, s.cancelled) }
	case *messages.AddItems:
		return func() { within(answerPatience, m.Reply, s.edited) }
	case *messages.EraseItem:
		return func() { within(answerPatience, m.Reply, s.edited) }
	case *messages.EraseTurn:
		return func() { within(answerPatience, m.Reply, s.edited) }
	case *messages.DropConversation:
		return func() { within(answerPatience, m.Reply, s.edited) }
	default:
		return func() {}
	}
}

// unknown is for a request that this node does not understand.
func unknown() error {
	return &messages.Failure{
		Code: messages.CodeStaleEpoch, What: "the node that has the conversation is of another version, and does not understand the request",
		Do: "send the request again once all nodes are of one version", RetryAfter: time.Second,
	}
}

// within passes an answer on, should it come in time. Whoever asked waits no longer
// either.
func within[T any](patience time.Duration, reply <-chan T, pass func(T)) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case answer := <-reply:
		pass(answer)
	case <-timer.C:
	}
}

func (s *served) cancelled(c messages.Cancelled) {
	s.say(&remote.Answer{Reply: &remote.Answer_Cancelled{Cancelled: remote.ToCancelled(c)}})
}

func (s *served) say(m *remote.Answer) {
	m.Call = s.from.call
	s.from.link.say(answerFrame(m))
}

func (s *served) edited(e messages.Edited) {
	s.say(&remote.Answer{Reply: &remote.Answer_Edited{Edited: remote.ToEdited(e)}})
}

// Settle implements messages.LimitHold: what the turn used counts where its limits
// are.
func (s *served) Settle(tokens int) { s.tokens.Store(int64(tokens)) }

// turn answers, and passes the stream on until its end.
func (s *served) turn(m *messages.StartTurn, started messages.TurnStarted) {
	accepted := remote.ToTurnStarted(started)
	if started.Err == nil && m.Chunks != nil && !m.Spec.Stream {
		s.whole(m.Chunks, accepted)
		return
	}
	s.accept(accepted)
	if started.Err != nil {
		return
	}
	if m.Chunks == nil || !s.stream(m.Chunks, m.Spec.Stream) {
		s.send(nil, true)
	}
}

// soon is how long the acceptance of a turn waits for a reply that comes in one piece.
// Most come later, and of the others a client notices no difference.
const soon = 20 * time.Millisecond

// accept says that a turn has begun, or why not.
func (s *served) accept(accepted *remote.TurnStarted) {
	s.say(&remote.Answer{Reply: &remote.Answer_Started{Started: accepted}})
}

// whole passes a reply on that nobody sees before it is whole. Where that is soon, its
// acceptance goes along: each of the two wakes a handful of goroutines at either end.
func (s *served) whole(chunks <-chan messages.Chunk, accepted *remote.TurnStarted) {
	patience := time.NewTimer(soon)
	defer patience.Stop()
	first, open := &batch{}, true
	for open && !first.ended && !first.full() {
		var chunk messages.Chunk
		select {
		case chunk, open = <-chunks:
			if open {
				first.add(&chunk)
			}
		case <-patience.C: // once
			s.accept(accepted)
			accepted = nil
		}
	}
	s.sendBehind(accepted, first.chunks, first.ended)
	if !first.ended && !s.stream(chunks, false) {
		s.send(nil, true)
	}
}

// stream sends batches until there is no more, and tells whether it has sent the last.
// Behind a client that has gone it only takes what comes.
func (s *served) stream(chunks <-chan messages.Chunk, seen bool) (ended bool) {
	for chunk := range chunks {
		batch := gather(&chunk, chunks, seen)
		ended = batch.ended
		s.send(batch.chunks, ended)
	}
	return ended
}

// follow passes on what is seen of a turn.
func (s *served) follow(f messages.Following) {
	s.say(&remote.Answer{Reply: &remote.Answer_Following{Following: remote.ToFollowing(f)}})
	if f.View == nil {
		return
	}
	defer f.View.Leave()
	ended := s.look(f.View)
	if !ended {
		s.from.link.say(batchFrame(&remote.Batch{Call: s.from.call, Number: s.number, SoFar: true}))
		s.number++
	}
	for !ended {
		select {
		case <-f.View.More():
			ended = s.look(f.View)
		case <-s.client.Done():
			s.send(nil, true) // with a gap: there may be more to see
			return
		}
	}
}

// look sends what has come since, for as long as somebody wants to see it.
func (s *served) look(v messages.View) (ended bool) {
	for s.client.Err() == nil {
		chunk, came := v.Next()
		if !came {
			return false
		}
		batch := newBatch(&chunk)
		for came && !batch.ended && !batch.full() {
			if chunk, came = v.Next(); came {
				batch.add(&chunk)
			}
		}
		s.send(batch.chunks, batch.ended)
		if batch.ended {
			return true
		}
	}
	return false
}

// send waits until a batch may go. For a client that has gone it does nothing but
// say that it was the last. What is not sent has a number all the same: whoever waits
// nevertheless finds that something is missing, and takes no shorter reply for whole.
func (s *served) send(chunks []*remote.Chunk, last bool) { s.sendBehind(nil, chunks, last) }

// sendBehind is send behind the turn's acceptance; nil where that was said.
func (s *served) sendBehind(accepted *remote.TurnStarted, chunks []*remote.Chunk, last bool) {
	if !s.mayGo(chunks) {
		s.number++ // and the turn itself may have left out more
		if chunks = nil; !last && accepted == nil {
			return
		}
	}
	s.from.link.say(batchFrame(&remote.Batch{
		Call: s.from.call, Number: s.number, Chunks: chunks, Last: last, Tokens: s.tokens.Load(), Started: accepted,
	}))
	s.number++
}

// mayGo waits for credit, and tells whether somebody still wants the batch.
func (s *served) mayGo(chunks []*remote.Chunk) bool {
	if s.client.Err() != nil || len(chunks) == 0 {
		return s.client.Err() == nil
	}
	select {
	case <-s.credit:
		return true
	case <-s.client.Done():
		return false
	}
}

// credit lets another batch go.
func (r *relay) credit(from *link, m *remote.Credit) {
	s := r.served[asker{link: from, call: m.GetCall()}]
	if s == nil {
		return
	}
	for range min(m.GetBatches(), window) {
		select {
		case s.credit <- struct{}{}:
		default: // more than it has sent
		}
	}
}

// dismiss ends the waiting for a client that has gone.
func (r *relay) dismiss(from *link, m *remote.Gone) {
	if s := r.served[asker{link: from, call: m.GetCall()}]; s != nil {
		s.cancel()
	}
}
