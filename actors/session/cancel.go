package session

import (
	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// cancel ends a response that runs. Its own last event is the answer.
func (s *session) cancel(m *messages.CancelLane) {
	if found := s.find(m); found != nil {
		found.cancel()
		return
	}
	s.client.Refuse(m.Lane, errNothingToCancel(m))
}

// find returns what runs under a response's name, or on a lane.
func (s *session) find(m *messages.CancelLane) *running {
	if m.Response == "" {
		if l := s.lanes[m.Lane]; l != nil {
			return l.running
		}
		return nil
	}
	return s.runs(m.Response)
}

// runs returns what runs under a response's name.
func (s *session) runs(response string) *running {
	id, ok := openai.ParseResponseID(response)
	for _, l := range s.lanes {
		if ok && l.running != nil && named(l.running.turn) == id {
			return l.running
		}
	}
	return nil
}

// named is the response that a lane's turn shows.
func named(t *messages.LaneTurn) messages.TurnID {
	if t.Resume == nil {
		return t.Spec.ID
	}
	id, _ := openai.ParseResponseID(t.Resume.Response)
	return id
}
