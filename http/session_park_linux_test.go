package http_test

import (
	"bytes"
	"compress/flate"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	parleyhttp "example.com/parley/http"
)

// These tests count goroutines: those that do are not run beside others.

// reading is how many goroutines there are that read a client's WebSocket.
func reading() int {
	stacks := make([]byte, 16<<20)
	return bytes.Count(stacks[:runtime.Stack(stacks, true)], []byte(".(*session).read("))
}

// rest waits until nobody reads.
func rest(tb testing.TB) {
	tb.Helper()
	eventually(tb, "no connection has a goroutine that reads it", func() bool { return reading() == 0 })
}

func TestAConnectionAtRestHasNoGoroutine(t *testing.T) {
	w := serve(t, says(hello()...))
	all := make([]*connection, 0, 10)
	for range 10 {
		all = append(all, w.socket())
	}
	rest(t)
	for range 3 {
		for _, c := range all {
			c.say(ask)
		}
		for _, c := range all {
			c.until("response.completed")
		}
		rest(t)
	}
}

func TestAConnectionAtRestIsStillAskedWhetherItIsThere(t *testing.T) {
	w := serve(t, says(hello()...), sockets(func(c *parleyhttp.SessionConfig) {
		c.PingEvery, c.PongWithin = 200*time.Millisecond, 100*time.Millisecond
	}))
	there, gone := w.raw(""), w.raw("")
	for range 5 {
		f, err := readServerFrame(there.in)
		if err != nil || f.op != opPing {
			t.Fatalf("no ping but %d, %v", f.op, err)
		}
		there.send(masked(fin|opPong, string(f.payload)))
		rest(t)
	}
	for {
		if _, err := readServerFrame(gone.in); err != nil {
			break // it has not answered
		}
	}
	there.send(masked(fin|opText, bogus))
	there.message()
	eventually(t, "the other one is gone", func() bool { return strings.Contains(w.scrape(), "chatbot_active_websockets 1") })
}

// pieces is what a client sends in so many segments, each of which finds the connection
// at rest where the one before has ended a frame between two messages.
type pieces struct {
	deflate bool
	send    [][]byte
	pongs   int
	answers int
}

func TestFramesComeInAnyPieces(t *testing.T) {
	text, ping, pong := masked(fin|opText, bogus), masked(fin|opPing, "here"), masked(fin|opPong, "x")
	small := deflated(t, bogus)
	w := serve(t, nil)
	for name, test := range map[string]pieces{
		"a ping and a message":                {send: [][]byte{join(ping, text)}, pongs: 1, answers: 1},
		"a message and a ping":                {send: [][]byte{join(text, ping)}, pongs: 1, answers: 1},
		"many of both":                        {send: [][]byte{bytes.Repeat(join(text, ping, pong, text), 5)}, pongs: 5, answers: 10},
		"one by one":                          {send: [][]byte{ping, text, pong, text, ping}, pongs: 2, answers: 2},
		"byte by byte":                        {send: split(join(ping, text, pong, ping, text)), pongs: 2, answers: 2},
		"fragments with pings between":        {send: [][]byte{masked(opText, bogus[:5]), ping, masked(0, bogus[5:7]), join(ping, pong), masked(fin, bogus[7:])}, pongs: 2, answers: 1},
		"fragments byte by byte":              {send: split(join(masked(opText, bogus[:5]), ping, masked(fin, bogus[5:]), text)), pongs: 1, answers: 2},
		"a long one":                          {send: [][]byte{masked(fin|opText, bogus+strings.Repeat(" ", 100_000)), ping}, pongs: 1, answers: 1},
		"compressed":                          {deflate: true, send: [][]byte{masked(fin|compressed|opText, small), ping, text}, pongs: 1, answers: 2},
		"compressed, in fragments":            {deflate: true, send: [][]byte{masked(compressed|opText, small[:4]), ping, masked(fin, small[4:]), ping}, pongs: 2, answers: 1},
		"compressed, and more in one segment": {deflate: true, send: [][]byte{join(masked(fin|compressed|opText, small), ping, masked(fin|compressed|opText, small))}, pongs: 1, answers: 2},
		"compressed, and an empty last one":   {deflate: true, send: [][]byte{join(masked(compressed|opText, small), masked(fin, "")), ping}, pongs: 1, answers: 1},
	} {
		t.Run(name, func(t *testing.T) {
			offer := ""
			if test.deflate {
				offer = deflateOffer
			}
			c := w.raw(offer)
			c.tb = t
			defer c.Close() //nolint:errcheck // of a client
			for _, segment := range test.send {
				c.send(segment)
				runtime.Gosched()
			}
			test.check(t, c)
			rest(t)
		})
	}
}

