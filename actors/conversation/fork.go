package conversation

import "example.com/parley/messages"

// continuesAnEarlierResponse tells whether the turn names a response that is
// not the conversation's last. Then the conversation cannot go on from there
// without two histories in one place.
func (c *Conversation) continuesAnEarlierResponse(spec *messages.TurnSpec) bool {
	return !spec.After.IsZero() && spec.After != c.memory.tip && spec.ID != c.memory.tip && spec.ForkOf == ""
}

// fork sends the turn into a new conversation, which begins with this one's
// items up to the response that it names. Its id follows from the turn's, so that a turn
// that is sent twice makes one fork.
func (c *Conversation) fork(m *messages.StartTurn) {
	m.Spec.ForkOf = c.busy.ref.Conversation
	m.Spec.Conversation = messages.NewForkID(m.Spec.ID, c.busy.ref)
	m.Spec.Create, m.Spec.Private = false, true
	c.deps.Metrics.Forks.Inc()
	c.deps.Forward(m)
}
