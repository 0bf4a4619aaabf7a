package openai_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

var leaving = &messages.Failure{Code: messages.CodeShuttingDown, What: "it stops", Do: "send the request again"}

func TestCutStreamSaysWhereTheRestIs(t *testing.T) {
	t.Parallel()
	s := openai.NewResponseStream(record())
	_ = s.Append(nil, text("ab"))
	want := "event: error\ndata: " + `{"type":"error","code":"shutting_down","message":"it stops; read the rest with GET /v1/responses/` +
		`resp_018f2c3d4e5f700182039405a607b809?stream=true&starting_after=5","param":null,"sequence_number":5,` +
		`"response_id":"resp_018f2c3d4e5f700182039405a607b809","starting_after":5}` + "\n\n"
	if diff := cmp.Diff(want, string(s.Cut(nil, leaving, true))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want = "event: error\ndata: " + `{"type":"error","code":"shutting_down","message":"it stops; send the request again","param":null,"sequence_number":5}` + "\n\n"
	if diff := cmp.Diff(want, string(s.Cut(nil, leaving, false))); diff != "" {
		t.Errorf("of a turn that is kept nowhere (-want +got):\n%s", diff)
	}
}

func TestStreamThatIsCutBeforeItsFirstEventHasANumberToGoOnFrom(t *testing.T) {
	t.Parallel()
	events := responseEvents(t, openai.NewResponseStream(record()).Cut(nil, leaving, true))
	if len(events) != 3 || events[1].Type != "response.in_progress" || events[2].Sequence != events[1].Sequence {
		t.Errorf("got %+v", events)
	}
	resumed := openai.NewResponseStream(record())
	resumed.After(1)
	if events := responseEvents(t, resumed.Cut(nil, leaving, true)); len(events) != 1 || events[0].Sequence != 1 {
		t.Errorf("resumed and cut again: %+v", events)
	}
}

func TestCutChatStreamSaysItsName(t *testing.T) {
	t.Parallel()
	s := openai.ChatStream{ID: record().ID, Model: "m", Created: time.Unix(1, 0)}
	got := string(s.Cut(nil, leaving, true))
	if !strings.HasPrefix(got, `data: {"error":{`) || !strings.Contains(got, "GET /v1/responses/chatcmpl-018f2c3d4e5f700182039405a607b809?stream=true") ||
		!strings.Contains(got, `"response_id":"resp_018f2c3d4e5f700182039405a607b809"`) || strings.Contains(got, "[DONE]") {
		t.Errorf("got %s", got)
	}
	if got := string(s.Cut(nil, leaving, false)); strings.Contains(got, "GET") || !strings.Contains(got, "send the request again") {
		t.Errorf("of a turn that is kept nowhere: %s", got)
	}
}

func TestWhoIsCutAnywhereReadsOnWithoutAGap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		chunks := anyOutput(t)
		r, items := ended(chunks)
		pieces := append(cut(t, chunks), complete)
		live := openai.NewResponseStream(record())
		var stream []byte
		for _, c := range pieces[:rapid.IntRange(0, len(pieces)-1).Draw(t, "cut")] {
			stream = live.Append(stream, c)
		}
		seen := responseEvents(t, live.Cut(stream, leaving, true))
		cursor := seen[len(seen)-1].Sequence
		got := joined(append(seen[:len(seen)-1], responseEvents(t, openai.AppendReplay(nil, r, items, cursor))...))
		if diff := cmp.Diff(joined(responseEvents(t, streamed(record(), -1, pieces...))), got); diff != "" {
			t.Fatalf("cut behind %d (-want +got):\n%s", cursor, diff)
		}
	})
}

func TestRestartedTurnAlwaysHasItsEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r, items := ended(anyOutput(t))
		r.Status, r.Reason = messages.TurnPartial, messages.ReasonServerRestart
		last := openai.Sequence(items)
		after := rapid.Int64Range(-1, 2*last+10).Draw(t, "after")
		events := responseEvents(t, openai.AppendReplay(nil, r, items, after))
		end := events[len(events)-1]
		if end.Type != "response.incomplete" || end.Sequence != last {
			t.Fatalf("behind %d it ends with %s number %d, want %d", after, end.Type, end.Sequence, last)
		}
		if after >= last && len(events) != 1 {
			t.Fatalf("behind %d come %d events, the last being %d", after, len(events), last)
		}
	})
}
