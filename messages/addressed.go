package messages

// Addressed is a request to a conversation. It comes through the conversation's
// shard. It also tells the conversation's actor whose it is.
type Addressed interface {
	// To names the conversation.
	To() ConversationRef
}

// To implements [Addressed].
func (m *StartTurn) To() ConversationRef { return m.Spec.Ref() }

// To implements [Addressed].
func (m *AddItems) To() ConversationRef { return m.Ref }

// To implements [Addressed].
func (m *EraseItem) To() ConversationRef { return m.Ref }

// To implements [Addressed].
func (m *EraseTurn) To() ConversationRef { return m.Ref }

// To implements [Addressed].
func (m *DropConversation) To() ConversationRef { return m.Ref }
