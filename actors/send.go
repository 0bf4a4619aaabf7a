package actors

import (
	"example.com/parley/messages"
)

// Send starts a turn, if it is within its limits. It never blocks: the answer comes
// on the message's Reply.
func (s *System) Send(m *messages.StartTurn) error {
	if s.limits != nil {
		if err := s.limits.Enter(m); err != nil {
			m.Refuse(err)
			return nil
		}
	}
	s.gate.Enter(m)
	return nil
}

// Look tells whether a turn would be refused if it was sent now.
func (s *System) Look(tenant messages.TenantID, class messages.Priority) error {
	return s.gate.Look(tenant, class)
}

// Limits lets turns pass that are within the limits of those who ask for them.
// actors/tenant implements it.
type Limits interface {
	// Enter fails with CodeRateLimited. It sets the turn's Rates, and its Limited
	// where it lets it pass.
	Enter(m *messages.StartTurn) error
}

// deliver brings an admitted turn to where it runs.
func (s *System) deliver(m *messages.StartTurn) {
	if !m.Spec.Keep {
		s.pool.Send(m)
		return
	}
	_ = s.toConversation(m)
}

// AddItems sends to the conversation; the answer comes on the message's Reply.
func (s *System) AddItems(m *messages.AddItems) error { return s.toConversation(m) }

// EraseItem sends to the conversation; the answer comes on the message's Reply.
func (s *System) EraseItem(m *messages.EraseItem) error { return s.toConversation(m) }

// EraseTurn sends to the conversation; the answer comes on the message's Reply.
func (s *System) EraseTurn(m *messages.EraseTurn) error { return s.toConversation(m) }

// DropConversation sends to the conversation; the answer comes on the message's
// Reply.
func (s *System) DropConversation(m *messages.DropConversation) error { return s.toConversation(m) }

// FollowTurn asks the conversation; the answer comes on the message's Reply.
func (s *System) FollowTurn(m *messages.FollowTurn) error { return s.toConversation(m) }

// CancelTurn sends to the conversation; the answer comes on the message's Reply.
func (s *System) CancelTurn(m *messages.CancelTurn) error { return s.toConversation(m) }

// OpenSession opens the session of a connection; the answer comes on the message's
// Reply.
func (s *System) OpenSession(m *messages.OpenSession) error {
	s.opener.Open(m)
	return nil
}

// toConversation brings a request to its conversation, on whichever node that is.
func (s *System) toConversation(m messages.Addressed) error {
	if s.others == nil || !s.others.Carry(m) {
		s.Here(m)
	}
	return nil
}
