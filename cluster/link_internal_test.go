package cluster

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	"example.com/parley/messages"
	"example.com/parley/messages/remote"
)

// side is one end of a link, and what was heard there.
type side struct {
	*link

	heard chan *remote.Frame
	over  chan struct{}
}

// newSide is an end that calls peer; without one it is called.
func newSide(self, peer messages.MemberID) *side {
	s := &side{heard: make(chan *remote.Frame, 16), over: make(chan struct{})}
	s.link = newLink(self, peer, linkEvents{heard: func(_ *link, frame *remote.Frame) { s.heard <- frame }})
	if peer != "" {
		s.say(helloFrame(&remote.Hello{From: string(self), To: string(peer)}))
	}
	return s
}

// serve runs the end, until the link has ended.
func (s *side) serve(conn net.Conn) {
	go func() {
		defer close(s.over)
		s.run(conn, conn)
	}()
}

// linked are two ends of which a calls b.
func linked(a, b *side) {
	left, right := net.Pipe()
	a.serve(left)
	b.serve(right)
}

func (s *side) cause() error {
	<-s.over
	return s.link.cause()
}

func TestFramesComeInTheirOrderEitherWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := newSide("a", "b"), newSide("b", "")
		a.say(goneFrame(1), goneFrame(2)) // before there is a connection
		linked(a, b)
		a.say(goneFrame(3))
		for want := range uint64(3) {
			if got := (<-b.heard).GetGone().GetCall(); got != want+1 {
				t.Errorf("got %d, want %d", got, want+1)
			}
		}
		if b.peer != "a" {
			t.Errorf("it was called by %q", b.peer)
		}
		b.say(answerFrame(&remote.Answer{Call: 4}))
		if got := (<-a.heard).GetAnswer().GetCall(); got != 4 {
			t.Errorf("got %d", got)
		}
		time.Sleep(time.Hour) // they go on while nothing is said
		a.say(goneFrame(5))
		if got := (<-b.heard).GetGone().GetCall(); got != 5 {
			t.Errorf("got %d", got)
		}
		a.end(errGoneMember)
		if err := a.cause(); !errors.Is(err, errGoneMember) {
			t.Errorf("it ended with %v", err)
		}
		if err := b.cause(); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) { // of reading or writing
			t.Errorf("the other end ended with %v", err)
		}
	})
}

func TestWhatWasSentArrivesBeforeTheEnd(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it takes no time
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // nobody uses it any more
	a, b := newSide("a", "b"), newSide("b", "")
	left, err := net.Dial("tcp", listener.Addr().String()) //nolint:noctx // likewise
	if err != nil {
		t.Fatal(err)
	}
	right, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	a.serve(left)
	b.serve(right)
	const frames = 2000
	go func() {
		for range frames {
			a.say(batchFrame(&remote.Batch{Chunks: []*remote.Chunk{{Text: strings.Repeat("x", 1<<10)}}}))
		}
		a.finish()
		a.say(goneFrame(1)) // too late
	}()
	for range frames {
		if frame := <-b.heard; frame.GetBatch() == nil {
			t.Fatalf("got %v", frame)
		}
	}
	if err := b.cause(); !errors.Is(err, io.EOF) {
		t.Errorf("it ended with %v", err)
	}
	<-a.over
	if len(b.heard) > 0 {
		t.Error("something came behind the end")
	}
}

func TestLinkToSomebodyElseEnds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		caller, called *side
		refused        error
	}{
		"a process that was started again": {newSide("a", "b"), newSide("c", ""), errOther},
		"a node that calls a caller":       {newSide("a", "b"), newSide("b", "x"), errOther},
		"a caller without a name":          {newSide("", "b"), newSide("b", ""), errNoHello},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.caller.say(askFrame(&remote.Ask{Call: 1}))
			linked(tt.caller, tt.called)
			if err := errors.Join(tt.called.cause(), tt.caller.cause()); !errors.Is(err, tt.refused) { // whoever was first
				t.Errorf("it ended with %v", err)
			}
			if len(tt.called.heard) > 0 {
				t.Error("it was heard nevertheless")
			}
		})
	}
}

