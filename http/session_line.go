package http

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// line is a connection that remembers when it was heard last, and counts what it was
// sent. While there is nothing to read it may be parked: nobody reads it then, and
// whoever needs that gives it its reading goroutine back. There is never more than one.
type line struct {
	net.Conn
	heard   atomic.Int64 // nanoseconds
	written atomic.Int64 // bytes, in all
	metrics *sessionMetrics
	frames  framing // of the reading goroutine

	reader reader
	poller *poller         // nil where nothing is parked
	raw    syscall.RawConn // nil where the poller cannot wait for it

	mu     sync.Mutex
	id     uint64 // at the poller; 0 where that does not know it
	parked bool   // the poller waits, and nobody reads
	stays  bool   // a goroutine is to read it from now on: it ends, or has a deadline
}

// reader reads a line until it has ended, or is parked. A session is one.
type reader interface{ read() }

// rawOf returns what a poller waits with. There is none where what was read ahead is
// in nobody's sight, as with TLS.
func rawOf(conn net.Conn) syscall.RawConn {
	bare, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := bare.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// Read implements net.Conn.
func (l *line) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if n > 0 {
		l.heard.Store(time.Now().UnixNano())
		l.metrics.wireIn.Add(float64(n))
		l.frames.pass(p[:n])
	}
	return n, err
}

// Write implements net.Conn.
func (l *line) Write(p []byte) (int, error) {
	n, err := l.Conn.Write(p)
	l.written.Add(int64(n))
	l.metrics.wireOut.Add(float64(n))
	return n, err
}

// SetReadDeadline implements net.Conn. Somebody has to read for a deadline to be
// noticed.
func (l *line) SetReadDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.Conn.SetReadDeadline(t)
	l.stays = true
	l.wake()
	return err
}

// Close implements net.Conn. The poller forgets the connection before another one can
// have its file descriptor.
func (l *line) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.id != 0 {
		l.poller.forget(l)
	}
	err := l.Conn.Close()
	l.stays = true
	l.wake()
	return err
}

// canPark tells whether it is worth a try: as to what changes meanwhile park decides.
func (l *line) canPark() bool { return l.raw != nil && l.poller != nil }

// park has the poller wait in the place of the goroutine that calls. Where it does, the
// next one may read already, and the caller touches nothing of the connection any more.
func (l *line) park() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stays {
		return false
	}
	l.parked = l.poller.arm(l) == nil
	return l.parked
}

// resume gives a connection that is parked its reading goroutine back.
func (l *line) resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wake()
}

// wake is resume for who has the lock.
func (l *line) wake() {
	if l.parked {
		l.parked = false
		go l.reader.read() // ends with the connection, or parks it again
	}
}

// bucket lets through so many a second, and twice as many at once. One goroutine
// uses it.
type bucket struct {
	tokens float64
	last   time.Time // zero before the first
}

func (b *bucket) take(now time.Time, perSecond int) bool {
	rate := float64(perSecond)
	if b.last.IsZero() {
		b.tokens = 2 * rate
	} else {
		b.tokens = min(2*rate, b.tokens+now.Sub(b.last).Seconds()*rate)
	}
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
