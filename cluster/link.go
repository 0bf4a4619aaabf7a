package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"example.com/parley/messages"
	"example.com/parley/messages/remote"
)

// link is a connection between two nodes. Who made it asks over it, and the other
// answers: what is said of a call goes the way by which it came, in the order in which it
// was sent, and all of it ends with the link, of which either side is told. So of two
// nodes that live none waits for what is lost. Its methods are safe for concurrent use.
type link struct {
	self   messages.MemberID
	peer   messages.MemberID // of a caller, once it has said so: before anything of it is heard
	called bool              // by this node
	events linkEvents

	ctx context.Context // ends with the link; its cause says why
	cut context.CancelCauseFunc

	wake    chan struct{} // capacity 1: there is something to write
	mu      sync.Mutex
	pending []byte // frames that nobody has begun to write
	spare   []byte // what they are put in next
	over    bool   // nothing comes behind them
}

const (
	// pingEvery is how often each side says that it is there, and silence how long the
	// other may say nothing, or take nothing, before it is given up. A node that is frozen
	// is removed sooner.
	pingEvery, silence = 2 * time.Second, 5 * time.Second
	// maxFrame bounds one message, which is a request with all that its body may have, and
	// maxHello the first, of somebody who is not known yet.
	maxFrame, maxHello = 1 << 30, 4 << 10
	// maxPending bounds what waits to be written. Streams have credit for a quarter of a
	// megabyte each, so this is a thousand of which no client reads, or a network that
	// takes nothing.
	maxPending = 256 << 20
	// writeAtOnce is how much may take as long as silence to write.
	writeAtOnce = 1 << 20
	// spareBytes is the largest buffer that is kept.
	spareBytes = 64 << 10
	readBuffer = 16 << 10
)

var (
	errNoHello    = errors.New("it did not say who it is")
	errOther      = errors.New("another process has its address")
	errNotRead    = fmt.Errorf("it does not read: %d bytes wait for it", maxPending)
	errGoneMember = errors.New("it is no member any more")
	errFinished   = errors.New("all was said")
)

func newLink(self, peer messages.MemberID, events linkEvents) *link {
	l := &link{self: self, peer: peer, called: peer != "", events: events, wake: make(chan struct{}, 1)}
	l.ctx, l.cut = context.WithCancelCause(context.Background())
	return l
}

// end ends the link at once. It never waits, and may be called more than once.
func (l *link) end(why error) { l.cut(why) }

// cause says why the link has ended; nil while it has not.
func (l *link) cause() error { return context.Cause(l.ctx) }

// finish ends the link behind what has been sent, once the other side has read that. It
// never waits.
func (l *link) finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	l.stir()
}

// stir wakes who writes.
func (l *link) stir() {
	select {
	case l.wake <- struct{}{}:
	default: // it is awake
	}
}

// run serves a connection until the link's end. Of a guarded one the bare one is what is
// closed, since that waits for nobody.
func (l *link) run(bare, conn net.Conn) {
	closing := context.AfterFunc(l.ctx, func() { _ = bare.Close() })
	defer func() {
		if closing() {
			_ = bare.Close()
		}
	}()
	var writer sync.WaitGroup
	writer.Go(func() {
		if err := l.write(conn); err != nil {
			l.end(err)
		}
	})
	l.end(l.read(conn))
	writer.Wait()
}

// say puts frames behind those that wait to be written, to be written with them. It
// never waits. Behind the link's end they are dropped: whoever depends on it is told.
func (l *link) say(frames ...*remote.Frame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over || l.ctx.Err() != nil {
		return
	}
	for _, frame := range frames {
		l.pending = appendFrame(l.pending, frame)
	}
	if len(l.pending) > maxPending {
		l.end(errNotRead)
	}
	l.stir()
}

// write brings what is sent to the other side. Behind a link that is finished it returns
// nil: the other side closes it once it has read all.
func (l *link) write(conn net.Conn) error {
	beat := time.NewTicker(pingEvery)
	defer beat.Stop()
	for {
		select {
		case <-l.wake:
		case <-beat.C:
			l.say(pingFrame())
		case <-l.ctx.Done():
			return nil
		}
		frames, last := l.take()
		if err := writeAll(conn, frames); err != nil {
			return err
		}
		if last {
			return closeWrite(conn)
		}
		l.giveBack(frames)
	}
}

// writeAll gives each part of what is long its time.
func writeAll(conn net.Conn, frames []byte) error {
	for len(frames) > 0 {
		_ = conn.SetWriteDeadline(time.Now().Add(silence)) // a connection that is closed says so next
		n, err := conn.Write(frames[:min(len(frames), writeAtOnce)])
		if err != nil {
			return err
		}
		frames = frames[n:]
	}
	return nil
}

// closeWrite says that nothing comes any more, and leaves what comes from the other side
// to be read: a connection that is closed before that may lose what was written.
func closeWrite(conn net.Conn) error {
	if half, is := conn.(interface{ CloseWrite() error }); is {
		return half.CloseWrite()
	}
	return errFinished
}

// take returns all that waits, and whether it is the last.
func (l *link) take() (frames []byte, last bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	frames, l.pending, l.spare = l.pending, l.spare, nil
	return frames, l.over
}

func (l *link) giveBack(buffer []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if cap(buffer) <= spareBytes {
		l.spare = buffer[:0]
	}
}

// read tells what comes, behind the other side's first word.
func (l *link) read(conn net.Conn) error {
	waiting := &patient{Conn: conn, until: time.Now().Add(connectPatience)}
	from := bufio.NewReaderSize(waiting, readBuffer)
	hello, err := readFrame(from, maxHello)
	if err != nil {
		return err
	}
	if err := l.meet(hello.GetHello()); err != nil {
		return err
	}
	waiting.until = time.Time{}
	for {
		frame, err := readFrame(from, maxFrame)
		if err != nil {
			return err
		}
		if frame.GetSays() != nil {
			l.events.heard(l, frame)
		}
	}
}

// meet takes the other side's first word.
func (l *link) meet(hello *remote.Hello) error {
	switch {
	case hello == nil || hello.GetFrom() == "":
		return errNoHello
	case hello.GetTo() != string(l.self) || l.called && hello.GetFrom() != string(l.peer):
		return errOther
	case l.called:
		return nil
	}
	l.peer = messages.MemberID(hello.GetFrom())
	l.say(helloFrame(&remote.Hello{From: string(l.self), To: hello.GetFrom()}))
	return nil
}

// patient is a connection of which each read waits for as long as silence, and all of the
// first word's until one moment. Behind a failure it has no more patience: who reads from
// it may try again.
type patient struct {
	net.Conn

	until  time.Time // of the first word; zero behind it
	failed error
}

// Read implements io.Reader.
func (p *patient) Read(into []byte) (n int, err error) {
	if p.failed != nil {
		return 0, p.failed
	}
	until := p.until
	if until.IsZero() {
		until = time.Now().Add(silence)
	}
	_ = p.SetReadDeadline(until) // a connection that is closed says so next
	n, p.failed = p.Conn.Read(into)
	return n, p.failed
}
