package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

const (
	bufferSize = 16 << 10 // a reply's headers have to fit in it; a body need not
	tailSize   = 16       // bytes of a body's end that are kept to see that it is whole
)

// reply is what is kept of an answer.
type reply struct {
	status int
	body   int64 // bytes
	closes bool  // the server ends the connection after it
	tail   []byte
}

// whole tells whether the body ended as it should.
func (r *reply) whole(ends string) bool {
	return bytes.HasSuffix(bytes.TrimRight(r.tail, " \r\n"), []byte(ends))
}

func (r *reply) keep(data []byte) {
	r.body += int64(len(data))
	if len(data) >= tailSize {
		r.tail = append(r.tail[:0], data[len(data)-tailSize:]...)
		return
	}
	if over := len(r.tail) + len(data) - tailSize; over > 0 {
		r.tail = append(r.tail[:0], r.tail[over:]...)
	}
	r.tail = append(r.tail, data...)
}

// replyReader reads HTTP/1.1 replies from a connection, one after the other. It
// understands as much of them as servers send: a length, chunks, or an end of
// the connection. Unlike net/http it allocates nothing.
type replyReader struct {
	source   io.Reader
	buffer   []byte
	from, to int
}

func newReplyReader(source io.Reader) *replyReader {
	return &replyReader{source: source, buffer: make([]byte, bufferSize)}
}

// next reads one reply into r.
func (d *replyReader) next(r *reply) error {
	*r = reply{tail: r.tail[:0]}
	length, chunked, err := d.head(r)
	switch {
	case err != nil:
		return err
	case chunked:
		return d.chunks(r)
	case length >= 0:
		return d.exactly(r, length)
	default:
		r.closes = true
		return d.rest(r)
	}
}

// head reads the status line and the headers. length is -1 where none is named.
func (d *replyReader) head(r *reply) (length int64, chunked bool, err error) {
	length = -1
	line, err := d.line()
	if err != nil {
		return 0, false, err
	}
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return 0, false, fmt.Errorf("a reply began with %q, which is no status line", line)
	}
	if r.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, false, fmt.Errorf("read a reply's status: %w", err)
	}
	for {
		line, err := d.line()
		switch {
		case err != nil:
			return 0, false, midway(err)
		case len(line) == 0:
			return length, chunked, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case equalFold(name, "content-length"):
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil || length < 0 {
				return 0, false, fmt.Errorf("a reply's Content-Length is %q", value)
			}
		case equalFold(name, "transfer-encoding"):
			chunked = equalFold(value, "chunked")
		case equalFold(name, "connection"):
			r.closes = equalFold(value, "close")
		}
	}
}

// equalFold compares a header with a lower-case word. It first looks at the
// length, which tells most headers apart.
func equalFold(b []byte, lower string) bool {
	return len(b) == len(lower) && bytes.EqualFold(b, []byte(lower))
}

func (d *replyReader) chunks(r *reply) error {
	for {
		line, err := d.line()
		if err != nil {
			return midway(err)
		}
		digits, _, _ := bytes.Cut(line, []byte(";"))
		size, err := strconv.ParseInt(string(bytes.TrimSpace(digits)), 16, 63)
		if err != nil || size < 0 {
			return fmt.Errorf("a chunk's size is %q", line)
		}
		if size == 0 {
			return d.trailers()
		}
		if err := d.exactly(r, size); err != nil {
			return err
		}
		if line, err := d.line(); err != nil {
			return midway(err)
		} else if len(line) > 0 {
			return errors.New("a chunk is longer than it says")
		}
	}
}

func (d *replyReader) trailers() error {
	for {
		line, err := d.line()
		if err != nil {
			return midway(err)
		}
		if len(line) == 0 {
			return nil
		}
	}
}

func (d *replyReader) exactly(r *reply, length int64) error {
	for length > 0 {
		if d.from == d.to {
			if err := d.fill(); err != nil {
				return midway(err)
			}
		}
		n := min(length, int64(d.to-d.from))
		r.keep(d.buffer[d.from : d.from+int(n)])
		d.from += int(n)
		length -= n
	}
	return nil
}

func (d *replyReader) rest(r *reply) error {
	for {
		r.keep(d.buffer[d.from:d.to])
		d.from = d.to
		if err := d.fill(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// line returns the next line without its end; it is valid until the next read.
func (d *replyReader) line() ([]byte, error) {
	seen := 0
	for {
		if at := bytes.IndexByte(d.buffer[d.from+seen:d.to], '\n'); at >= 0 {
			line := d.buffer[d.from : d.from+seen+at]
			d.from += seen + at + 1
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		seen = d.to - d.from
		if err := d.fill(); err != nil {
			if seen > 0 {
				err = midway(err)
			}
			return nil, err
		}
	}
}

// fill reads more behind what is there.
func (d *replyReader) fill() error {
	if d.from > 0 {
		d.to = copy(d.buffer, d.buffer[d.from:d.to])
		d.from = 0
	}
	if d.to == len(d.buffer) {
		return fmt.Errorf("a reply has a line of more than %d bytes", len(d.buffer))
	}
	n, err := d.source.Read(d.buffer[d.to:])
	d.to += n
	if n > 0 {
		return nil
	}
	return err
}

// midway says of the end of a connection that it came too early.
func midway(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
