package messages_test

import (
	"context"
	"errors"
	"testing"

	"example.com/parley/messages"
)

func TestDeclineAnswersEveryMessageOfAConversation(t *testing.T) {
	t.Parallel()
	gone := errors.New("the conversation's actor is gone")
	edited := make(chan messages.Edited, 1)
	for name, m := range map[string]any{
		"add": &messages.AddItems{Reply: edited}, "erase item": &messages.EraseItem{Reply: edited},
		"erase turn": &messages.EraseTurn{Reply: edited}, "drop": &messages.DropConversation{Reply: edited},
	} {
		messages.Decline(m, gone)
		if got := <-edited; !errors.Is(got.Err, gone) {
			t.Errorf("%s: %v", name, got.Err)
		}
	}
	start := messages.NewStartTurn(context.Background(), messages.TurnSpec{})
	messages.Decline(start, gone)
	if got := <-start.Reply; !errors.Is(got.Err, gone) {
		t.Errorf("start: %v", got.Err)
	}
	messages.Decline("anything else", gone)
}
