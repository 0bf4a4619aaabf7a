package parking

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// reads counts how often a reader was resumed.
type reads chan struct{}

// Resume implements Waiter.
func (r reads) Resume() { r <- struct{}{} }

// none holds that it was not.
func (r reads) none(tb testing.TB) {
	tb.Helper()
	select {
	case <-r:
		tb.Error("a reader was resumed that nobody needs")
	default:
	}
}

// pollerWorld is a poller that runs, and a listener for connections that it waits for.
type pollerWorld struct {
	tb      testing.TB
	poller  *Poller
	ln      net.Listener
	end     func()
	stopped sync.WaitGroup
}

func newPollerWorld(tb testing.TB) *pollerWorld {
	tb.Helper()
	p, err := NewPoller()
	if err != nil {
		tb.Fatal(err)
	}
	ln, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	w := &pollerWorld{tb: tb, poller: p, ln: ln}
	ctx, end := context.WithCancel(context.Background())
	w.end = end
	w.stopped.Go(func() {
		if err := p.Run(ctx); err != nil {
			tb.Error(err)
		}
	})
	tb.Cleanup(func() {
		_ = ln.Close()
		w.stop()
	})
	return w
}

func (w *pollerWorld) stop() {
	w.end()
	w.stopped.Wait()
}

// open returns a connection's two sides.
func (w *pollerWorld) open() (c *Conn, started reads, client net.Conn) {
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
	c = new(Conn)
	c.Open(conn, w.poller)
	w.tb.Cleanup(func() { _, _ = client.Close(), c.Close() })
	return c, started, client
}

// park parks, as a reader does that has nothing to read.
func (w *pollerWorld) park(c *Conn, reader reads) {
	w.tb.Helper()
	if !c.CanPark() || !c.Park(reader) {
		w.tb.Fatal("it is not parked")
	}
}

// settle waits until the poller has come to what happens now.
func (w *pollerWorld) settle() {
	w.tb.Helper()
	c, started, client := w.open()
	w.park(c, started)
	write(w.tb, client)
	<-started
}

func write(tb testing.TB, conn net.Conn) {
	tb.Helper()
	if _, err := conn.Write([]byte("x")); err != nil {
		tb.Fatal(err)
	}
}

func TestAParkedConnectionIsReadOncePerTime(t *testing.T) {
	t.Parallel()
	w := newPollerWorld(t)
	c, started, client := w.open()
	for range 100 {
		w.park(c, started)
		started.none(t)
		write(t, client)
		<-started
		write(t, client) // while it is read
		w.settle()
		started.none(t)
		if _, err := io.ReadFull(c, make([]byte, 2)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatIsThereAlreadyIsToldWhenAConnectionIsParked(t *testing.T) {
	t.Parallel()
	w := newPollerWorld(t)
	c, started, client := w.open()
	for range 10 { // nobody reads it
		write(t, client)
		w.park(c, started)
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
		c, started, client := w.open()
		w.park(c, started)
		if err := leave(client.(*net.TCPConn)); err != nil {
			t.Fatal(name, err)
		}
		<-started
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: it can be read", name)
		}
	}
}

func TestAConnectionThatIsClosedOrTimedIsReadAndStaysSo(t *testing.T) {
	t.Parallel()
	w := newPollerWorld(t)
	for name, test := range map[string]struct {
		change func(*Conn) error
		want   error
	}{
		"closed": {(*Conn).Close, net.ErrClosed},
		"timed":  {func(c *Conn) error { c.Stay(); return c.SetReadDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
	} {
		for _, parked := range []bool{true, false} {
			c, started, _ := w.open()
			if parked {
				w.park(c, started)
			}
			if err := test.change(c); err != nil {
				t.Fatal(name, err)
			}
			if parked {
				<-started
			}
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, test.want) {
				t.Errorf("%s: reading it fails with %v", name, err)
			}
			if c.Park(started) {
				t.Errorf("%s: it is parked again", name)
			}
			_ = c.Close()
			w.settle()
			started.none(t)
		}
	}
}

// However many need the reader at once, it is resumed once.
func TestAParkedConnectionGetsOneReader(t *testing.T) {
	t.Parallel()
	w := newPollerWorld(t)
	for range 200 {
		c, started, client := w.open()
		w.park(c, started)
		var all sync.WaitGroup
		for _, need := range []func(){
			func() { _ = c.Close() }, c.Stay, c.Wake, func() { _, _ = client.Write([]byte("x")) },
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
func TestConnectionsWithOneDescriptorAreNotTakenForEachOther(t *testing.T) {
	t.Parallel()
	w := newPollerWorld(t)
	still, stirred, _ := w.open()
	w.park(still, stirred)
	for range 500 {
		first, ended, client := w.open()
		w.park(first, ended)
		go func() { _, _ = client.Write([]byte("x")) }() // its event may come behind its end
		_ = first.Close()
		<-ended
		second, started, other := w.open()
		w.park(second, started)
		started.none(t)
		write(t, other)
		<-started
		_, _, _ = client.Close(), other.Close(), second.Close()
	}
	w.settle()
	stirred.none(t)
	if known := len(w.poller.all()); known > 3 { // the still one, and those of settle
		t.Errorf("%d connections are known", known)
	}
}

func TestAPollerThatStopsGivesAllBack(t *testing.T) {
	t.Parallel()
	w := newPollerWorld(t)
	c, started, _ := w.open()
	other, also, _ := w.open()
	read, never, _ := w.open()
	w.park(c, started)
	w.park(other, also)
	w.park(read, never)
	read.Wake()
	<-never
	w.stop()
	<-started
	<-also
	never.none(t)
	for _, one := range []*Conn{c, other, read} {
		if one.Park(started) {
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
