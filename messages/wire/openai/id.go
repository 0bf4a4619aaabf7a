package openai

import (
	"strings"

	"example.com/parley/messages"
)

const (
	chatPrefix     = "chatcmpl-"
	responsePrefix = "resp_"
)

// ChatID is the turn's name in the chat format.
func ChatID(t messages.TurnID) string { return chatPrefix + t.String() }

// ResponseID is the turn's name in the Responses format.
func ResponseID(t messages.TurnID) string { return responsePrefix + t.String() }

// ParseResponseID reads the turn out of either name.
func ParseResponseID(s string) (messages.TurnID, bool) {
	hex, ok := strings.CutPrefix(s, responsePrefix)
	if !ok {
		hex, ok = strings.CutPrefix(s, chatPrefix)
	}
	if !ok {
		return messages.TurnID{}, false
	}
	id, ok := messages.ParseTurnID(hex)
	return id, ok && !id.IsZero()
}
