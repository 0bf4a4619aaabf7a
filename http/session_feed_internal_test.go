package http

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
)

// sent is a connection that keeps what is written to it.
type sent struct {
	net.Conn
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *sent) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *sent) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *sent) SetWriteDeadline(time.Time) error { return nil }

// heldTurns accepts a turn, and leaves the rest of it to the test.
type heldTurns struct {
	Conversations
	turns chan *messages.StartTurn
}

func (heldTurns) CancelTurn(*messages.CancelTurn) error { return nil }

func (h heldTurns) Send(m *messages.StartTurn) error {
	m.Answer(messages.TurnStarted{})
	h.turns <- m
	return nil
}

// fed is a turn that a session shows, and what came of it.
type fed struct {
	*messages.StartTurn
	client  *sent
	session *session
	lane    *messages.LaneTurn
	came    chan messages.LaneOutcome
}

// feedOf has a session show a turn.
func feedOf(t *testing.T, change ...func(*messages.LaneTurn)) *fed {
	t.Helper()
	turns := heldTurns{turns: make(chan *messages.StartTurn, 1)}
	server, err := NewServer(DefaultConfig(), Deps{
		Conversations: turns, Keys: anyKey{}, Tries: noTries{}, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	f := &fed{client: &sent{}, came: make(chan messages.LaneOutcome, 2)}
	f.session = &session{server: server}
	f.session.who.Store(&messages.Principal{Tenant: "acme"})
	f.session.out = outbox{conn: f.client, limit: 1 << 20, stall: time.Second, metrics: &server.metrics.sessions}
	f.lane = &messages.LaneTurn{Spec: &messages.TurnSpec{ID: messages.TurnID{1}, Tenant: "acme", Model: "demo", Stream: true}}
	for _, set := range change {
		set(f.lane)
	}
	f.session.Serve(f.lane, func(outcome messages.LaneOutcome) { f.came <- outcome })
	f.StartTurn = <-turns.turns
	return f
}

func (f *fed) put(c messages.Chunk) { f.Show(c) }

func (f *fed) open() {
	f.put(messages.Chunk{Kind: messages.ChunkOpened, Served: &messages.Served{Provider: "demo", Model: "demo-1"}})
}

// feeding is how many goroutines there are that are at a feed.
func feeding() int {
	stacks := make([]byte, 1<<20)
	return bytes.Count(stacks[:runtime.Stack(stacks, true)], []byte(".(*feed)."))
}

func TestNobodyWaitsForWhatATurnShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feedOf(t)
		f.open()
		f.put(messages.Chunk{Kind: messages.ChunkText, Text: "Hel"})
		synctest.Wait()
		if n := feeding(); n != 0 || !strings.Contains(f.client.String(), `"delta":"Hel"`) {
			t.Errorf("%d goroutines are at it behind %s", n, f.client)
		}
		f.put(messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnComplete}})
		if outcome := <-f.came; outcome.Status != messages.TurnComplete || outcome.Remembered == nil {
			t.Errorf("it came to %+v", outcome)
		}
	})
}

func TestATurnThatNeverEndsIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := feedOf(t)
		f.open()
		time.Sleep(f.session.server.cfg.TurnTimeout + lastWord - 1)
		synctest.Wait()
		if len(f.came) > 0 {
			t.Fatal("it is given up too early")
		}
		if outcome := <-f.came; !outcome.Failed || f.Client.Err() == nil {
			t.Errorf("it came to %+v", outcome)
		}
		synctest.Wait()
		if !strings.Contains(f.client.String(), string(messages.AsFailure(errNoAnswer()).Code)) {
			t.Errorf("its client is told %s", f.client)
		}
	})
}

// What is seen late is seen all the same: one look may be all that there is.
func TestAClientThatCancelsAndLeavesIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := feedOf(t, func(lane *messages.LaneTurn) { lane.Store = true })
		f.open()
		synctest.Wait()
		f.lane.Cancelled.Give()
		f.lane.Gone.Give()
		f.lane.Changed()
		synctest.Wait()
		if len(f.came) == 0 || f.Client.Err() == nil {
			t.Error("its turn is waited for")
		}
		f.put(messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnCancelled}})
	})
}

func TestAFeedThatPanicsFailsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := feedOf(t)
		f.put(messages.Chunk{Kind: messages.ChunkOpened}) // which serves nobody, as no turn says
		if outcome := <-f.came; !outcome.Failed || f.Client.Err() == nil {
			t.Errorf("it came to %+v", outcome)
		}
		f.Outlet.Come() // as whoever had not heard of that
		synctest.Wait()
		if len(f.came) > 0 || !strings.Contains(f.client.String(), `"type":"error"`) {
			t.Errorf("its client is told %s", f.client)
		}
	})
}

func TestChunksAreShownInOrderWhoeverCalls(t *testing.T) {
	t.Parallel()
	f := feedOf(t)
	ctx, stop := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for ctx.Err() == nil {
				f.Outlet.Come()
			}
		})
	}
	f.open()
	const chunks = 2000
	for i := range chunks {
		f.put(messages.Chunk{Kind: messages.ChunkText, Text: strconv.Itoa(i)})
	}
	f.put(messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnComplete}})
	<-f.came
	stop()
	callers.Wait()
	text, at := f.client.String(), 0
	for i := range chunks {
		next := strings.Index(text[at:], `"delta":"`+strconv.Itoa(i)+`"`)
		if next < 0 {
			t.Fatalf("chunk %d is not where it belongs", i)
		}
		at += next
	}
	if len(f.came) > 0 {
		t.Error("it ended twice")
	}
}
