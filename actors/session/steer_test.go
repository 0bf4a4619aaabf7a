package session_test

import (
	"testing"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// steer sends input for a response.
func (w *world) steer(target messages.TurnID, text string) messages.TurnID {
	id := w.id()
	w.tell(&messages.Steering{
		ID: id, Response: openai.ResponseID(target), Input: []messages.Item{messages.TextMessage(messages.RoleUser, text)},
	})
	return id
}

// steps waits for so many, and returns them.
func (w *world) steps(n int) []steering {
	w.t.Helper()
	w.until("there are as many steps", func() bool { return len(w.steered) >= n })
	return w.steered
}

func TestSteeringBeginsTheNextResponse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.create("a", func(t *messages.LaneTurn) { t.Spec.Instructions, t.Spec.Conversation = "be brief", "conv_1" })
	waiting := w.create("a")
	one := w.begun()
	steered := w.steer(first.Spec.ID, "in French")
	w.steer(first.Spec.ID, "please")
	if got := w.steps(2); got[0].step != messages.SteerAccepted || got[1].step != messages.SteerAccepted {
		t.Fatalf("got %v", got)
	}
	one.complete()
	next := w.begun()
	if next.Spec.ID != steered || next.Previous != openai.ResponseID(first.Spec.ID) || next.Remembered == nil {
		t.Errorf("the successor is %+v", next.LaneTurn)
	}
	if next.Spec.Instructions != "be brief" || next.Spec.Conversation != "" || next.Lane != first.Lane {
		t.Errorf("its settings are %+v", next.Spec)
	}
	if len(next.Spec.Input) != 2 || next.Spec.Input[0].Text() != "in French" || next.Spec.Input[1].Text() != "please" {
		t.Errorf("its input is %v", next.Spec.Input)
	}
	next.complete()
	if w.begun().LaneTurn != waiting {
		t.Error("what waited does not come behind it")
	}
}

func TestSteeringWaitsForTheOutputsOfTools(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.create("a")
	one := w.begun()
	w.steer(first.Spec.ID, "in French")
	w.steps(1)
	one.end <- messages.LaneOutcome{Status: messages.TurnComplete, Calls: []messages.Item{{Kind: messages.ItemToolCall, CallID: "c1"}}}
	if got := w.steps(2); got[1].step != messages.SteerWaits {
		t.Fatalf("got %v", got)
	}
	w.create("a", after(first.Spec.ID), func(t *messages.LaneTurn) {
		t.Spec.Input = []messages.Item{{Kind: messages.ItemToolOutput, CallID: "c1"}}
	})
	next := w.begun()
	if len(next.Spec.Input) != 2 || next.Spec.Input[0].Text() != "in French" || next.Spec.Input[1].CallID != "c1" {
		t.Errorf("its input is %v", next.Spec.Input)
	}
}

func TestSteeringOfAFailureComesBack(t *testing.T) {
	t.Parallel()
	for name, outcome := range map[string]messages.LaneOutcome{
		"failed":    {Failed: true},
		"cancelled": {Status: messages.TurnCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			first := w.create("a")
			one := w.begun()
			w.steer(first.Spec.ID, "in French")
			w.steps(1)
			one.end <- outcome
			if got := w.steps(2); got[1].step != messages.SteerUnfounded {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestSteeringWithoutAResponseThatRunsIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.steer(messages.TurnID{9}, "x")
	if got := w.steps(1); got[0].step != messages.SteerUnknown {
		t.Errorf("an unknown one: %v", got)
	}
	first := w.create("a")
	w.begun().complete()
	w.settled("a")
	w.steer(first.Spec.ID, "x")
	if got := w.steps(2); got[1].step != messages.SteerLate {
		t.Errorf("one that has ended: %v", got)
	}
	second := w.create("b")
	w.begun()
	for range 9 {
		w.steer(second.Spec.ID, "x")
	}
	if got := w.steps(11); got[10].step != messages.SteerTooMany {
		t.Errorf("the ninth: %v", got)
	}
}
