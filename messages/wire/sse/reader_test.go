package sse_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages/wire/sse"
)

const limit = 1 << 10

// event is what a test compares: its data outlives the next call.
type event struct{ Name, Data string }

func readAll(r *sse.Reader) (events []event, err error) {
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events = append(events, event{e.Name, string(e.Data)})
	}
}

func TestReaderTakesAStreamApart(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		stream string
		want   []event
	}{
		"nothing":                            {"", nil},
		"one event":                          {"data: hello\n\n", []event{{"", "hello"}}},
		"named events":                       {"event: a\ndata: 1\n\nevent: b\ndata: 2\n\n", []event{{"a", "1"}, {"b", "2"}}},
		"a name lasts for one event":         {"event: a\ndata: 1\n\ndata: 2\n\n", []event{{"a", "1"}, {"", "2"}}},
		"a name without data is dropped":     {"event: a\n\ndata: 1\n\n", []event{{"", "1"}}},
		"the last name counts":               {"event: a\nevent: b\ndata: 1\n\n", []event{{"b", "1"}}},
		"several data lines":                 {"data: 1\ndata: 2\ndata\n\n", []event{{"", "1\n2\n"}}},
		"empty data":                         {"data:\n\ndata\n\n", []event{{"", ""}, {"", ""}}},
		"one space is dropped":               {"data:1\n\ndata: 2\n\ndata:  3\n\n", []event{{"", "1"}, {"", "2"}, {"", " 3"}}},
		"colons in the data":                 {"data: a: b\n\n", []event{{"", "a: b"}}},
		"comments":                           {": ping\n\ndata: 1\n: x\n:\ndata: 2\n\n:\n\n", []event{{"", "1\n2"}}},
		"ids, retry times and unknown lines": {"id: 7\nretry: 9\nwhat: ever\nx\ndata: 1\n\nid: 8\n\n", []event{{"", "1"}}},
		"CR LF":                              {"data: 1\r\ndata: 2\r\n\r\ndata: 3\r\n\r\n", []event{{"", "1\n2"}, {"", "3"}}},
		"CR":                                 {"data: 1\rdata: 2\r\rdata: 3\r\r", []event{{"", "1\n2"}, {"", "3"}}},
		"all of them":                        {"data: 1\r\n\ndata: 2\r\rdata: 3\n\r", []event{{"", "1"}, {"", "2"}, {"", "3"}}},
		"a byte order mark at the start":     {"\uFEFFdata: 1\n\n\uFEFFdata: 2\n\n", []event{{"", "1"}}},
		"a byte order mark and no line end":  {"\uFEFFdata: 1", []event{{"", "1"}}},
		"an end without a blank line":        {"data: 1\n\ndata: [DONE]\n", []event{{"", "1"}, {"", "[DONE]"}}},
		"an end without a line end":          {"data: [DONE]", []event{{"", "[DONE]"}}},
		"bytes that are not UTF-8":           {"data: \xff\x00\n\n", []event{{"", "\xff\x00"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for how, source := range map[string]io.Reader{
				"at once":        strings.NewReader(tt.stream),
				"byte by byte":   iotest.OneByteReader(strings.NewReader(tt.stream)),
				"with its error": iotest.DataErrReader(strings.NewReader(tt.stream)),
			} {
				got, err := readAll(sse.NewReader(source, limit))
				if err != nil {
					t.Fatalf("%s: %v", how, err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", how, diff)
				}
			}
			got, err := resting(sse.NewReader(iotest.OneByteReader(strings.NewReader(tt.stream)), limit))
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("with rests: %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// resting reads as readAll does, and gives the buffer back whenever it can.
func resting(r *sse.Reader) (events []event, err error) {
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events = append(events, event{e.Name, string(e.Data)})
		r.Rest()
	}
}

func TestReaderThatRestedLosesNothing(t *testing.T) {
	t.Parallel()
	r := sse.NewReader(strings.NewReader("data: 1\n\ndata: 2\r\n\r\n"), limit)
	if !r.Rest() {
		t.Error("a reader that has read nothing has something left")
	}
	if e, err := r.Next(); err != nil || string(e.Data) != "1" {
		t.Fatalf("got %q, %v", e.Data, err)
	}
	if r.Rest() {
		t.Error("the second event is not left")
	}
	if e, err := r.Next(); err != nil || string(e.Data) != "2" {
		t.Fatalf("got %q, %v", e.Data, err)
	}
	if !r.Rest() {
		t.Error("a line feed alone is left")
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestReaderAnswersACarriageReturnBeforeItsLineFeed(t *testing.T) {
	t.Parallel()
	source, sink := io.Pipe()
	t.Cleanup(func() { _ = sink.Close() })
	go func() { _, _ = io.WriteString(sink, "data: 1\r\n\r") }() // the last LF never comes; the cleanup ends a write that waits

	got, err := sse.NewReader(source, limit).Next()
	if err != nil || string(got.Data) != "1" {
		t.Errorf("got %q, %v", got.Data, err)
	}
}

func TestReaderBoundsWhatItHolds(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("x", limit-len("data: "))
	for name, tt := range map[string]struct {
		stream string
		events int
		long   bool
	}{
		"a line of the limit":         {"data: " + line + "\n\n", 1, false},
		"a line over it":              {"data: 1\n\ndata: " + line + "x\n\n", 1, true},
		"a line that never ends":      {"data: " + line + line + line, 0, true},
		"a comment over it":           {":" + line + "123456\n", 0, true},
		"many lines of data":          {strings.Repeat("data: "+line[:200]+"\n", 6) + "\n", 0, true},
		"many lines of data that fit": {strings.Repeat("data: "+line[:200]+"\n", 5) + "\n", 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, source := range []io.Reader{
				strings.NewReader(tt.stream), iotest.OneByteReader(strings.NewReader(tt.stream)),
			} {
				r := sse.NewReader(source, limit)
				events, err := readAll(r)
				if len(events) != tt.events {
					t.Errorf("%d events, want %d", len(events), tt.events)
				}
				var long *sse.TooLongError
				if errors.As(err, &long) != tt.long {
					t.Errorf("got the error %v", err)
				}
				if !tt.long {
					continue
				}
				if long.Limit != limit || !strings.Contains(err.Error(), "1024") {
					t.Errorf("the error says %v", err)
				}
				if _, again := r.Next(); !errors.Is(again, err) {
					t.Errorf("then %v", again)
				}
			}
		})
	}
}

func TestReaderPassesTheSourcesErrorOn(t *testing.T) {
	t.Parallel()
	reset := errors.New("connection reset")
	source := io.MultiReader(strings.NewReader("data: 1\n\ndata: 2\n"), iotest.ErrReader(reset))
	events, err := readAll(sse.NewReader(source, limit))
	if !errors.Is(err, reset) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]event{{"", "1"}}, events); diff != "" {
		t.Errorf("what broke off is not an event (-want +got):\n%s", diff)
	}
}

func TestReaderGivesUpOnASourceThatNeverReads(t *testing.T) {
	t.Parallel()
	if _, err := sse.NewReader(idle{}, limit).Next(); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("got %v", err)
	}
}

// idle is a source that breaks io.Reader's contract.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }
