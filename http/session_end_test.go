package http_test

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

func TestASilentClientIsAskedAndThenClosed(t *testing.T) {
	t.Parallel()
	quick := sockets(func(c *parleyhttp.SessionConfig) {
		c.PingEvery, c.PongWithin = 200*time.Millisecond, 100*time.Millisecond
	})
	w := serve(t, says(hello()...), quick)
	answering := w.socket()
	asked := 0
	answering.SetPingHandler(func(string) error {
		if asked++; asked == 5 {
			answering.say(ask)
		}
		return answering.WriteControl(websocket.PongMessage, nil, time.Now().Add(time.Second))
	})
	served := make(chan []message)
	go func() { served <- answering.until("response.completed") }()
	silent, _ := w.rawDial("")
	buffer := make([]byte, 64)
	if _, err := silent.Read(buffer); err != nil || buffer[0] != 0x89 {
		t.Fatalf("no ping: %v %x", err, buffer[:2])
	}
	for {
		if _, err := silent.Read(buffer); err != nil {
			break
		}
	}
	<-served // it has answered five pings
	eventually(t, "it is counted once", func() bool {
		return strings.Contains(w.scrape(), `chatbot_websocket_closes_total{code="1006"} 1`+"\n")
	})
}

func TestAClientThatDoesNotComeToThePingIsToldToResume(t *testing.T) {
	t.Parallel()
	w := serve(t, func(m *messages.StartTurn) error {
		go func() {
			defer m.CloseChunks()
			m.Answer(messages.TurnStarted{})
			m.Show(opened())
			for m.Show(text(strings.Repeat("x", 4<<10))) {
				time.Sleep(10 * time.Millisecond)
			}
		}()
		return nil
	}, sockets(func(c *parleyhttp.SessionConfig) {
		c.PingEvery, c.PongWithin = 200*time.Millisecond, 100*time.Millisecond
	}))
	c := w.socket()
	c.SetPingHandler(func(string) error { return nil }) // as if it were far behind
	c.say(ask)
	if code, reason := c.closed(); code != websocket.CloseTryAgainLater || !strings.Contains(reason, "response.resume") {
		t.Errorf("closed with %d %s", code, reason)
	}
	if !strings.Contains(w.scrape(), "chatbot_websocket_slow_cuts_total 1") {
		t.Error("it is not counted")
	}
}

func TestARevokedKeyClosesItsConnections(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...), sockets(func(c *parleyhttp.SessionConfig) {
		c.PingEvery, c.PongWithin, c.KeyCheckEvery = 200*time.Millisecond, 100*time.Millisecond, 100*time.Millisecond
	}))
	c := w.socket()
	c.say(ask)
	c.until("response.completed")
	w.revoked.Store(true)
	if code, reason := c.closed(); code != websocket.ClosePolicyViolation || !strings.Contains(reason, "key") {
		t.Errorf("closed with %d %s", code, reason)
	}
}

func TestAnOldConnectionBeginsNothingMore(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	w := serve(t, func(m *messages.StartTurn) error {
		go func() {
			m.Answer(messages.TurnStarted{})
			m.Show(opened())
			m.Show(text("Hel"))
			<-release
			m.Show(end())
			m.CloseChunks()
		}()
		return nil
	}, sockets(func(c *parleyhttp.SessionConfig) {
		c.PingEvery, c.PongWithin, c.MaxAge = 200*time.Millisecond, 100*time.Millisecond, time.Second
	}))
	c := w.socket()
	c.say(ask)
	time.AfterFunc(2*time.Second, func() { close(release) })
	c.until("response.completed")
	if code, reason := c.closed(); code != websocket.CloseGoingAway || !strings.Contains(reason, "websocket_connection_limit_reached") {
		t.Errorf("closed with %d %s", code, reason)
	}
}

func TestADrainIsAnnouncedAndWaits(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	w := serve(t, func(m *messages.StartTurn) error {
		go func() {
			m.Answer(messages.TurnStarted{})
			m.Show(opened())
			m.Show(text("Hel"))
			<-release
			m.Show(end())
			m.CloseChunks()
		}()
		return nil
	})
	idle, busy := w.socket(), w.socket()
	busy.say(ask)
	busy.until("response.output_text.delta")
	w.stop()
	for _, c := range []*connection{idle, busy} {
		if m := c.message(); m.Type != "session.draining" || m.ReconnectAfterMS < 0 {
			t.Errorf("the announcement is %s", m.raw)
		}
	}
	if code, _ := idle.closed(); code != websocket.CloseGoingAway {
		t.Errorf("the idle one is closed with %d", code)
	}
	if c, refused := w.tryDial(nil); c != nil || refused.status != http.StatusServiceUnavailable {
		t.Errorf("another gets %d", refused.status)
	}
	close(release)
	busy.until("response.completed")
	if code, reason := busy.closed(); code != websocket.CloseGoingAway || !strings.Contains(reason, "response.resume") {
		t.Errorf("the busy one is closed with %d %s", code, reason)
	}
	w.end()
}

func TestADrainCutsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	w := serve(t, func(m *messages.StartTurn) error {
		go func() {
			defer m.CloseChunks()
			m.Answer(messages.TurnStarted{})
			m.Show(opened())
			m.Show(text("Hel"))
			<-m.Client.Done()
		}()
		return nil
	}, configured(func(c *parleyhttp.Config) { c.DrainTimeout = 100 * time.Millisecond }))
	c := w.socket()
	c.say(ask)
	c.until("response.output_text.delta")
	w.stop()
	all := c.until("error")
	if last := all[len(all)-1]; last.Error.Code != "shutting_down" || !strings.Contains(last.Error.Message, "response.resume") {
		t.Errorf("it is told %s", last.raw)
	}
	if code, _ := c.closed(); code != websocket.CloseGoingAway {
		t.Errorf("closed with %d", code)
	}
	w.end()
}

func TestASlowReaderIsCutAndToldSo(t *testing.T) {
	t.Parallel()
	long := text(strings.Repeat("x", 32<<10))
	w := serve(t, func(m *messages.StartTurn) error {
		go func() {
			defer m.CloseChunks()
			m.Answer(messages.TurnStarted{})
			m.Show(opened())
			for range 4000 {
				if !m.Show(long) {
					return
				}
			}
		}()
		return nil
	}, configured(func(c *parleyhttp.Config) { c.WriteStall, c.Sessions.Queue = 500*time.Millisecond, 64<<10 }))
	slow, _ := w.tryDial(func(d *websocket.Dialer) {
		d.NetDial = func(network, address string) (net.Conn, error) { // with little room in between
			conn, err := new(net.Dialer).DialContext(t.Context(), network, address)
			if err == nil {
				_ = conn.(*net.TCPConn).SetReadBuffer(128 << 10)
			}
			return conn, err
		}
	})
	other := w.socket()
	slow.say(ask)
	eventually(t, "it is cut", func() bool { return strings.Contains(w.scrape(), "chatbot_websocket_slow_cuts_total 1") })
	code, reason := slow.closed()
	if code != websocket.CloseTryAgainLater || !strings.Contains(reason, "response.resume") {
		t.Errorf("closed with %d %s", code, reason)
	}
	other.say(`{"type":"bogus"}`)
	if m := other.message(); m.Type != "error" {
		t.Errorf("the other one gets %s", m.raw)
	}
}
