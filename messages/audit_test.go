package messages_test

import (
	"context"
	"testing"

	"example.com/parley/messages"
)

func TestActorIsTheServerWhereNobodyIsNamed(t *testing.T) {
	t.Parallel()
	if got := messages.ActorOf(t.Context()); got != (messages.Actor{Kind: messages.ActorServer}) {
		t.Errorf("got %+v", got)
	}
}

func TestActorTravelsWithTheContext(t *testing.T) {
	t.Parallel()
	want := messages.Actor{Kind: messages.ActorKey, Name: "k1", Address: "192.0.2.1", Request: "r1"}
	ctx, cancel := context.WithCancel(messages.WithActor(t.Context(), want))
	defer cancel()
	if got := messages.ActorOf(ctx); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	later := want
	later.Name = "k2"
	if got := messages.ActorOf(messages.WithActor(ctx, later)); got != later {
		t.Errorf("the innermost is %+v, want %+v", got, later)
	}
}
