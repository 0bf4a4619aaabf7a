package http

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// reads counts what a poller, and others, have started.
type reads chan struct{}

func (r reads) read() { r <- struct{}{} }

// none holds that no goroutine was started.
func (r reads) none(tb testing.TB) {
	tb.Helper()
	select {
	case <-r:
		tb.Error("a reading goroutine was started that nobody needs")
	default:
	}
}

// pollerWorld is a poller that runs, and a listener for connections that it waits for.
type pollerWorld struct {
	tb      testing.TB
	poller  *poller
	ln      net.Listener
	metrics *sessionMetrics
	stopped sync.WaitGroup
}

func newPollerWorld(tb testing.TB) *pollerWorld {
	tb.Helper()
	p, err := newPoller()
	if err != nil {
		tb.Fatal(err)
	}
	ln, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	w := &pollerWorld{tb: tb, poller: p, ln: ln, metrics: &newMetrics(prometheus.NewRegistry()).sessions}
	w.stopped.Go(p.run)
	tb.Cleanup(func() {
		_ = ln.Close()
		w.stop()
	})
	return w
}

func (w *pollerWorld) stop() {
	w.poller.close()
	w.stopped.Wait()
}

// open returns a connection's two sides.
func (w *pollerWorld) open() (l *line, started reads, client net.Conn) {
	w.tb.Helper()
	client, err := new(net.Dialer).DialContext(w.tb.Context(), "tcp", w.ln.Addr().String())
	if err != nil {
		w.tb.Fatal(err)
	}
	conn, err := w.ln.Accept()
	if err != nil {
		w.tb.Fatal(err)
	}
	started = make(reads, 8) // more than the one that may be
	l = &line{Conn: conn, metrics: w.metrics, reader: started, poller: w.poller, raw: rawOf(conn)}
	w.tb.Cleanup(func() { _, _ = client.Close(), l.Close() })
	return l, started, client
}

// park parks, as a reading goroutine does that has nothing to read.
func (w *pollerWorld) park(l *line) {
	w.tb.Helper()
	if !l.canPark() || !l.park() {
		w.tb.Fatal("it is not parked")
	}
}

// settle waits until the poller has come to what happens now.
func (w *pollerWorld) settle() {
	w.tb.Helper()
	l, started, client := w.open()
	w.park(l)
	write(w.tb, client)
	<-started
}

func write(tb testing.TB, conn net.Conn) {
	tb.Helper()
	if _, err := conn.Write([]byte("x")); err != nil {
		tb.Fatal(err)
	}
}

func TestAParkedLineIsReadOncePerTime(t *testing.T) {
	t.Parallel()
	w := newPollerWorld(t)
	l, started, client := w.open()
	for range 100 {
		w.park(l)
		started.none(t)
		write(t, client)
		<-started
		write(t, client) // while it is read
		w.settle()
		started.none(t)
		if _, err := io.ReadFull(l, make([]byte, 2)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatIsThereAlreadyIsToldWhenALineIsParked(t *testing.T) {
	t.Parallel()
	w := newPollerWorld(t)
	l, started, client := w.open()
	for range 10 { // nobody reads it
		write(t, client)
		w.park(l)
		<-started
	}
}

func TestAClientThatGoesIsToldOf(t *testing.T) {
	t.Parallel()
	w := newPollerWorld(t)
	for name, leave := range map[string]func(*net.TCPConn) error{
		"closes": (*net.TCPConn).Close, "half": (*net.TCPConn).CloseWrite,
		"resets": func(c *net.TCPConn) error { return errors.Join(c.SetLinger(0), c.Close()) },
	} {
		l, started, client := w.open()
		w.park(l)
		if err := leave(client.(*net.TCPConn)); err != nil {
			t.Fatal(name, err)
		}
		<-started
		if _, err := l.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: it can be read", name)
		}
	}
}

func TestALineThatIsClosedOrTimedIsReadAndStaysSo(t *testing.T) {
	t.Parallel()
	w := newPollerWorld(t)
	for name, test := range map[string]struct {
		change func(*line) error
		want   error
	}{
		"closed": {(*line).Close, net.ErrClosed},
		"timed":  {func(l *line) error { return l.SetReadDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
	} {
		for _, parked := range []bool{true, false} {
			l, started, _ := w.open()
			if parked {
				w.park(l)
			}
			if err := test.change(l); err != nil {
				t.Fatal(name, err)
			}
			if parked {
				<-started
			}
			if _, err := l.Read(make([]byte, 1)); !errors.Is(err, test.want) {
				t.Errorf("%s: reading it fails with %v", name, err)
			}
			if l.park() {
				t.Errorf("%s: it is parked again", name)
			}
			_ = l.Close()
			w.settle()
			started.none(t)
		}
	}
}

// However many need the reading goroutine at once, there is one.
func TestAParkedLineGetsOneReader(t *testing.T) {
	t.Parallel()
	w := newPollerWorld(t)
	for range 200 {
		l, started, client := w.open()
		w.park(l)
		var all sync.WaitGroup
		for _, need := range []func(){
			func() { _ = l.Close() }, func() { _ = l.SetReadDeadline(time.Now()) }, l.resume, func() { _, _ = client.Write([]byte("x")) },
		} {
			all.Go(need)
		}
		all.Wait()
		<-started
		_ = client.Close()
		w.settle()
		started.none(t)
	}
}

// A descriptor is another connection's as soon as it is closed.
func TestLinesWithOneDescriptorAreNotTakenForEachOther(t *testing.T) {
	t.Parallel()
	w := newPollerWorld(t)
	still, stirred, _ := w.open()
	w.park(still)
	for range 500 {
		first, ended, client := w.open()
		w.park(first)
		go func() { _, _ = client.Write([]byte("x")) }() // its event may come behind its end
		_ = first.Close()
		<-ended
		second, started, other := w.open()
		w.park(second)
		started.none(t)
		write(t, other)
		<-started
		_, _, _ = client.Close(), other.Close(), second.Close()
	}
	w.settle()
	stirred.none(t)
	if known := len(w.poller.all()); known > 3 { // the still one, and those of settle
		t.Errorf("%d lines are known", known)
	}
}

func TestAPollerThatStopsGivesAllBack(t *testing.T) {
	t.Parallel()
	w := newPollerWorld(t)
	l, started, _ := w.open()
	other, also, _ := w.open()
	read, never, _ := w.open()
	w.park(l)
	w.park(other)
	w.park(read)
	read.resume()
	<-never
	w.stop()
	<-started
	<-also
	never.none(t)
	for _, one := range []*line{l, other, read} {
		if one.park() {
			t.Error("it is parked at a poller that has stopped")
		}
		if err := one.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestIdsSurviveAnEvent(t *testing.T) {
	t.Parallel()
	for _, id := range []uint64{1, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<63 + 5, 1<<64 - 1} {
		if got := idOf(eventOf(id)); got != id {
			t.Errorf("%d becomes %d", id, got)
		}
	}
}
