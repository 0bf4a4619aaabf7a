package http

import (
	"strings"
	"testing"

	"example.com/parley/messages"
)

func TestIDsAreToldFromOtherText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		string(messages.NewConversationID(messages.TurnID{1})): true, "msg_0aZ-9": true, strings.Repeat("a", maxID): true,
		"": false, strings.Repeat("a", maxID+1): false, "a b": false, "a\x00": false, "caf\u00e9": false, "\xff": false, "a/b": false, "a%": false,
	} {
		if isID(text) != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
}
