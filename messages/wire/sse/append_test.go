package sse_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages/wire/sse"
)

func TestAppendEvent(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		event string
		data  string
		want  string
	}{
		"data alone":     {"", "[DONE]", "data: [DONE]\n\n"},
		"a named event":  {"response.created", "{}", "event: response.created\ndata: {}\n\n"},
		"no data":        {"ping", "", "event: ping\ndata: \n\n"},
		"several lines":  {"", "1\n2\r\n3\r4", "data: 1\ndata: 2\ndata: 3\ndata: 4\n\n"},
		"an end of line": {"", "1\n", "data: 1\ndata: \n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := string(sse.AppendEvent([]byte("before|"), tt.event, []byte(tt.data)))
			if diff := cmp.Diff("before|"+tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAppendComment(t *testing.T) {
	t.Parallel()
	if got, want := string(sse.AppendComment(nil, "ping")), ": ping\n\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := string(sse.AppendComment(nil, "a\r\nevent: b")), ": a  event: b\n\n"; got != want {
		t.Errorf("a line break in a comment: got %q, want %q", got, want)
	}
}

func TestReaderReadsWhatIsAppended(t *testing.T) {
	t.Parallel()
	want := []event{{"a", "1"}, {"", "2\n3"}, {"b", ""}}
	var stream []byte
	for _, e := range want {
		stream = sse.AppendEvent(stream, e.Name, []byte(e.Data))
		stream = sse.AppendComment(stream, "ping")
	}
	got, err := readAll(sse.NewReader(strings.NewReader(string(stream)), limit))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
