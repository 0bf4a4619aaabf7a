package http

import (
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

// outbox is what waits to be written to a connection, as whole frames. It has no
// goroutine: whoever finds it idle writes what there is, until nothing is left,
// and the others only add to it. So frames that come together are written
// together. It is safe for concurrent use.
type outbox struct {
	conn    net.Conn
	limit   int           // bytes that may wait
	stall   time.Duration // a client that takes nothing for so long is cut
	metrics *sessionMetrics

	mu      sync.Mutex
	queue   *[]byte       // nil while nothing waits
	writing bool          // somebody writes
	closed  bool          // nothing is taken any more
	room    chan struct{} // closed when the queue was taken; nil while nobody waits for it
}

// errClosed is what a sender gets of a connection that takes nothing any more.
var errClosed = errors.New("the connection takes nothing any more")

// frameBuffers are used for one connection after the other.
var frameBuffers = sync.Pool{New: func() any { return new([]byte) }}

// maxPooledFrames is the largest buffer that is kept for another connection.
const maxPooledFrames = 64 << 10

// newFrames returns a buffer that is empty: what one client was sent is never there
// for another.
func newFrames() *[]byte {
	frames := frameBuffers.Get().(*[]byte)
	*frames = (*frames)[:0]
	return frames
}

func dropFrames(frames *[]byte) {
	if cap(*frames) <= maxPooledFrames {
		frameBuffers.Put(frames)
	}
}

// send adds frames, and waits for room for as long as a client may stall. The
// caller writes them, unless somebody does already.
func (o *outbox) send(frames []byte) error {
	err := o.add(frames, true)
	if err != nil {
		return err
	}
	o.flush()
	return nil
}

// post adds frames without waiting: where there is no room for them, the client
// is cut.
func (o *outbox) post(frames []byte) {
	switch err := o.add(frames, false); {
	case err == nil:
		if o.needsWriter() {
			go o.flush() // ends with the queue, or within o.stall
		}
	case errors.Is(err, errFull):
		o.cutSlow()
	}
}

var errFull = errors.New("too much waits for this client")

// add puts frames behind those that wait.
func (o *outbox) add(frames []byte, wait bool) error {
	var patience *time.Timer
	for {
		room, err := o.tryAdd(frames)
		if err == nil || !errors.Is(err, errFull) || !wait {
			return err
		}
		if patience == nil {
			patience = time.NewTimer(o.stall)
			defer patience.Stop()
		}
		select {
		case <-room:
		case <-patience.C:
			o.cutSlow()
			return errClosed
		}
	}
}

// tryAdd adds frames, or returns what is closed when it is worth another try. A
// queue that is empty takes what is larger than its limit too.
func (o *outbox) tryAdd(frames []byte) (room <-chan struct{}, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, errClosed
	}
	if o.queue != nil && len(*o.queue)+len(frames) > o.limit {
		if o.room == nil {
			o.room = make(chan struct{})
		}
		return o.room, errFull
	}
	if o.queue == nil {
		o.queue = newFrames()
	}
	*o.queue = append(*o.queue, frames...)
	return nil, nil
}

// needsWriter tells whether something waits that nobody writes.
func (o *outbox) needsWriter() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.writing && o.queue != nil
}

// flush writes what waits, and what comes meanwhile, unless somebody does already.
func (o *outbox) flush() {
	for again := false; ; again = true {
		batch := o.take(again)
		if batch == nil {
			return
		}
		o.write(*batch)
		dropFrames(batch)
	}
}

// take returns what waits. again says that the caller is who writes.
func (o *outbox) take(again bool) *[]byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writing && !again {
		return nil
	}
	batch := o.queue
	o.queue, o.writing = nil, batch != nil
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
	return batch
}

// write writes a batch.
func (o *outbox) write(batch []byte) {
	_ = o.conn.SetWriteDeadline(time.Now().Add(o.stall)) // one that cannot be set fails the write
	n, err := o.conn.Write(batch)
	if err == nil {
		return
	}
	open := o.refuseMore()
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		_ = o.conn.Close()
		return
	}
	if open {
		o.metrics.slowCuts.Inc()
		o.metrics.closed(closeTryAgain)
	}
	o.lastWord(batch[n:frameEnd(batch, n)])
}

// lastWord ends the frame that a client did not take, and tells it why it is cut, if
// it takes that. What was to follow is lost.
func (o *outbox) lastWord(rest []byte) {
	until := time.Now().Add(closePatience)
	_ = o.conn.SetWriteDeadline(until)
	_ = o.conn.SetReadDeadline(until.Add(closePatience)) // for its answer, which the reading goroutine waits for
	if _, err := o.conn.Write(appendClose(slices.Clip(rest), closeTryAgain, reasonSlow)); err != nil {
		_ = o.conn.Close()
	}
}

// refuseMore has nothing taken from now on, and forgets what waits. It tells
// whether something was taken until now.
func (o *outbox) refuseMore() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	open := !o.closed
	o.closed = true
	if o.queue != nil {
		dropFrames(o.queue)
		o.queue = nil
	}
	return open
}

// isClosed tells whether nothing is taken any more.
func (o *outbox) isClosed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closed
}

// cutSlow ends a connection whose client does not read what is sent to it.
func (o *outbox) cutSlow() {
	o.metrics.slowCuts.Inc()
	o.close(closeTryAgain, reasonSlow)
}

// close says why the connection ends, behind what waits already. The reading
// goroutine ends it, once the client has answered or its time for that is over.
func (o *outbox) close(code int, reason string) {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return
	}
	o.closed = true
	if o.queue == nil {
		o.queue = newFrames()
	}
	*o.queue = appendClose(*o.queue, code, reason)
	o.mu.Unlock()
	o.metrics.closed(code)
	_ = o.conn.SetReadDeadline(time.Now().Add(o.stall + closePatience))
	if o.needsWriter() {
		go o.flush()
	}
}
