package main

import (
	"strconv"
	"strings"

	"example.com/parley/bench/upstream/fake"
	"example.com/parley/messages"
)

// upstreamReply is what the fake says to a history: as many words as its models'
// names ask for, the first of which is a hash of it.
func upstreamReply(model string, history []line) string {
	words := strings.SplitAfter(fake.Echo(asSent(model, history)), " ")
	for n := len(words) + 1; n <= replyWords; n++ {
		words = append(words, " word"+strconv.Itoa(n))
	}
	return strings.Join(words[:replyWords], "")
}

// asSent is a history as an upstream gets it. Anthropic's takes turns strictly,
// so that two messages of one speaker are sent as one; the hash is the same, but
// not what the fake repeats of the last.
func asSent(model string, history []line) []messages.Item {
	var items []messages.Item
	for i, l := range history {
		if i > 0 && history[i-1].Role == l.Role && strings.HasPrefix(model, "claude") {
			last := &items[len(items)-1]
			last.Parts = append(last.Parts, messages.TextPart(l.Text))
			continue
		}
		items = append(items, messages.TextMessage(messages.Role(l.Role), l.Text))
	}
	return items
}
