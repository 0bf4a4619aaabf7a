package socket

import (
	"strings"
	"testing"
)

// stream is a whole response in two deltas.
var stream = []string{
	`{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","status":"in_progress"}}`,
	`{"type":"response.in_progress","sequence_number":1}`,
	`{"type":"response.output_text.delta","sequence_number":4,"delta":"abc"}`,
	`{"type":"response.output_text.delta","sequence_number":6,"delta":"de"}`,
	`{"type":"response.completed","sequence_number":7,"response":{"id":"resp_1","status":"completed","output":[{"content":[{"text":"abcde"}]}]}}`,
}

func read(t *testing.T, messages ...string) *Reader {
	t.Helper()
	r := NewReader()
	for _, m := range messages {
		if err := r.take([]byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestReaderFindsGapsAndRepeats(t *testing.T) {
	t.Parallel()
	if r := read(t, stream...); len(r.Faults) > 0 || r.ID != "resp_1" || r.Text() != "abcde" || r.Last == nil || r.Last.Text() != "abcde" {
		t.Errorf("%+v", r)
	}
	for name, messages := range map[string][]string{
		"a gap between events": {stream[0], stream[2]},
		"a gap between deltas": {stream[0], stream[1], stream[3]},
		"a repeated delta":     {stream[0], stream[1], stream[2], stream[2]},
		"a repeated event":     {stream[0], stream[1], stream[1]},
		"an end too early":     {stream[0], stream[4]},
		"a drain unhinted":     {stream[0], `{"type":"session.draining"}`},
	} {
		if r := read(t, messages...); len(r.Faults) == 0 {
			t.Errorf("%s is not found", name)
		}
	}
}

func TestReaderDoesNotCutDeltasWhereTheServerDid(t *testing.T) {
	t.Parallel()
	whole := `{"type":"response.output_text.delta","sequence_number":6,"delta":"abcde"}`
	if r := read(t, stream[0], stream[1], whole, stream[4]); len(r.Faults) > 0 || r.Text() != "abcde" {
		t.Errorf("%+v", r)
	}
}

func TestReaderTakesAnErrorForTheEnd(t *testing.T) {
	t.Parallel()
	r := read(t, stream[0])
	if err := r.take([]byte(`{"type":"error","error":{"code":"overloaded","message":"full"}}`)); err == nil || !strings.Contains(err.Error(), "overloaded") {
		t.Errorf("got %v", err)
	}
	if err := r.take([]byte(`{"type":"error","error":{"code":"shutting_down"}}`)); err != nil {
		t.Errorf("a stop is no error: %v", err)
	}
}

func TestReaderComparesWhatARestartLeft(t *testing.T) {
	t.Parallel()
	end := func(number, kept string) string {
		return `{"type":"response.incomplete","sequence_number":` + number + `,"response":{"status":"incomplete","incomplete_details":{"reason":"server_restart"},"output":[{"content":[{"text":"` + kept + `"}]}]}}`
	}
	begun := stream[:4]
	for name, one := range map[string]struct {
		messages []string
		durable  bool
		faults   bool
	}{
		"all that was shown":   {append(begun[:4:4], end("7", "abcde")), true, false},
		"less than was shown":  {append(begun[:4:4], end("5", "abc")), false, false},
		"less, though durable": {append(begun[:4:4], end("5", "abc")), true, true},
		"another text":         {append(begun[:4:4], end("5", "xyz")), false, true},
		"more, unsaid":         {append(begun[:4:4], end("7", "abcdef")), false, true},
		"no end":               {begun, false, true},
		"the whole":            {stream, true, false},
	} {
		r := read(t, one.messages...)
		text := "abcdef"
		if name == "the whole" {
			text = "abcde"
		}
		if got := r.CheckCut(text, len("abcde"), one.durable); one.faults != (len(got) > 0) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