// What the library has not read of a message it reads over before the next one.
func TestAMessageThatEndsBeforeItsFrameDoesHidesNothing(t *testing.T) {
	c := serve(t, nil).raw(deflateOffer)
	for range 3 {
		rest(t)
		c.send(join(masked(fin|compressed|opText, endedEarly(t)), masked(fin|opPing, "here")))
		if m := c.message(); m.Error.Code != "invalid_request" {
			t.Fatalf("it is told %s", m.raw)
		}
		if f := c.next(); f.op != opPong || string(f.payload) != "here" {
			t.Fatalf("then comes %d %q", f.op, f.payload)
		}
		c.send(masked(fin|opText, bogus))
		c.message()
	}
	rest(t)
}

// split is each byte of frames by itself.
func split(frames []byte) (all [][]byte) {
	for i := range frames {
		all = append(all, frames[i:i+1])
	}
	return all
}

// endedEarly is a compressed message whose last block comes long before its end. What
// follows is read over, though it looks like frames.
func endedEarly(tb testing.TB) string {
	tb.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		tb.Fatal(err)
	}
	_, _ = w.Write([]byte(bogus)) // to memory
	_ = w.Close()
	return b.String() + strings.Repeat(string(masked(fin|opPing, "no")), 2000)
}

// check reads what comes of the pieces, in any order, and nothing else.
func (p *pieces) check(t *testing.T, c *raw) {
	t.Helper()
	pongs, answers := 0, 0
	for pongs < p.pongs || answers < p.answers {
		switch f := c.next(); {
		case f.op == opPong && string(f.payload) == "here":
			pongs++
		case f.op == opText && strings.Contains(string(f.payload), "invalid_request"):
			answers++
		default:
			t.Fatalf("there is %d %q", f.op, f.payload)
		}
	}
	c.send(masked(fin|opPing, "last"))
	if f := c.next(); pongs > p.pongs || answers > p.answers || f.op != opPong || string(f.payload) != "last" {
		t.Errorf("%d pongs and %d answers, and then %d %q", pongs, answers, f.op, f.payload)
	}
}

func TestAConnectionAtRestIsClosedWithACode(t *testing.T) {
	for name, test := range map[string]struct {
		frames []byte
		code   int
	}{
		"garbage":          {bytes.Repeat([]byte{0xff}, 1000), websocket.CloseProtocolError},
		"a long ping":      {masked(fin|opPing, strings.Repeat("p", 126)), websocket.CloseProtocolError},
		"an unmasked ping": {[]byte{fin | opPing, 0}, websocket.CloseProtocolError},
		"a fragment of it": {masked(opPing, ""), websocket.CloseProtocolError},
		"a reserved bit":   {masked(fin|compressed|opPong, ""), websocket.CloseProtocolError},
		"its own":          {masked(fin|opClose, closing(4000, "bye")), 4000},
		"a binary message": {masked(fin|opBinary, "x"), websocket.CloseUnsupportedData},
	} {
		w := serve(t, nil)
		c := w.raw("")
		rest(t)
		c.send(join(masked(fin|opPing, ""), test.frames))
		f := c.next()
		for f.op == opPong {
			f = c.next()
		}
		if f.op != opClose || f.code() != test.code {
			t.Errorf("%s: it is told %d %d %q", name, f.op, f.code(), f.payload)
		}
		c.send(masked(fin|opClose, closing(uint16(f.code()), ""))) // #nosec G115 -- codes have four digits
		_ = c.Close()
		eventually(t, "it is gone", func() bool { return strings.Contains(w.scrape(), "chatbot_active_websockets 0") })
		w.end()
	}
}

