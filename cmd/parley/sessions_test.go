package main

import (
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/parley/bench/socket"
)

// socketOptions is how a client connects to the server.
func (p *process) socketOptions(key string) socket.Options {
	return socket.Options{Address: strings.TrimPrefix(p.url, "http://"), Key: key}
}

func TestWebSocketStreamsSurviveForcedDisconnects(t *testing.T) {
	t.Parallel()
	random := seeded(t)
	wanted := int64(fromEnvironment(t, "PARLEY_TEST_DISCONNECTS", 300))
	p := start(t, launch{env: []string{"PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=2ms"}})
	var cuts atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		own := rand.New(rand.NewPCG(random.Uint64(), 2)) // #nosec G404 -- a test's
		group.Go(func() {
			for cuts.Load() < wanted && !t.Failed() {
				readInPieces(t, p, own, &cuts)
			}
		})
	}
	group.Wait()
	t.Logf("%d disconnects", cuts.Load())
	if got := p.metrics(); strings.Contains(got, `chatbot_resumes_total{source="turn"} 0`) {
		t.Error("nobody resumed from a turn that ran")
	}
	p.terminate()
}

// readInPieces reads one response over connections that are cut anywhere.
func readInPieces(t *testing.T, p *process, own *rand.Rand, cuts *atomic.Int64) {
	t.Helper()
	o, r, text := p.socketOptions(p.key), socket.NewReader(), prose(20+own.IntN(60))
	o.Deflate = own.IntN(2) == 0
	for ended := false; !ended; {
		c, done, err := r.Hear(t.Context(), o, socket.Create("simulated/echo", text, ""), 1+own.IntN(12))
		if err != nil {
			t.Errorf("response %s: %v", r.ID, err)
			return
		}
		c.Reset()
		if ended = done; !ended {
			cuts.Add(1)
			time.Sleep(time.Duration(own.IntN(40)) * time.Millisecond)
		}
	}
	for _, fault := range r.Check(t.Context(), o, text) {
		t.Errorf("response %s: %s", r.ID, fault)
	}
}

func TestWebSocketStreamsSurviveAKilledServer(t *testing.T) {
	t.Parallel()
	for name, shown := range map[string]string{"shown before it is stored": "false", "shown once it is stored": "true"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := seeded(t)
			env := []string{"PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=4ms", "PARLEY_STREAM_SHOW_AFTER_COMMIT=" + shown}
			p := start(t, launch{env: env})
			key := p.key
			for range fromEnvironment(t, "PARLEY_TEST_KILLS", 3) {
				p = killedUnderSockets(t, p, key, env, random, shown == "true")
			}
			p.terminate()
		})
	}
}

// killedUnderSockets kills the server while responses are read, starts it again on its
// data, and has them read on. What was acknowledged, which its first event is, has to
// be there.
func killedUnderSockets(t *testing.T, p *process, key string, env []string, random *rand.Rand, durable bool) *process {
	t.Helper()
	text := prose(400)
	readers := make([]*socket.Reader, 8)
	var group sync.WaitGroup
	for i := range readers {
		r := socket.NewReader()
		readers[i] = r
		group.Go(func() {
			c, _, err := r.Hear(t.Context(), p.socketOptions(key), socket.Create("simulated/echo", text, ""), 1<<30)
			if c != nil {
				c.Close()
			}
			if err != nil && r.ID != "" {
				t.Error(err)
			}
		})
	}
	time.Sleep(150*time.Millisecond + time.Duration(random.IntN(700))*time.Millisecond)
	p.kill()
	group.Wait()
	p = start(t, launch{data: p.data, env: env})
	for i, r := range readers {
		if r.ID == "" {
			continue // it had not begun
		}
		seen := len(r.Text())
		if r.Last == nil {
			c, ended, err := r.Hear(t.Context(), p.socketOptions(key), "", 1<<30)
			if err != nil || !ended {
				t.Fatalf("number %d, behind %d: ended %t, %v", i, r.Cursor, ended, err)
			}
			c.Close()
		}
		for _, fault := range r.CheckCut(text, seen, durable) {
			t.Errorf("number %d: %s", i, fault)
		}
	}
	return p
}

