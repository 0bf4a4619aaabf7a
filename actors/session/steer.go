package session

import (
	"slices"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// maxSteers is how much input may wait for one response.
const maxSteers = 8

// steer has input wait for the end of the response that it is for. A call to a
// model cannot be told anything once it has begun, so the next one is the first
// that can.
func (s *session) steer(m *messages.Steering) {
	id, named := openai.ParseResponseID(m.Response)
	step := messages.SteerUnknown
	for _, l := range s.lanes {
		switch {
		case !named:
		case l.running != nil && l.running.turn.Spec.ID == id && l.running.turn.Resume == nil:
			step = l.running.take(m)
		case l.last != nil && l.last.Spec.ID == id:
			m.Turn, step = l.last, messages.SteerLate
		}
	}
	s.client.Steered(m, step)
}

// take has a steering wait, unless too many do.
func (r *running) take(m *messages.Steering) messages.SteerStep {
	m.Turn = r.turn
	if len(r.steers) == maxSteers {
		return messages.SteerTooMany
	}
	r.steers = append(r.steers, m)
	return messages.SteerAccepted
}

// succeed returns the turn that steerings bring about by themselves. Where the
// response waits for outputs of tools, they wait for the response that brings
// those; where it has failed, they go back.
func (s *session) succeed(l *lane, m *served, steers []*messages.Steering) *messages.LaneTurn {
	if len(steers) == 0 {
		return nil
	}
	switch {
	case m.outcome.Failed || m.outcome.Status == "" || m.outcome.Status == messages.TurnCancelled || s.draining != nil:
		s.giveBack(steers)
		return nil
	case len(m.outcome.Calls) > 0:
		for _, one := range steers {
			one.Missing = m.outcome.Calls
			s.client.Steered(one, messages.SteerWaits)
		}
		s.giveBack(l.held) // nobody brought what they waited for
		l.held = steers
		return nil
	}
	return successor(m.turn, steers)
}

// giveBack tells that input was not used.
func (s *session) giveBack(steers []*messages.Steering) {
	for _, one := range steers {
		s.client.Steered(one, messages.SteerUnfounded)
	}
}

// successor is a turn with the settings of the one before it.
func successor(before *messages.LaneTurn, steers []*messages.Steering) *messages.LaneTurn {
	t := &messages.LaneTurn{
		Lane: before.Lane, Spec: before.Spec.Settings(), Store: before.Store, Previous: openai.ResponseID(before.Spec.ID),
	}
	t.Spec.ID = steers[0].ID
	for _, one := range steers {
		t.Spec.Input = append(t.Spec.Input, one.Input...)
	}
	return t
}

// bringHeld puts input that waited in front of that of the turn that it waited
// for.
func (l *lane) bringHeld(t *messages.LaneTurn) {
	if len(l.held) == 0 || t.Resume != nil || t.Previous != l.held[0].Response {
		return
	}
	var input []messages.Item
	for _, one := range l.held {
		input = append(input, one.Input...)
	}
	t.Spec.Input = slices.Concat(input, t.Spec.Input)
	l.held = nil
}
