package load

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const plain = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: 11\r\n\r\n{\"ok\":true}"

func TestReplyIsReadHoweverItArrives(t *testing.T) {
	t.Parallel()
	stream := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"9;x=1\r\ndata: a\n\n\r\n" + "e\r\ndata: [DONE]\n\n\r\n" + "0\r\nTrailer: 1\r\n\r\n"
	for _, test := range []struct {
		name, sent, ends string
		status           int
		body             int64
		closes           bool
	}{
		{"with a length", plain, "}", 200, 11, false},
		{"in chunks", stream, "data: [DONE]", 200, 23, false},
		{"to the end", "HTTP/1.0 200 OK\r\n\r\ndata: [DONE]\n\n", "[DONE]", 200, 14, true},
		{"without a body", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "", 204, 0, false},
		{"that closes", "HTTP/1.1 503 x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", "}", 503, 2, true},
	} {
		for kind, wrap := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "by the byte": iotest.OneByteReader,
		} {
			t.Run(test.name+" "+kind, func(t *testing.T) {
				t.Parallel()
				var got reply
				if err := newReplyReader(wrap(strings.NewReader(test.sent))).next(&got); err != nil {
					t.Fatal(err)
				}
				if got.status != test.status || got.body != test.body || got.closes != test.closes {
					t.Errorf("got %+v", got)
				}
				if !got.whole(test.ends) {
					t.Errorf("%q is not taken for a whole reply", got.tail)
				}
			})
		}
	}
}

func TestReplyThatIsCutIsAnError(t *testing.T) {
	t.Parallel()
	whole := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
	for _, sent := range []string{plain, whole} {
		for at := 1; at < len(sent); at++ {
			var got reply
			err := newReplyReader(strings.NewReader(sent[:at])).next(&got)
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("cut at %d of %d: %v", at, len(sent), err)
			}
		}
	}
}

func TestNonsenseIsAnError(t *testing.T) {
	t.Parallel()
	for _, sent := range []string{
		"hello\r\n\r\n",
		"HTTP/1.1 abc\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", bufferSize) + "\r\n\r\n",
	} {
		var got reply
		if err := newReplyReader(strings.NewReader(sent)).next(&got); err == nil {
			t.Errorf("%.60q was read as %+v", sent, got)
		}
	}
}

func TestRepliesOfOneConnectionFollowEachOther(t *testing.T) {
	t.Parallel()
	reader := newReplyReader(strings.NewReader(plain + plain + plain))
	var got reply
	for n := range 3 {
		if err := reader.next(&got); err != nil || got.body != 11 {
			t.Fatalf("reply %d: %+v, %v", n, got, err)
		}
	}
	if err := reader.next(&got); !errors.Is(err, io.EOF) {
		t.Errorf("after the last: %v", err)
	}
}

func TestTailIsTheEndOfTheBody(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("0123456789", 10)
	for step := 1; step <= len(body); step++ {
		var r reply
		for at := 0; at < len(body); at += step {
			r.keep([]byte(body[at:min(at+step, len(body))]))
		}
		if want := body[len(body)-tailSize:]; string(r.tail) != want {
			t.Errorf("in steps of %d: %q, want %q", step, r.tail, want)
		}
	}
}
