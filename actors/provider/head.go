package provider

import (
	"bytes"
	"errors"
	"io"

	"github.com/valyala/fasthttp"

	"example.com/parley/messages/parking"
)

// The head of an answer must fit into its reader. Those of the large providers have 2
// to 3 KB, cookies included; for others there are large readers.
var (
	readers      = parking.NewBuffers(4 << 10)
	largeReaders = parking.NewBuffers(16 << 10)
)

// readHead reads the head of an answer, and those of its forerunners.
func (x *exchange) readHead() error {
	x.borrow()
	err := x.response.ReadLimitBody(&x.reader.Reader, 0)
	if _, tooSmall := errors.AsType[*fasthttp.ErrSmallBuffer](err); tooSmall {
		x.enlarge()
		err = x.response.ReadLimitBody(&x.reader.Reader, 0)
	}
	if err == nil {
		x.beginBody()
	}
	return err
}

// borrow has the exchange read with a buffer, if it has none.
func (x *exchange) borrow() { x.reader.Borrow(readers, (*wire)(x)) }

// enlarge gives the reader a large buffer, and reads on from the beginning of the head
// that did not fit: a reader that is full has consumed nothing of it.
func (x *exchange) enlarge() {
	head, _ := x.reader.Peek(x.reader.Buffered()) // which is there
	head = bytes.Clone(head)
	x.reader.GiveBack()
	x.reader.Borrow(largeReaders, io.MultiReader(bytes.NewReader(head), (*wire)(x)))
}
