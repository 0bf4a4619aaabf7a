package provider

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/valyala/fasthttp"
)

// The head of an answer must fit into its reader. Those of the large providers have 2
// to 3 KB, cookies included; for others there are large readers.
const (
	readerSize      = 4 << 10  // bytes
	largeReaderSize = 16 << 10 // bytes
)

var (
	readers      = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readerSize) }}
	largeReaders = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, largeReaderSize) }}
)

// lentReader is the reader of one exchange, whose buffer is lent to it while there is
// something to read: thousands of streams that wait hold none. The library that reads
// HTTP keeps a pointer to the reader for as long as the body lasts, so it stays where
// it is, and takes over what a reader of the pool consists of.
type lentReader struct {
	bufio.Reader

	lender *bufio.Reader // whose buffer it is; nil while there is none
}

// borrow has the reader read source, if it has no buffer.
func (r *lentReader) borrow(source io.Reader) {
	if r.lender == nil {
		r.use(readers.Get().(*bufio.Reader), source)
	}
}

func (r *lentReader) use(lender *bufio.Reader, source io.Reader) {
	lender.Reset(source)
	r.Reader, r.lender = *lender, lender
}

// enlarge gives the reader a large buffer, and reads on from the beginning of the head
// that did not fit: a reader that is full has consumed nothing of it.
func (r *lentReader) enlarge(source io.Reader) {
	head, _ := r.Peek(r.Buffered()) // which is there
	head = bytes.Clone(head)
	r.giveBack()
	r.use(largeReaders.Get().(*bufio.Reader), io.MultiReader(bytes.NewReader(head), source))
}

// giveBack leaves the reader without a buffer, and without what is in it.
func (r *lentReader) giveBack() {
	lender := r.lender
	if lender == nil {
		return
	}
	r.Reader, r.lender = bufio.Reader{}, nil
	lender.Reset(nil)
	if lender.Size() == readerSize {
		readers.Put(lender)
	} else {
		largeReaders.Put(lender)
	}
}

// readHead reads the head of an answer.
func (x *exchange) readHead() error {
	source := (*wire)(x)
	x.reader.borrow(source)
	err := x.response.ReadLimitBody(&x.reader.Reader, 0)
	if _, tooSmall := errors.AsType[*fasthttp.ErrSmallBuffer](err); tooSmall {
		x.reader.enlarge(source)
		err = x.response.ReadLimitBody(&x.reader.Reader, 0)
	}
	return err
}

// chunked is the length of a body that says itself where it ends.
const chunked = -1

// rest tells whether nothing of the body is to be had without waiting, and then holds
// no buffer. Of a body that is not chunked it is not known here whether anything is to
// follow.
func (x *exchange) rest() bool {
	if x.closed || x.ended || x.reader.Buffered() > 0 || x.response.Header.ContentLength() != chunked {
		return false
	}
	x.reader.giveBack()
	return true
}
