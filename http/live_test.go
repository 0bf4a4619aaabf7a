package http_test

import (
	"slices"
	"sync"

	"example.com/parley/messages"
)

// liveTurn is a turn that runs, and is looked at.
type liveTurn struct {
	mu      sync.Mutex
	chunks  []messages.Chunk
	views   []*liveView
	looking int
}

// run has a turn run, whose client is somebody else.
func (l *library) run(r messages.TurnRecord, chunks ...messages.Chunk) *liveTurn {
	r.Status = messages.TurnRunning
	l.put(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	turn := &liveTurn{chunks: chunks}
	l.live[r.ID] = turn
	return turn
}

func (t *liveTurn) say(chunks ...messages.Chunk) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.chunks = append(t.chunks, chunks...)
	for _, v := range t.views {
		select {
		case v.more <- struct{}{}:
		default:
		}
	}
}

// watching is how many look on.
func (t *liveTurn) watching() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.looking
}

// liveView implements messages.View.
type liveView struct {
	turn *liveTurn
	next int
	more chan struct{}
	left bool
}

func (v *liveView) Next() (messages.Chunk, bool) {
	v.turn.mu.Lock()
	defer v.turn.mu.Unlock()
	if v.next == len(v.turn.chunks) {
		return messages.Chunk{}, false
	}
	v.next++
	return v.turn.chunks[v.next-1], true
}

func (v *liveView) More() <-chan struct{} { return v.more }

func (v *liveView) Leave() {
	v.turn.mu.Lock()
	defer v.turn.mu.Unlock()
	if !v.left {
		v.left = true
		v.turn.looking--
	}
}

func (s scripted) FollowTurn(m *messages.FollowTurn) error {
	s.mu.Lock()
	turn := s.live[m.Turn]
	s.mu.Unlock()
	if turn == nil {
		m.NotRunning()
		return nil
	}
	turn.mu.Lock()
	defer turn.mu.Unlock()
	v := &liveView{turn: turn, more: make(chan struct{}, 1)}
	turn.views = append(turn.views, v)
	turn.looking++
	m.Show(v)
	return nil
}

// CancelTurn ends the turn with what it has said so far.
func (s scripted) CancelTurn(m *messages.CancelTurn) error {
	if s.cancelled != nil {
		s.cancelled <- m.Turn
	}
	s.mu.Lock()
	turn := s.live[m.Turn]
	s.mu.Unlock()
	if turn == nil {
		m.NotRunning()
		return nil
	}
	outcome := &messages.TurnOutcome{Status: messages.TurnCancelled, Err: &messages.Failure{Code: messages.CodeCancelled, What: "cancelled"}}
	s.finish(m.Turn, outcome)
	m.Reply <- messages.Cancelled{Found: true}
	return nil
}

// finish stores the end of a turn, and tells those who look on.
func (l *library) finish(id messages.TurnID, outcome *messages.TurnOutcome) {
	l.mu.Lock()
	turn, record := l.live[id], l.turns[id]
	delete(l.live, id)
	l.mu.Unlock()
	var reply messages.Reply
	for _, c := range slices.Clone(turn.chunks) {
		reply.Add(c)
	}
	record.Status, record.Reason, record.Inputs = outcome.Status, outcome.Reason, 1
	l.put(record, append([]messages.Item{messages.TextMessage(messages.RoleUser, "canary-prompt")}, reply.Items(id, 1, 0, messages.ItemIncomplete)...)...)
	turn.say(messages.Chunk{Kind: messages.ChunkEnd, End: outcome})
}