// TestServerWithOpenSocketsDrains stops a server with an idle connection, one whose
// response ends in time, and one whose does not.
func TestServerWithOpenSocketsDrains(t *testing.T) {
	t.Parallel()
	env := []string{"PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=10ms", "PARLEY_HTTP_DRAIN_TIMEOUT=3s"}
	p := start(t, launch{env: env})
	o := p.socketOptions(p.key)
	short, long := prose(80), prose(5000)
	silent := socket.NewReader()
	idle, err := socket.Dial(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	one, whole, oneEnded := begun(t, o, short)
	other, part, _ := begun(t, o, long)
	if oneEnded {
		t.Fatal("the short one has ended already")
	}
	stopped := make(chan struct{})
	go func() { // ends with the server
		defer close(stopped)
		p.terminate()
	}()
	var group sync.WaitGroup
	group.Go(func() {
		readOnHere(t, silent, idle)
		if silent.Drains != 1 || len(silent.Faults) > 0 || !goingAway(silent.Closed) {
			t.Errorf("the idle one is told %d times, %q, and closed with %v", silent.Drains, silent.Faults, silent.Closed)
		}
	})
	group.Go(func() {
		readOnHere(t, whole, one)
		if faults := whole.Faults; whole.Last == nil || whole.Last.Type != "response.completed" || whole.Text() != short || len(faults) > 0 {
			t.Errorf("the short one ends with %+v, %q", whole.Last, faults)
		}
		wantGoingAway(t, one)
	})
	group.Go(func() {
		readOnHere(t, part, other)
		if part.Last != nil || part.Drains != 1 || part.Cuts != 1 || !goingAway(part.Closed) {
			t.Errorf("the long one ends with %+v, was told %d times, and closed with %v", part.Last, part.Drains, part.Closed)
		}
	})
	group.Wait()
	<-stopped
	p = start(t, launch{data: p.data, env: env})
	seen := len(part.Text())
	if _, ended, err := part.Hear(t.Context(), p.socketOptions(o.Key), "", 1<<30); err != nil || !ended {
		t.Fatalf("the long one is not there behind the restart: %v", err)
	}
	if kept := part.Last.Text(); part.Last.Response.Status == "completed" || len(kept) < seen || kept != part.Text() || !strings.HasPrefix(long, kept) || len(part.Faults) > 0 {
		t.Errorf("%d bytes were shown, %d are kept as %s: %q", seen, len(kept), part.Last.Response.Status, part.Faults)
	}
	p.terminate()
}

// begun returns a connection on which a response streams.
func begun(t *testing.T, o socket.Options, text string) (*socket.Conn, *socket.Reader, bool) {
	t.Helper()
	r := socket.NewReader()
	c, ended, err := r.Hear(t.Context(), o, socket.Create("simulated/echo", text, ""), 5)
	if err != nil {
		t.Fatal(err)
	}
	return c, r, ended
}

// readOnHere reads what still comes on the connection.
func readOnHere(t *testing.T, r *socket.Reader, c *socket.Conn) {
	t.Helper()
	if _, err := r.ReadOn(c, 1<<30); err != nil {
		t.Error(err)
	}
}

func goingAway(closed *socket.ClosedError) bool {
	return closed != nil && closed.Code == 1001 && strings.Contains(closed.Reason, "response.resume")
}

// wantGoingAway wants a connection closed on which nothing runs any more.
func wantGoingAway(t *testing.T, c *socket.Conn) {
	t.Helper()
	rest := socket.NewReader()
	readOnHere(t, rest, c)
	if !goingAway(rest.Closed) {
		t.Errorf("it is closed with %v", rest.Closed)
	}
}
