package session

import (
	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// maxRemembered is how many bytes of content a connection may have that are
// stored nowhere else. A client that needs more has its responses stored.
const maxRemembered = 4 << 20

// remember keeps what is needed to go on from a response that is stored nowhere:
// the last one of each lane. What a turn that failed went on from is forgotten,
// so that a client never builds on what it does not know the state of.
func (s *session) remember(l *lane, m *served) {
	if m.turn.Resume != nil {
		return
	}
	if m.outcome.Failed && m.turn.Remembered != nil {
		s.forget(m.turn.Remembered)
	}
	if m.outcome.Status == "" {
		return
	}
	l.last = m.turn
	l.last.Remembered = nil // or each would hold on to the one before it
	if m.outcome.Failed {
		return
	}
	l.memory = m.outcome.Remembered
	s.bound(l)
}

// recall finds what the session remembers of what a turn goes on from.
func (s *session) recall(t *messages.LaneTurn) {
	id, ok := openai.ParseResponseID(t.Previous)
	if !ok || t.Resume != nil {
		return
	}
	for _, l := range s.lanes {
		if l.memory != nil && l.memory.ID == id {
			t.Remembered = l.memory
			return
		}
	}
}

func (s *session) forget(r *messages.Remembered) {
	for _, l := range s.lanes {
		if l.memory == r {
			l.memory = nil
		}
	}
}

// bound forgets what other lanes have, and the newest itself where that alone is
// too much.
func (s *session) bound(newest *lane) {
	total := 0
	for _, l := range s.lanes {
		if l.memory != nil {
			total += l.memory.Size()
		}
	}
	for _, l := range s.lanes {
		if total <= maxRemembered {
			return
		}
		if l != newest && l.memory != nil {
			total -= l.memory.Size()
			l.memory = nil
		}
	}
	if total > maxRemembered {
		newest.memory = nil
	}
}
