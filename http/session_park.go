package http

import (
	"bufio"
	"log/slog"
	"sync"
)

// startPoller has connections between two messages wait without a goroutine, until
// stop. Where that cannot be each keeps its own.
func (s *Server) startPoller(parts *sync.WaitGroup) (stop func()) {
	p, err := newPoller()
	if err != nil {
		s.log.Warn("every WebSocket connection keeps a goroutine", slog.Any("error", err))
		return func() {}
	}
	s.poller.Store(p)
	parts.Go(p.run)
	return p.close
}

// park leaves a connection to the poller while nothing of it is to be done: it tells
// whether the reading goroutine is to end, which holds nothing of it any more.
func (n *session) park() bool {
	if !n.line.canPark() || !n.between || n.in.Buffered() > 0 {
		return false
	}
	n.returnBuffer()
	if n.line.park() {
		return true
	}
	n.borrowBuffer()
	return false
}

// readers are lent to connections while they are read.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readBuffer) }}

// borrowBuffer gives a connection something to read with. The library keeps a pointer
// to the reader, so that is filled, and not replaced.
func (n *session) borrowBuffer() {
	if n.lent != nil {
		return
	}
	n.lent = readers.Get().(*bufio.Reader)
	n.lent.Reset(&n.line)
	n.in = *n.lent
}

// returnBuffer gives that back. What was read is over.
func (n *session) returnBuffer() {
	if n.lent == nil {
		return
	}
	*n.lent = n.in
	n.lent.Reset(nil)
	readers.Put(n.lent)
	n.in, n.lent = bufio.Reader{}, nil
}
