package main

import (
	"strconv"
	"strings"

	"example.com/parley/bench/upstream/fake"
	"example.com/parley/messages"
)

// judge compares all acknowledged replies of a conversation with what the
// upstream says to the history that it should have been sent: its reply begins
// with a hash of that. What comes behind a turn that nobody acknowledged is not
// judged, since nobody knows what it left behind.
func (f *findings) judge(c *conversation) {
	var history []messages.Item
	for _, t := range c.Turns {
		if t.End == endUnknown {
			return
		}
		history = append(history, messages.TextMessage(messages.RoleUser, t.Question))
		f.reply(t.Key, t, upstreamReply(history))
		if t.Text != "" {
			history = append(history, messages.TextMessage(messages.RoleAssistant, t.Text))
		}
	}
}

// upstreamReply is what the fake says to a history, whatever the format: as many
// words as its models' names ask for.
func upstreamReply(history []messages.Item) string {
	words := strings.SplitAfter(fake.Echo(history), " ")
	for n := len(words) + 1; n <= replyWords; n++ {
		words = append(words, " word"+strconv.Itoa(n))
	}
	return strings.Join(words[:replyWords], "")
}
