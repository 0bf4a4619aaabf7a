package messages_test

import (
	"context"
	"errors"
	"testing"

	"example.com/parley/messages"
)

func TestPrioritiesReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for p := range messages.Priority(messages.Priorities) {
		if got, ok := messages.ParsePriority(p.String()); !ok || got != p {
			t.Errorf("%s reads as %s, %t", p, got, ok)
		}
	}
	for _, s := range []string{"", "Batch", "urgent"} {
		if p, ok := messages.ParsePriority(s); ok {
			t.Errorf("%q reads as %s", s, p)
		}
	}
}

func TestStartTurnIsAnsweredWithoutWaiting(t *testing.T) {
	t.Parallel()
	m := messages.NewStartTurn(context.Background(), messages.TurnSpec{})
	m.Answer(messages.TurnStarted{Conversation: "conv_1"})
	if got := <-m.Reply; got.Conversation != "conv_1" || got.Err != nil {
		t.Errorf("got %+v", got)
	}
}

func TestRefusingATurnGivesItsPlaceBack(t *testing.T) {
	t.Parallel()
	refused := errors.New("full")
	m := messages.NewStartTurn(context.Background(), messages.TurnSpec{})
	places := 0
	m.Admitted = func() { places++ }
	m.Refuse(refused)
	if got := <-m.Reply; !errors.Is(got.Err, refused) || places != 1 {
		t.Errorf("got %v, and %d places", got.Err, places)
	}
	m = messages.NewStartTurn(context.Background(), messages.TurnSpec{}) // before admission
	m.Refuse(refused)
	if got := <-m.Reply; !errors.Is(got.Err, refused) {
		t.Errorf("got %v", got.Err)
	}
}

func TestLastSeqIsThePlaceOfTheLastItem(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		record messages.TurnRecord
		want   messages.Seq
	}{
		{messages.TurnRecord{FirstSeq: 1, Inputs: 1}, 1},
		{messages.TurnRecord{FirstSeq: 5, Inputs: 2, Outputs: 3}, 9},
	} {
		if got := tt.record.LastSeq(); got != tt.want {
			t.Errorf("%+v: %d, want %d", tt.record, got, tt.want)
		}
	}
}
