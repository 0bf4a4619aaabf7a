package parking_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"example.com/parley/messages/parking"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// nobody is never to be resumed.
type nobody struct{ testing.TB }

// Resume implements parking.Waiter.
func (n nobody) Resume() { n.Error("it was resumed") }

func TestWhatNoPollerCanWaitForIsNotParked(t *testing.T) {
	t.Parallel()
	p, err := parking.NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	inMemory, other := net.Pipe()
	defer other.Close() //nolint:errcheck // of a test
	var c parking.Conn
	c.Open(inMemory, p)
	if c.CanPark() || c.Park(nobody{t}) {
		t.Error("a connection without a descriptor is parked")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestWithoutAPollerNothingIsParked(t *testing.T) {
	t.Parallel()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close() //nolint:errcheck // of a test
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var c parking.Conn
	c.Open(conn, nil)
	if c.CanPark() || c.Park(nobody{t}) {
		t.Error("it is parked nowhere")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestAReaderHasABufferWhileItIsLent(t *testing.T) {
	t.Parallel()
	small, large := parking.NewBuffers(16), parking.NewBuffers(64)
	source := strings.NewReader(strings.Repeat("0123456789abcdef", 4))
	var r parking.Reader
	reader := &r.Reader // what a format's own reader keeps
	for range 2 {
		r.Borrow(small, source)
		r.Borrow(large, source) // it has one
		if got := reader.Size(); got != 16 {
			t.Errorf("the buffer has %d bytes", got)
		}
		got := make([]byte, 16)
		if _, err := io.ReadFull(reader, got); err != nil || string(got) != "0123456789abcdef" {
			t.Errorf("it reads %q, %v", got, err)
		}
		r.GiveBack()
		r.GiveBack() // which it was already
		if reader.Size() != 0 || reader.Buffered() != 0 {
			t.Errorf("it still has %d bytes, and %d of them in use", reader.Size(), reader.Buffered())
		}
	}
	r.Borrow(large, io.MultiReader(bytes.NewReader([]byte("head ")), source))
	if rest, err := io.ReadAll(reader); err != nil || len(rest) != 5+32 || reader.Size() != 64 {
		t.Errorf("it reads %q, %v, with %d bytes", rest, err, reader.Size())
	}
	r.GiveBack()
}
