package openai_test

import (
	"testing"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

func TestIDsNameTheTurn(t *testing.T) {
	t.Parallel()
	const hex = "018f2c3d4e5f700182039405a607b809"
	if got := openai.ChatID(turn); got != "chatcmpl-"+hex {
		t.Errorf("chat: %s", got)
	}
	if got := openai.ResponseID(turn); got != "resp_"+hex {
		t.Errorf("response: %s", got)
	}
	for _, id := range []string{openai.ChatID(turn), openai.ResponseID(turn)} {
		if got, ok := openai.ParseResponseID(id); !ok || got != turn {
			t.Errorf("%s reads as %s, %t", id, got, ok)
		}
	}
	for _, id := range []string{
		"", hex, "resp_", "resp_" + hex + "0", "resp_" + hex[1:], "resp_" + hex[:31] + "x", "msg_" + hex, "RESP_" + hex,
		openai.ResponseID(messages.TurnID{}), "resp_" + hex + "\n",
	} {
		if got, ok := openai.ParseResponseID(id); ok {
			t.Errorf("%q reads as %s", id, got)
		}
	}
}
