package conversation_test

import (
	"bytes"
	"context"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/actors/conversation"
	"example.com/parley/messages"
)

// slowly is a reply whose tokens are far apart.
func slowly() []step {
	script := hello()
	for i := range script {
		script[i].pause = time.Second
	}
	return script
}

// carrying is how many goroutines carry a turn out.
func carrying() int {
	stacks := make([]byte, 1<<20)
	return bytes.Count(stacks[:runtime.Stack(stacks, true)], []byte("conversation.(*turn)."))
}

func TestATurnThatIsParkedHasNoGoroutine(t *testing.T) { //nolint:paralleltest // those of others would be counted
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, slowly()...)
		pool := w.pool()
		turns := make([]*messages.StartTurn, 10)
		for i := range turns {
			turns[i] = w.stateless("hi")
			pool.Send(turns[i])
		}
		for range slowly() {
			synctest.Wait()
			if n := carrying(); n != 0 {
				t.Errorf("%d goroutines wait", n)
			}
			time.Sleep(time.Second)
		}
		for _, m := range turns {
			if r := read(m); r.text != "Hello" || r.end.Status != messages.TurnComplete {
				t.Errorf("it becomes %q, %s, %v", r.text, r.end.Status, r.end.Err)
			}
		}
	})
}

// ending is how a turn comes to its end before its time.
type ending struct {
	script []step
	end    func(leave, stop func()) // its client leaves, its actor stops
}

// ended is what became of it.
type ended struct {
	status messages.TurnStatus
	reason string
	code   messages.Code
	stored string
	billed string
}

// outcome carries a turn out, and makes sure that nothing is left of it.
func (e ending) outcome(t *testing.T, kept, unparked bool) ended {
	t.Helper()
	w := newWorld(t, e.script...)
	w.journal.exists, w.models.unparked = true, unparked
	w.deps.Config.GoneGrace = 30 * time.Second // before the deadline
	m, stop := w.turn("hi"), func() {}
	var pid *actor.PID
	if kept {
		pid = w.conversation()
	} else {
		m.Spec.Keep, m.Spec.Conversation = false, ""
		pid = w.system.Root.Spawn(conversation.PoolProps(w.deps))
		stop = sync.OnceFunc(func() { _ = w.system.Root.StopFuture(pid).Wait() })
	}
	defer stop()
	client, leave := context.WithCancel(context.Background())
	defer leave()
	m.Client = client
	w.system.Root.Send(pid, m)
	synctest.Wait()
	e.end(leave, stop)
	r := read(m)
	w.deps.Workers.Wait()
	if w.models.running != 0 {
		t.Error("its call is still open")
	}
	billed := ""
	for i := range w.ledger.rows {
		billed += string(w.ledger.rows[i].Status) + " "
	}
	return ended{r.end.Status, r.end.Reason, messages.CodeOf(r.end.Err), w.journal.text(), billed}
}

// However a turn ends that is parked, and whether it is kept or not, it ends like one
// that is not.
func TestATurnThatIsParkedEndsAsAnyOther(t *testing.T) {
	t.Parallel()
	hangs := []step{say("Hel"), {hang: true}}
	later := func(_, _ func()) { time.Sleep(time.Second) }
	broken := &messages.Failure{Code: messages.CodeProviderFailed, NoRetry: true}
	for name, e := range map[string]ending{
		"at its deadline":           {hangs, func(_, _ func()) { time.Sleep(time.Minute) }},
		"its client leaves":         {hangs, func(leave, _ func()) { leave() }},
		"its actor stops":           {hangs, func(_, stop func()) { stop() }}, // of one that is not kept
		"the model's parser panics": {[]step{say("Hel"), {pause: time.Second, panic: true}}, later},
		"the model breaks off":      {[]step{say("Hel"), {pause: time.Second, err: broken}}, later},
		"the model never begins":    {[]step{{pause: time.Second, err: broken}}, later},
	} {
		for _, kept := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				var parked, waiting ended
				synctest.Test(t, func(t *testing.T) { parked = e.outcome(t, kept, false) })
				synctest.Test(t, func(t *testing.T) { waiting = e.outcome(t, kept, true) })
				if parked != waiting || parked.status == "" || parked.status == messages.TurnComplete {
					t.Errorf("it ends as %+v, and else as %+v", parked, waiting)
				}
			})
		}
	}
}

// Whoever stops the server waits for turns that are parked like for any other.
func TestWorkersWaitForWhatIsParked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, slowly()...)
		m := w.stateless("hi")
		w.pool().Send(m)
		synctest.Wait()
		began := time.Now()
		w.deps.Workers.Wait()
		if waited := time.Since(began); waited != 4*time.Second {
			t.Errorf("they waited %s", waited)
		}
		if r := read(m); r.text != "Hello" {
			t.Errorf("it became %q", r.text)
		}
	})
}
