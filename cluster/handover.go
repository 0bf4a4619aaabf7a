package cluster

import (
	"sync/atomic"
	"time"

	"example.com/parley/messages"
)

// A turn's client is at one node and the turn at another. Should that go down, the
// client's node knows what it has brought the client, the store what was stored, and
// the shard's next owner puts the two together. The client sees one stream.

// stream is a turn as its client is brought it. The goroutine of its pump alone uses
// it.
type stream struct {
	turn   *messages.StartTurn
	shown  messages.Reply   // what the client was brought, where others could go on with it
	held   []messages.Chunk // of a reply in one piece: it is brought whole, or another is
	last   *messages.Chunk  // its end, once that has come
	tokens int              // that the turn used
	owners int              // it had so far
}

func newStream(turn *messages.StartTurn) *stream {
	s := &stream{turn: turn, owners: 1}
	if h := turn.Spec.Handover; h != nil {
		s.owners += h.Owners
		for _, c := range h.Shown {
			s.shown.Add(c)
		}
	}
	return s
}

// take brings a chunk to the client, but for the last.
func (s *stream) take(chunk messages.Chunk, tokens int) {
	switch {
	case chunk.Kind == messages.ChunkEnd:
		s.last, s.tokens = &chunk, tokens
	case !s.turn.Spec.Stream:
		s.held = append(s.held, chunk)
	default:
		if s.turn.Spec.Continue || s.shown.Len() == 0 {
			s.shown.Add(chunk)
		}
		s.turn.Show(chunk)
	}
}

// breakOff is for an owner that is gone without a word, or took the client for gone;
// tokens are what it has said that the turn used.
func (s *stream) breakOff(err error, tokens int) {
	if s.last == nil {
		end := brokenOff(err)
		s.last, s.tokens = &end, tokens
	}
}

// mayGoOn tells whether the next owner may go on with a turn that was cut. Where the
// request does not ask for that, it may begin anew what nobody has seen.
func (s *stream) mayGoOn() bool {
	if s.last == nil || !isCut(s.last.End) || s.owners >= messages.MaxOwners || s.turn.Spec.Background || s.turn.Client.Err() != nil {
		return false
	}
	return s.shown.Len() == 0 || s.turn.Spec.Continue && s.shown.IsText()
}

// isCut tells whether a turn ended with the node that had it, or lost sight of it. One
// that its owner has failed is over: its input was withdrawn.
func isCut(end *messages.TurnOutcome) bool {
	switch messages.CodeOf(end.Err) {
	case messages.CodeRestarted:
		return end.Status == messages.TurnPartial || end.Status == messages.TurnRunning
	case messages.CodeStaleEpoch:
		return true
	default:
		return false
	}
}

// end brings the client the rest.
func (s *stream) end() {
	for _, c := range s.held {
		s.turn.Show(c)
	}
	if s.last != nil {
		s.turn.Settle(s.tokens)
		s.turn.Show(*s.last)
	}
}

// handOver has the next owner of a turn's conversation go on with it, and takes what
// that says until its end. Where nobody takes it, the stream has the end that it had.
func (c *Cluster) handOver(s *stream) {
	cut := s.last
	used := &tally{}
	next := messages.NewStartTurn(s.turn.Client, *s.turn.Spec)
	next.Limited = used
	next.Spec.Handover = &messages.Handover{Shown: s.shown.Rest(messages.ReplyCursor{}), Owners: s.owners}
	s.owners++
	c.deps.Log.Info("a turn is handed over to its conversation's next owner", "turn", next.Spec.ID.String())
	c.tell(&outgoing{m: next, since: time.Now(), handed: true})
	if err := c.taken(next); err != nil {
		s.owners = messages.MaxOwners
		return
	}
	c.metrics.handed.Inc()
	s.last, s.held = nil, nil
	for chunk := range next.Chunks {
		s.take(chunk, int(used.Load()))
	}
	if s.last == nil && cut != nil { // its stream was cut without an end
		s.last, s.owners = cut, messages.MaxOwners
	}
}

// taken waits until a turn is accepted. It always is, or refused, while this node is
// a member.
func (c *Cluster) taken(turn *messages.StartTurn) error {
	patience := time.NewTimer(max(0, time.Until(turn.Spec.Deadline)) + answerPatience)
	defer patience.Stop()
	select {
	case started := <-turn.Reply:
		return started.Err
	case <-patience.C:
	case <-c.closed:
	}
	return notYet()
}

// tally implements messages.LimitHold for a turn whose limits another envelope holds.
type tally struct{ atomic.Int64 }

// Settle implements messages.LimitHold.
func (t *tally) Settle(tokens int) { t.Store(int64(tokens)) }

// expectTraces has whoever carries a request out look for what a node before it may
// have begun.
func (m *outgoing) expectTraces() {
	if turn, is := m.m.(*messages.StartTurn); is && m.tried && turn.Spec.Handover == nil {
		turn.Spec.Handover = &messages.Handover{Owners: 1}
	}
}
