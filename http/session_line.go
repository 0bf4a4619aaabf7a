package http

import (
	"sync/atomic"
	"time"

	"example.com/parley/messages/parking"
)

// line is a connection that remembers when it was heard last, and counts what it was
// sent. While there is nothing to read it may be parked.
type line struct {
	parking.Conn
	heard   atomic.Int64 // nanoseconds
	written atomic.Int64 // bytes, in all
	metrics *sessionMetrics
	frames  framing // of the reading goroutine
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
	defer l.Stay()
	return l.Conn.SetReadDeadline(t)
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
