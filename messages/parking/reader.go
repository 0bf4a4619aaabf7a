package parking

import (
	"bufio"
	"io"
	"sync"
)

// Reader is a bufio.Reader whose buffer is lent to it while there is something to read:
// thousands of connections that wait hold none. What reads a format keeps a pointer to
// its reader for as long as a message lasts, so a Reader stays where it is, and takes
// over what a reader of a pool consists of. One goroutine uses it; its zero value has
// no buffer.
type Reader struct {
	bufio.Reader

	lender *bufio.Reader // whose buffer it is; nil while there is none
	from   *Buffers      // where that goes back to
}

// Buffers are lent to readers. They are safe for concurrent use.
type Buffers struct{ idle sync.Pool }

// NewBuffers returns buffers of so many bytes.
func NewBuffers(size int) *Buffers {
	return &Buffers{idle: sync.Pool{New: func() any { return bufio.NewReaderSize(nil, size) }}}
}

// Borrow has the reader read source with a buffer of b, if it has none.
func (r *Reader) Borrow(b *Buffers, source io.Reader) {
	if r.lender != nil {
		return
	}
	r.lender, r.from = b.idle.Get().(*bufio.Reader), b
	r.lender.Reset(source)
	r.Reader = *r.lender
}

// GiveBack leaves the reader without a buffer, and without what is in it.
func (r *Reader) GiveBack() {
	if r.lender == nil {
		return
	}
	r.lender.Reset(nil)
	r.from.idle.Put(r.lender)
	*r = Reader{}
}
