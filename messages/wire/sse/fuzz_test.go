package sse_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages/wire/sse"
)

// FuzzReader holds that events do not depend on how the bytes arrive, that what
// is written again reads the same, and that nothing is held beyond the limit.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"data: {\"a\":1}\n\ndata: [DONE]\n\n",
		"event: message_start\r\ndata: 1\r\n\r\n: ping\n\n",
		"\uFEFFdata: a\rdata\r\rdata:b\n\r\n",
		"data: cut off", "event: x\n\n", ":\n:\n", "data: \xff\n\n", "\r\n\r\n\n",
	} {
		f.Add([]byte(seed), uint8(3))
	}
	f.Fuzz(func(t *testing.T, stream []byte, step uint8) {
		const small = 64
		want, wantErr := readAll(sse.NewReader(bytes.NewReader(stream), small))
		for _, source := range []io.Reader{
			iotest.OneByteReader(bytes.NewReader(stream)),
			iotest.DataErrReader(bytes.NewReader(stream)),
			&stepReader{stream, int(step) + 1},
		} {
			got, err := resting(sse.NewReader(source, small))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("the events depend on the pieces (-whole +pieces):\n%s", diff)
			}
			if (err == nil) != (wantErr == nil) {
				t.Fatalf("the error depends on the pieces: %v, then %v", wantErr, err)
			}
		}
		var long *sse.TooLongError
		if wantErr != nil && !errors.As(wantErr, &long) {
			t.Fatalf("unexpected error %v", wantErr)
		}
		var again []byte
		for _, e := range want {
			if len(e.Data) > small {
				t.Fatalf("%d bytes of data with a limit of %d", len(e.Data), small)
			}
			again = sse.AppendEvent(again, e.Name, []byte(e.Data))
		}
		got, err := readAll(sse.NewReader(bytes.NewReader(again), 2*small))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatalf("written again it reads differently: %v (-want +got):\n%s", err, diff)
		}
	})
}

// stepReader hands out n bytes at a time.
type stepReader struct {
	rest []byte
	n    int
}

func (r *stepReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.rest[:min(r.n, len(r.rest))])
	r.rest = r.rest[n:]
	return n, nil
}
