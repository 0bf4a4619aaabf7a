package openai

import "example.com/parley/messages"

// Output is what the model has said, as far as the chunks went.
func (s *ResponseStream) Output() []messages.Item {
	return s.reply.Items(s.id, s.inputs, 0, messages.ItemComplete)
}
