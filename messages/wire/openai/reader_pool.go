package openai

import "sync"

// readers holds readers that nobody uses: a reader's buffers cost more than what
// it reads.
var readers = sync.Pool{New: func() any { return new(reader) }}

// newReader returns a reader of text, in which names are unique and strings are
// UTF-8. release gives it back.
func newReader(text []byte) *reader {
	r, _ := readers.Get().(*reader)
	r.reset(text)
	return r
}

func (r *reader) release() {
	r.forget()
	readers.Put(r)
}
