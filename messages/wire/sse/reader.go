package sse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Event is one event of a stream.
type Event struct {
	Name string // of the event line; empty when there is none
	Data []byte // the data lines, joined by a line feed; valid until the next call of Next
}

// TooLongError says that a line, or an event's data, outgrew the limit.
type TooLongError struct {
	Limit int // bytes
}

// Error implements error.
func (e *TooLongError) Error() string {
	return fmt.Sprintf("an event is longer than the %d bytes that are allowed", e.Limit)
}

// space is what a Reader works in. It is lent while there is something to read: there
// may be thousands of streams at a time, most of which wait.
type space struct {
	buffer []byte // what was read
	data   []byte // of the event
}

const (
	firstBuffer = 1 << 10  // bytes: holds most providers' events in one piece
	maxPooled   = 16 << 10 // bytes: a larger one is not kept for another stream
)

var spaces = sync.Pool{New: func() any { return &space{buffer: make([]byte, firstBuffer)} }}

// Reader takes a stream apart. What it returns does not depend on how the bytes
// arrive. One goroutine uses it.
type Reader struct {
	source io.Reader
	limit  int

	*space        // nil while nothing is held
	from, to int  // the part of buffer that is not used yet
	seen     int  // of that, the bytes known to hold no line end
	afterCR  bool // a line feed that comes next belongs to the last line
	begun    bool // a byte order mark can come no more

	hasData bool
	name    string
	last    string // the last name: most events share it, and it need not be copied again
	err     error  // what every later call returns
}

// NewReader returns a Reader of r. Neither a line nor an event's data may be
// longer than maxLine bytes.
func NewReader(r io.Reader, maxLine int) *Reader {
	return &Reader{source: r, limit: maxLine}
}

// Rest tells whether nothing is left of what was read: whatever comes next has to be
// waited for. The Reader then holds no buffer until the next call of Next, and what
// that returned last is no longer valid.
func (r *Reader) Rest() bool {
	if r.space == nil {
		return true
	}
	r.skipLineFeed()
	if r.from < r.to {
		return false
	}
	if cap(r.buffer)+cap(r.data) <= maxPooled {
		spaces.Put(r.space)
	}
	r.space, r.from, r.to, r.seen = nil, 0, 0, 0
	return true
}

// Next returns the next event that has data. At the end of the stream it returns
// io.EOF; an event that the end cuts off before its blank line is returned like
// any other, since some servers end so. Other errors are a [*TooLongError] or the
// source's, wrapped.
func (r *Reader) Next() (Event, error) {
	if r.err != nil {
		return Event{}, r.err
	}
	if r.space == nil {
		r.space = spaces.Get().(*space)
	}
	r.data, r.hasData, r.name = r.data[:0], false, ""
	for {
		line, err := r.line()
		if err != nil {
			return r.end(err)
		}
		if len(line) > 0 {
			if err := r.field(line); err != nil {
				return r.end(err)
			}
			continue
		}
		if r.hasData {
			return Event{Name: r.name, Data: r.data}, nil
		}
		r.name = ""
	}
}

// end remembers err, and returns what a clean end left over.
func (r *Reader) end(err error) (Event, error) {
	r.err = err
	if errors.Is(err, io.EOF) && r.hasData {
		return Event{Name: r.name, Data: r.data}, nil
	}
	return Event{}, err
}

// field takes in a line that is not blank.
func (r *Reader) field(line []byte) error {
	name, value, _ := bytes.Cut(line, []byte{':'})
	value = bytes.TrimPrefix(value, []byte{' '})
	switch string(name) { // empty for a comment
	case "data":
		return r.addData(value)
	case "event":
		if string(value) != r.last {
			r.last = string(value)
		}
		r.name = r.last
	}
	return nil
}

func (r *Reader) addData(value []byte) error {
	if r.hasData {
		r.data = append(r.data, '\n')
	}
	r.data, r.hasData = append(r.data, value...), true
	if len(r.data) > r.limit {
		return &TooLongError{Limit: r.limit}
	}
	return nil
}

// line returns the next line without its end, valid until the next call. At a
// clean end it returns what stands behind the last line end, then io.EOF.
func (r *Reader) line() ([]byte, error) {
	for {
		line, ok := r.cut()
		if len(line) > r.limit || r.to-r.from > r.limit && !ok {
			return nil, &TooLongError{Limit: r.limit}
		}
		if ok {
			return line, nil
		}
		err := r.fill()
		switch {
		case err == nil:
		case errors.Is(err, io.EOF) && r.to > r.from:
			line := r.buffer[r.from:r.to]
			r.from, r.seen = r.to, 0
			return r.withoutMark(line), nil
		case errors.Is(err, io.EOF):
			return nil, io.EOF
		default:
			return nil, fmt.Errorf("read an event stream: %w", err)
		}
	}
}

// cut takes a whole line off what was read, if there is one.
func (r *Reader) cut() ([]byte, bool) {
	r.skipLineFeed()
	unread := r.buffer[r.from:r.to]
	end := lineEnd(unread[r.seen:])
	if end < 0 {
		r.seen = len(unread)
		return nil, false
	}
	end += r.seen
	r.afterCR = unread[end] == '\r'
	r.from += end + 1
	r.seen = 0
	return r.withoutMark(unread[:end]), true
}

// skipLineFeed drops the second half of a CR LF. The line was returned at its
// CR: its LF may be long in coming.
func (r *Reader) skipLineFeed() {
	if !r.afterCR || r.from == r.to {
		return
	}
	r.afterCR = false
	if r.buffer[r.from] == '\n' {
		r.from++
	}
}

// withoutMark drops a byte order mark from the stream's first line.
func (r *Reader) withoutMark(line []byte) []byte {
	if r.begun {
		return line
	}
	r.begun = true
	return bytes.TrimPrefix(line, []byte("\uFEFF"))
}

// lineEnd returns the place of the first LF or CR, or -1.
func lineEnd(b []byte) int {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		return bytes.IndexByte(b, '\r')
	}
	if cr := bytes.IndexByte(b[:end], '\r'); cr >= 0 {
		return cr
	}
	return end
}

// fill reads more behind what is there. It returns an error only when nothing
// came with it.
func (r *Reader) fill() error {
	if r.from > 0 {
		r.to = copy(r.buffer, r.buffer[r.from:r.to])
		r.from = 0
	}
	if r.to == len(r.buffer) {
		r.buffer = append(r.buffer, make([]byte, len(r.buffer))...)
	}
	const patience = 100 // reads that return neither bytes nor an error, as in bufio
	for range patience {
		n, err := r.source.Read(r.buffer[r.to:])
		r.to += n
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}
