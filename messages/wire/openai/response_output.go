package openai

import "example.com/parley/messages"

// Output is what the model has said, as far as the chunks went.
func (s *ResponseStream) Output() []messages.Item {
	return s.reply.Items(s.record.ID, s.record.Inputs, 0, messages.ItemComplete)
}
