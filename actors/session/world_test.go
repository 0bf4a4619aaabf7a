package session_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"example.com/parley/actors/actortest"
	"example.com/parley/actors/session"
	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/asynkron/protoactor-go/actor.NewDeadLetter.NewThrottle.func4.1"))
}

// patience is how long anything may take that is about to happen.
const patience = 10 * time.Second

// client is a connection that does nothing by itself: a test ends its turns.
type client struct {
	t      testing.TB
	served chan *turn // turns that have begun

	mu       sync.Mutex
	refused  []refusal
	steered  []steering
	finished int
	broken   int
	changed  chan struct{} // somebody may look again
}

type refusal struct {
	lane string
	err  error
}

type steering struct {
	id   messages.TurnID
	step messages.SteerStep
}

// turn is one that is being served.
type turn struct {
	*messages.LaneTurn
	end   chan messages.LaneOutcome
	shown chan struct{} // closed once its client has seen the last of it
}

// Serve implements messages.SessionClient.
func (c *client) Serve(t *messages.LaneTurn, done func(messages.LaneOutcome)) {
	done(c.serve(t))
}

func (c *client) serve(t *messages.LaneTurn) messages.LaneOutcome {
	one := &turn{LaneTurn: t, end: make(chan messages.LaneOutcome, 1), shown: make(chan struct{})}
	defer close(one.shown)
	c.served <- one
	select {
	case outcome := <-one.end:
		t.Ending()
		if outcome.Status == "panic" {
			panic("a test")
		}
		return outcome
	case <-t.Cancelled.Done():
		return messages.LaneOutcome{Status: messages.TurnCancelled}
	case <-t.Gone.Done():
		return messages.LaneOutcome{}
	}
}

func (c *client) note(f func()) {
	c.mu.Lock()
	f()
	c.mu.Unlock()
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// Refuse implements messages.SessionClient.
func (c *client) Refuse(lane messages.Lane, err error) {
	c.note(func() { c.refused = append(c.refused, refusal{lane.Name, err}) })
}

// Steered implements messages.SessionClient.
func (c *client) Steered(s *messages.Steering, step messages.SteerStep) {
	c.note(func() { c.steered = append(c.steered, steering{s.ID, step}) })
}

// Finish implements messages.SessionClient.
func (c *client) Finish() { c.note(func() { c.finished++ }) }

// Break implements messages.SessionClient.
func (c *client) Break() { c.note(func() { c.broken++ }) }

// until waits for something that the session is about to say.
func (c *client) until(what string, is func() bool) {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		c.mu.Lock()
		done := is()
		c.mu.Unlock()
		if done {
			return
		}
		select {
		case <-c.changed:
		case <-deadline:
			c.t.Fatalf("not so: %s", what)
		}
	}
}

// world is a session and its client.
type world struct {
	*client
	tell  func(any)
	count byte
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := newSessions(t)()
	t.Cleanup(func() { w.tell(&messages.EndSession{}) })
	return w
}

// newSessions returns what opens sessions.
func newSessions(t testing.TB) func() *world {
	t.Helper()
	system := actortest.NewSystem(t)
	deps := session.NewDeps(session.NewMetrics(prometheus.NewRegistry()))
	parent := actortest.Spawn(t, system, session.ParentProps(deps, session.Props(deps)))
	t.Cleanup(deps.Wait)
	sessions := session.NewSessions(system.Root, []*actor.PID{parent})
	return func() *world {
		c := &client{t: t, served: make(chan *turn, 64), changed: make(chan struct{}, 1)}
		m := &messages.OpenSession{Client: c, Reply: make(chan messages.SessionOpened, 1)}
		sessions.Open(m)
		opened := <-m.Reply
		return &world{client: c, tell: opened.Tell}
	}
}

// id names a turn of a test.
func (w *world) id() messages.TurnID {
	w.count++
	return messages.TurnID{1, w.count}
}

// create asks for a response.
func (w *world) create(lane string, change ...func(*messages.LaneTurn)) *messages.LaneTurn {
	t := &messages.LaneTurn{Lane: messages.Lane{Name: lane}, Spec: &messages.TurnSpec{ID: w.id(), Model: "demo"}}
	for _, f := range change {
		f(t)
	}
	w.tell(t)
	return t
}

func after(id messages.TurnID) func(*messages.LaneTurn) {
	return func(t *messages.LaneTurn) { t.Previous = openai.ResponseID(id) }
}

// begun returns the next turn that is served.
func (w *world) begun() *turn {
	w.t.Helper()
	select {
	case one := <-w.served:
		return one
	case <-time.After(patience):
		w.t.Fatal("no turn has begun")
		return nil
	}
}

// complete ends a turn well, leaves something to go on from, and returns when its
// client has seen it. The session need not have heard of it by then.
func (one *turn) complete() {
	one.end <- messages.LaneOutcome{
		Status:     messages.TurnComplete,
		Remembered: &messages.Remembered{ID: one.Spec.ID, Items: []messages.Item{messages.TextMessage(messages.RoleUser, fmt.Sprint(one.Spec.ID))}},
	}
	<-one.shown
}

// limited counts the refusals by a limit. The mutex is held.
func (w *world) limited() (n int) {
	for _, r := range w.refused {
		if messages.CodeOf(r.err) == messages.CodeStreamLimit {
			n++
		}
	}
	return n
}

// settled waits until the session has heard that nothing runs on a lane, which it
// says of cancels. It refuses one or more of them.
func (w *world) settled(lane string) {
	w.t.Helper()
	w.mu.Lock()
	refused := len(w.refused)
	w.mu.Unlock()
	w.until("nothing runs on the lane", func() bool {
		if len(w.refused) == refused {
			w.tell(&messages.CancelLane{Lane: messages.Lane{Name: lane}})
			select {
			case w.changed <- struct{}{}: // look again
			default:
			}
		}
		return len(w.refused) > refused
	})
}