// One who sends a byte each time that it is asked is there, but not for ever.
func TestAPingThatDoesNotEndIsCut(t *testing.T) {
	w := serve(t, nil, configured(func(c *parleyhttp.Config) {
		c.ReadTimeout = time.Second
		c.Sessions.PingEvery, c.Sessions.PongWithin = 200*time.Millisecond, 150*time.Millisecond
	}))
	c := w.raw("")
	rest(t)
	c.send([]byte{fin | opPing, 0x80 | 125})
	for {
		f, err := readServerFrame(c.in)
		if err != nil {
			t.Fatal(err)
		}
		if f.op == opClose {
			if f.code() != websocket.ClosePolicyViolation {
				t.Errorf("closed with %d %q", f.code(), f.payload)
			}
			return
		}
		c.send([]byte{0})
	}
}

func TestAConnectionThatSaysNothingIsDrained(t *testing.T) {
	t.Parallel() // the silent one has its five seconds
	w := serve(t, nil, configured(func(c *parleyhttp.Config) { c.WriteStall = 200 * time.Millisecond }))
	answering, silent := w.socket(), w.raw("")
	w.stop()
	if m := answering.message(); m.Type != "session.draining" {
		t.Errorf("the announcement is %s", m.raw)
	}
	if code, reason := answering.closed(); code != websocket.CloseGoingAway || !strings.Contains(reason, "the server stops") {
		t.Errorf("closed with %d %s", code, reason)
	}
	if m := silent.message(); m.Type != "session.draining" {
		t.Errorf("the announcement is %s", m.raw)
	}
	if f := silent.next(); f.op != opClose || f.code() != websocket.CloseGoingAway {
		t.Errorf("the silent one is told %d %d", f.op, f.code())
	}
	if _, err := readServerFrame(silent.in); err == nil {
		t.Error("the silent one stays")
	}
	w.end()
}

func TestAClientThatGoesWhileNobodyReadsEndsItsSession(t *testing.T) {
	w := serve(t, nil)
	for _, leave := range []func(*net.TCPConn){
		func(c *net.TCPConn) { _ = c.SetLinger(0) }, // which resets it
		func(c *net.TCPConn) { _ = c.CloseWrite() },
		func(*net.TCPConn) {},
	} {
		c := w.raw("")
		rest(t)
		leave(c.Conn.(*net.TCPConn))
		_ = c.Close()
		eventually(t, "it is gone", func() bool { return strings.Contains(w.scrape(), "chatbot_active_websockets 0") })
	}
	if all := w.scrape(); !strings.Contains(all, `chatbot_websocket_closes_total{code="1006"} 3`) {
		t.Errorf("their ends are not counted:\n%s", all)
	}
	w.socketLimits.mu.Lock()
	defer w.socketLimits.mu.Unlock()
	if w.socketLimits.open != 0 {
		t.Errorf("%d connections are counted for their tenant", w.socketLimits.open)
	}
}

func TestConnectionsThatComeAndGoTouchNobodyAtRest(t *testing.T) {
	w := serve(t, nil, sockets(func(c *parleyhttp.SessionConfig) {
		c.AcceptRate, c.MaxAddress = 1<<20, 1<<20
		c.PingEvery, c.PongWithin = 5*time.Minute, 4*time.Minute
	}))
	others := w.bystanders()
	rest(t)
	for i := range 300 {
		c := w.raw("")
		if i%3 > 0 {
			c.send(masked(fin|opText, bogus))
		}
		if i%3 > 1 {
			_ = c.Conn.(*net.TCPConn).SetLinger(0)
		}
		_ = c.Close()
		again := w.raw("")
		again.send(masked(fin|opPing, "here"))
		if f := again.next(); f.op != opPong || string(f.payload) != "here" {
			t.Fatalf("connection %d gets %d %q", i, f.op, f.payload)
		}
		_ = again.Close()
	}
	others.live(t)
	rest(t)
}