func TestWhatIsNoFrameEndsTheLink(t *testing.T) {
	t.Parallel()
	var long bytes.Buffer
	if _, err := protodelim.MarshalTo(&long, helloFrame(&remote.Hello{From: strings.Repeat("a", maxHello), To: "b"})); err != nil {
		t.Fatal(err)
	}
	for name, said := range map[string]string{
		"a request of HTTP":       "GET / HTTP/1.1\r\nHost: b\r\n\r\n",
		"a length without end":    strings.Repeat("\xff", 16),
		"a hello that is endless": long.String(),
		"nothing":                 "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				left, right := net.Pipe()
				b := newSide("b", "")
				b.serve(right)
				began := time.Now()
				go io.WriteString(left, said) //nolint:errcheck // it is cut
				if err := b.cause(); err == nil {
					t.Error("it went on")
				}
				if took := time.Since(began); took > connectPatience {
					t.Errorf("it took %v", took)
				}
				_ = left.Close()
			})
		})
	}
}

// A connection may be dead without a word, and a process may be frozen while its system
// acknowledges what comes.
func TestPeerThatSaysNothingIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		left, right := net.Pipe()
		a := newSide("a", "b")
		began := time.Now()
		a.serve(left)
		from := bufio.NewReader(right)
		hello := &remote.Frame{}
		if err := protodelim.UnmarshalFrom(from, hello); err != nil {
			t.Fatal(err)
		}
		if _, err := protodelim.MarshalTo(right, helloFrame(&remote.Hello{From: "b", To: "a"})); err != nil {
			t.Fatal(err)
		}
		go io.Copy(io.Discard, from) //nolint:errcheck // until it is cut
		if err := a.cause(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("it ended with %v", err)
		}
		if took := time.Since(began); took != silence {
			t.Errorf("it took %v, want %v", took, silence)
		}
		_ = right.Close()
	})
}

func TestPeerThatReadsNothingIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		left, right := net.Pipe()
		b := newSide("b", "")
		b.serve(left)
		go func() { // says that it is there, and reads nothing but the first word
			_, _ = protodelim.MarshalTo(right, helloFrame(&remote.Hello{From: "a", To: "b"}))
			for {
				time.Sleep(time.Second)
				if _, err := protodelim.MarshalTo(right, pingFrame()); err != nil {
					return
				}
			}
		}()
		began := time.Now()
		if err := b.cause(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("it ended with %v", err)
		}
		if took := time.Since(began); took != silence {
			t.Errorf("it took %v, want %v", took, silence)
		}
		_ = right.Close()
		time.Sleep(2 * time.Second) // who says that it is there finds that it is not heard
	})
}

func TestWhatWaitsForAPeerIsBounded(t *testing.T) {
	t.Parallel()
	l := newLink("a", "b", linkEvents{})
	much := batchFrame(&remote.Batch{Chunks: []*remote.Chunk{{Text: strings.Repeat("x", 16<<20)}}})
	for range maxPending/(16<<20) + 1 {
		l.say(much)
	}
	if err := l.cause(); !errors.Is(err, errNotRead) {
		t.Errorf("it ended with %v", err)
	}
}

// What a client or a model said is not looked into on its way: it is the same at both ends.
func TestFramesAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long ", readBuffer)
	said := []*remote.Frame{
		pingFrame(), goneFrame(1), batchFrame(&remote.Batch{Call: 2, Chunks: []*remote.Chunk{{Text: long}}}),
		batchFrame(&remote.Batch{Call: 3, Chunks: []*remote.Chunk{{Text: "no text: \xff"}}}),
	}
	var written []byte
	for _, frame := range said {
		written = appendFrame(written, frame)
	}
	from := bufio.NewReaderSize(iotest.OneByteReader(bytes.NewReader(written)), readBuffer)
	for i, want := range said {
		got, err := readFrame(from, maxFrame)
		if err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
		if !proto.Equal(got, want) {
			t.Errorf("frame %d is %v", i, got)
		}
	}
	if _, err := readFrame(from, maxFrame); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last there is %v", err)
	}
	for name, broken := range map[string][]byte{
		"cut off": written[:len(written)-1], "too long": binary.AppendUvarint(nil, maxFrame+1), "no frame": {2, 0xff, 0xff},
		"a length without an end": bytes.Repeat([]byte{0xff}, 16),
	} {
		from := bufio.NewReaderSize(bytes.NewReader(broken), readBuffer)
		var err error
		for range said {
			if _, err = readFrame(from, maxFrame); err != nil {
				break
			}
		}
		if err == nil {
			t.Errorf("%s: it was read", name)
		}
	}
}
