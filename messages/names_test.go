package messages_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"example.com/parley/messages"
)

func TestTurnIDReadsAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := messages.TurnID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		got, ok := messages.ParseTurnID(want.String())
		if !ok || got != want {
			t.Fatalf("%s reads as %s, %t", want, got, ok)
		}
	})
}

func TestParseTurnIDRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "018f", turn.String() + "00", turn.String()[:31] + "g", "018f2c3d-4e5f-7001-8203-9405a607b809"} {
		if id, ok := messages.ParseTurnID(s); ok {
			t.Errorf("%q reads as %s", s, id)
		}
	}
}

func TestTurnIDTellsItsTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 5, 19, 14, 45, 3, 123e6, time.UTC)
	ms := at.UnixMilli()
	id := messages.TurnID{byte(ms >> 40), byte(ms >> 32), byte(ms >> 24), byte(ms >> 16), byte(ms >> 8), byte(ms), 0x70, 0x01}
	if got := id.Time(); !got.Equal(at) {
		t.Errorf("got %s, want %s", got, at)
	}
	if id.IsZero() || !(messages.TurnID{}).IsZero() {
		t.Error("only the zero id is zero")
	}
}

func TestFirstTurnIDIsTheLeastOfItsMillisecond(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 5, 19, 14, 45, 3, 123_999e3, time.UTC)
	first := messages.FirstTurnID(at)
	if got := first.Time(); !got.Equal(at.Truncate(time.Millisecond)) {
		t.Errorf("got %s, want %s", got, at)
	}
	if before := messages.FirstTurnID(at.Add(-time.Millisecond)); before.String() >= first.String() {
		t.Errorf("%s is not before %s", before, first)
	}
	if !messages.FirstTurnID(time.Time{}).IsZero() {
		t.Error("a time before 1970 has an id")
	}
}

func TestTurnIDsSortByTime(t *testing.T) {
	t.Parallel()
	earlier, later := messages.TurnID{5: 1, 15: 0xff}, messages.TurnID{4: 1}
	names := []string{later.String(), earlier.String()}
	slices.Sort(names)
	if names[0] != earlier.String() || !earlier.Time().Before(later.Time()) {
		t.Errorf("got %v", names)
	}
}

func TestNamesOfWhatARequestBrings(t *testing.T) {
	t.Parallel()
	const hex = "018f2c3d4e5f700182039405a607b809"
	if got := messages.NewConversationID(turn); got != "conv_"+hex {
		t.Errorf("conversation: %s", got)
	}
	for kind, want := range map[messages.ItemKind]messages.ItemID{
		messages.ItemMessage: "msg_" + hex + "_3", messages.ItemToolCall: "fc_" + hex + "_3",
		messages.ItemToolOutput: "fco_" + hex + "_3", messages.ItemReasoning: "rs_" + hex + "_3",
	} {
		if got := messages.NewItemID(kind, turn, 3); got != want {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
	}
}
