package openai

import "sync"

// readers holds readers that nobody uses: their buffers cost more than what is
// read into them.
var readers = sync.Pool{New: func() any { return new(reader) }}

// newReader returns a reader of a stranger's text: its names are unique, its
// strings UTF-8. release gives it back.
func newReader(text []byte) *reader {
	r, _ := readers.Get().(*reader)
	*r = reader{text: text, names: r.names[:0], scratch: r.scratch[:0]}
	return r
}

// newLenientReader returns a reader of a provider's text: duplicate names and
// broken UTF-8 do less harm than a lost token. release gives it back.
func newLenientReader(text []byte) *reader {
	r := newReader(text)
	r.lenient = true
	return r
}

// release gives the reader back. What it read is not valid any more.
func (r *reader) release() {
	const most = 64 << 10 // bytes of scratch that are worth keeping
	if cap(r.scratch) > most {
		r.scratch = nil
	}
	r.text = nil
	readers.Put(r)
}
