package provider

import (
	"errors"
	"io"
	"net/http/httputil"
	"slices"

	"github.com/valyala/fasthttp"
)

// body is what is left to read behind the head of an answer. The head is not held on
// to: that of a large provider has more bytes than all else that a stream needs.
type body struct {
	chunks io.Reader // where it says itself where it ends; nil else
	left   int       // bytes where the head says how many; toEnd where the connection's end is its own
}

// toEnd is the length of a body that is as long as the connection lasts.
const toEnd = -2

// beginBody finds out from the head what the body is like.
func (x *exchange) beginBody() {
	const chunked = -1
	h := &x.response.Header
	x.status, x.closes = h.StatusCode(), h.ConnectionClose()
	switch length := h.ContentLength(); {
	case x.status < 200, x.status == fasthttp.StatusNoContent, x.status == fasthttp.StatusNotModified:
		x.body = body{}
	case length == chunked:
		x.body = body{chunks: httputil.NewChunkedReader(&x.reader.Reader)}
	case length >= 0:
		x.body = body{left: length}
	default:
		x.body, x.closes = body{left: toEnd}, true
	}
}

// Read reads the body.
func (x *exchange) Read(p []byte) (int, error) {
	if x.ended {
		return 0, io.EOF
	}
	x.borrow()
	n, err := x.readBody(p)
	if errors.Is(err, io.EOF) {
		x.ended = true
		return n, io.EOF
	}
	if err != nil {
		err = x.fault(err)
	}
	return n, err
}

func (x *exchange) readBody(p []byte) (n int, err error) {
	b := &x.body
	switch {
	case b.chunks != nil:
		if n, err = b.chunks.Read(p); errors.Is(err, io.EOF) {
			err = x.readTrailer()
		}
		return n, err
	case b.left == toEnd:
		return x.reader.Read(p)
	case b.left == 0:
		return 0, io.EOF
	default:
		n, err = x.reader.Read(p[:min(len(p), b.left)])
		b.left -= n
		if errors.Is(err, io.EOF) && b.left > 0 {
			err = io.ErrUnexpectedEOF
		}
		return n, err
	}
}

// mostTrailers is how many lines may be behind the last chunk. Nobody reads them.
const mostTrailers = 32

// readTrailer reads over what is behind the last chunk, and returns io.EOF behind that.
func (x *exchange) readTrailer() error {
	for range mostTrailers {
		line, err := x.reader.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		case len(line) <= len("\r\n"):
			return io.EOF
		}
	}
	return errNoHTTP
}

// errTooLong says that a body was larger than it may be.
var errTooLong = errors.New("the body is too long")

// readAll appends the body to dst. It must not be longer than limit bytes.
func (x *exchange) readAll(dst []byte, limit int) ([]byte, error) {
	const least = 4 << 10 // bytes: most replies fit
	for {
		dst = slices.Grow(dst, least)
		n, err := x.Read(dst[len(dst):min(cap(dst), limit+1)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst) > limit:
			return dst[:limit], errTooLong
		case errors.Is(err, io.EOF):
			return dst, nil
		case err != nil:
			return dst, err
		}
	}
}
