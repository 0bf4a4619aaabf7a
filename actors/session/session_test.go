package session_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

func TestALaneIsInOrderAndLanesAreBesideEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.create("a"), w.create("a")
	other := w.create("b")
	one, two := w.begun(), w.begun()
	if one.LaneTurn != first {
		one, two = two, one
	}
	if one.LaneTurn != first || two.LaneTurn != other {
		t.Fatal("the first of each lane has not begun")
	}
	one.complete()
	if next := w.begun(); next.LaneTurn != second {
		t.Error("the second of the lane does not come next")
	}
}

func TestTheSeventeenthResponseIsRefusedUntilOneEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 16 {
		w.create("a")
	}
	w.create("a")
	w.until("the seventeenth is refused", func() bool { return len(w.refused) == 1 })
	if code := messages.CodeOf(w.refused[0].err); code != messages.CodeStreamLimit || w.refused[0].lane != "a" {
		t.Errorf("it is refused on %q with %s", w.refused[0].lane, code)
	}
	w.begun().complete()
	next := w.begun()
	w.create("b")
	if w.begun().Lane.Name != "b" {
		t.Error("there is no room for another")
	}
	next.complete()
}

func TestTheThirtyThirdNameOfALaneIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 32 {
		w.create("lane" + string(rune('A'+i)))
		w.begun().complete()
	}
	w.create("one too many")
	w.until("it is refused", func() bool { return len(w.refused) == 1 })
	if code := messages.CodeOf(w.refused[0].err); code != messages.CodeStreamLimit {
		t.Errorf("refused with %s", code)
	}
	w.create("") // the lane without a name is none of them
	w.begun().complete()
	w.create("laneB")
	w.begun().complete()
}

func TestWhatIsStoredNowhereIsRememberedByItsConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.create("a")
	w.begun().complete()
	w.create("a", after(first.Spec.ID))
	second := w.begun()
	if second.Remembered == nil || second.Remembered.ID != first.Spec.ID {
		t.Fatalf("remembered is %+v", second.Remembered)
	}
	w.create("b", after(first.Spec.ID)) // a fork
	if fork := w.begun(); fork.Remembered == nil {
		t.Error("another lane does not know it")
	}
	second.complete()
	w.create("a", after(first.Spec.ID))
	if third := w.begun(); third.Remembered != nil {
		t.Error("more than the last of a lane is remembered")
	}
}

func TestATurnWaitsForTheOneOnAnotherLaneThatItGoesOnFrom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.create("a")
	one := w.begun()
	w.create("b", after(first.Spec.ID))
	w.create("c")
	if next := w.begun(); next.Lane.Name != "c" {
		t.Fatalf("%q did not wait", next.Lane.Name)
	}
	one.complete()
	if next := w.begun(); next.Lane.Name != "b" || next.Remembered == nil {
		t.Errorf("then comes %+v", next.LaneTurn)
	}
}

func TestAFailureForgetsWhatItWentOnFrom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.create("a")
	w.begun().complete()
	w.create("b", after(first.Spec.ID))
	w.begun().end <- messages.LaneOutcome{Failed: true}
	w.create("b", after(first.Spec.ID))
	if again := w.begun(); again.Remembered != nil {
		t.Error("it is remembered still")
	}
}

func TestAConnectionRemembersABoundedAmount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := messages.TextMessage(messages.RoleUser, strings.Repeat("x", 3<<20))
	ids := make([]messages.TurnID, 0, 2)
	for _, lane := range []string{"a", "b"} {
		ids = append(ids, w.create(lane).Spec.ID)
		one := w.begun()
		one.end <- messages.LaneOutcome{
			Status: messages.TurnComplete, Remembered: &messages.Remembered{ID: one.Spec.ID, Items: []messages.Item{long}},
		}
		w.settled(lane) // or the two might end the other way round
	}
	w.create("a", after(ids[1]))
	if one := w.begun(); one.Remembered == nil {
		t.Error("the newest is forgotten")
	}
	w.create("b", after(ids[0]))
	if one := w.begun(); one.Remembered != nil {
		t.Error("both are remembered")
	}
}

func TestACancelEndsOneResponse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	named, onLane := w.create("a"), w.create("b")
	one, two := w.begun(), w.begun()
	if one.LaneTurn != named {
		one, two = two, one
	}
	w.tell(&messages.CancelLane{Response: openai.ResponseID(named.Spec.ID)})
	w.tell(&messages.CancelLane{Response: openai.ResponseID(named.Spec.ID)}) // which may be heard before the first has ended
	<-one.Cancelled.Done()
	select {
	case <-two.Cancelled.Done():
		t.Fatal("another was cancelled too")
	default:
	}
	w.tell(&messages.CancelLane{Lane: onLane.Lane})
	<-two.Cancelled.Done()
}

func TestACancelOfNothingIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(&messages.CancelLane{Lane: messages.Lane{Name: "a"}})
	w.tell(&messages.CancelLane{Response: "resp_" + messages.TurnID{9}.String()})
	w.tell(&messages.CancelLane{Response: "nonsense"})
	w.until("all are refused", func() bool { return len(w.refused) == 3 })
	for _, r := range w.refused {
		if messages.CodeOf(r.err) != messages.CodeResponseAbsent {
			t.Errorf("refused with %v", r.err)
		}
	}
}

func TestADrainLetsWhatRunsEndAndBeginsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("a")
	one := w.begun()
	why := &messages.Failure{Code: messages.CodeShuttingDown, What: "a test", Do: "nothing"}
	w.tell(&messages.DrainSession{Why: why})
	w.create("a")
	w.until("it is refused", func() bool { return len(w.refused) == 1 && w.finished == 0 })
	if messages.CodeOf(w.refused[0].err) != messages.CodeShuttingDown {
		t.Errorf("refused with %v", w.refused[0].err)
	}
	one.complete()
	w.until("it has finished", func() bool { return w.finished == 1 })
}

func TestADrainFinishesAnIdleSessionAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(&messages.DrainSession{Why: context.Canceled})
	w.until("it has finished", func() bool { return w.finished == 1 })
}

func TestTheEndOfASessionEndsItsTurns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("a")
	one := w.begun()
	w.tell(&messages.EndSession{})
	select {
	case <-one.Gone.Done():
	case <-time.After(patience):
		t.Fatal("the turn goes on")
	}
	if w.mu.Lock(); w.broken != 0 {
		t.Error("it counts as a failure")
	}
	w.mu.Unlock()
}

func TestAPanicInATurnIsTheTurnsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("a")
	w.begun().end <- messages.LaneOutcome{Status: "panic"}
	w.until("it is refused", func() bool { return len(w.refused) == 1 && messages.CodeOf(w.refused[0].err) == messages.CodeInternal })
	w.create("a")
	w.begun().complete()
}

func TestAPanicInASessionClosesItsConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("a")
	one := w.begun()
	w.tell((*messages.LaneTurn)(nil)) // which nobody sends
	w.until("it is broken", func() bool { return w.broken == 1 })
	<-one.Gone.Done()
}

// The order on every lane is that of asking, whatever ends when, and never does
// more run than may.
func TestOrderAndLimitsHoldWhateverEndsWhen(t *testing.T) {
	t.Parallel()
	open := newSessions(t)
	rapid.Check(t, func(r *rapid.T) {
		w := open()
		wanted, got := map[string][]messages.TurnID{}, map[string][]messages.TurnID{}
		running := map[string]*turn{}
		admitted, refused := 0, 0
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			lane := rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(r, "lane")
			if rapid.Bool().Draw(r, "create") {
				id := w.create(lane).Spec.ID
				if admitted == 16 {
					refused++
					w.until("it is refused", func() bool { return w.limited() == refused })
					continue
				}
				admitted++
				wanted[lane] = append(wanted[lane], id)
				if running[lane] == nil {
					running[lane] = w.begun()
					got[lane] = append(got[lane], running[lane].Spec.ID)
				}
			} else if one := running[lane]; one != nil {
				one.complete()
				admitted--
				delete(running, lane)
				if len(got[lane]) < len(wanted[lane]) {
					running[lane] = w.begun()
					got[lane] = append(got[lane], running[lane].Spec.ID)
				} else {
					w.settled(lane)
				}
			}
		}
		for lane, ids := range got {
			if !slices.Equal(ids, wanted[lane][:len(ids)]) {
				r.Fatalf("lane %q: %v, wanted %v", lane, ids, wanted[lane])
			}
		}
		w.tell(&messages.EndSession{})
	})
}

func TestAClientThatSawAnEndFindsRoomForTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 100 { // the session hears of the end later than the client, or not
		for i := range 16 {
			w.create(string(rune('a' + i)))
		}
		for range 16 {
			w.begun().complete()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.refused) > 0 {
		t.Errorf("%d were refused, the first with %v", len(w.refused), w.refused[0].err)
	}
}
