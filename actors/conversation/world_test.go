package conversation_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"example.com/parley/actors/conversation"
	"example.com/parley/messages"
	"example.com/parley/messages/parking"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is conversations with everything around them played by the test. It
// belongs into a synctest bubble: nothing in it sleeps for real.
type world struct {
	t       *testing.T
	deps    *conversation.Deps
	journal *journal
	ledger  *ledger
	models  *models
	system  *actor.ActorSystem
	ready   chan *messages.ReadyToStop
	forward chan *messages.StartTurn
	serial  byte
}

var testRef = messages.ConversationRef{Tenant: "acme", Conversation: "conv_1"}

func newWorld(t *testing.T, script ...step) *world {
	t.Helper()
	w := &world{
		t: t, journal: newJournal(), ledger: &ledger{}, models: &models{script: script},
		ready: make(chan *messages.ReadyToStop, 64), forward: make(chan *messages.StartTurn, 8),
	}
	w.deps = &conversation.Deps{
		Config: conversation.DefaultConfig(), Stream: conversation.DefaultStreamConfig(),
		Journal: w.journal, Ledger: w.ledger, Models: w.models, Prices: centPerToken{},
		Metrics: conversation.NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler),
		Forward: func(m *messages.StartTurn) { w.forward <- m },
	}
	w.system = actor.NewActorSystem(actor.WithDeadLetterThrottleCount(0),
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
	t.Cleanup(func() {
		w.deps.Workers.Wait()
		w.deps.Workers.Close()
		w.system.Shutdown()
	})
	return w
}

// conversation spawns testRef's actor under a parent that plays its shard.
func (w *world) conversation() *actor.PID {
	w.t.Helper()
	child := make(chan *actor.PID, 1)
	parent := w.system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case *actor.Started:
			child <- ctx.Spawn(conversation.Props(w.deps))
		case *messages.ReadyToStop:
			w.ready <- m
		}
	}))
	w.t.Cleanup(func() { _ = w.system.Root.StopFuture(parent).Wait() })
	return <-child
}

// turn returns a turn of one question in testRef, with a name of its own.
func (w *world) turn(question string) *messages.StartTurn {
	w.serial++
	return messages.NewStartTurn(context.Background(), messages.TurnSpec{
		ID: messages.TurnID{15: w.serial}, Tenant: testRef.Tenant, Key: "k1", Endpoint: "/v1/test",
		Conversation: testRef.Conversation, Keep: true, Model: "model",
		Input:  []messages.Item{messages.TextMessage(messages.RoleUser, question)},
		Stream: true, Deadline: time.Now().Add(time.Minute),
	})
}

// stateless returns a turn that is kept nowhere.
func (w *world) stateless(question string) *messages.StartTurn {
	m := w.turn(question)
	m.Spec.Keep, m.Spec.Conversation = false, ""
	return m
}

// pool returns a pool of one.
func (w *world) pool() *conversation.Pool {
	pid := w.system.Root.Spawn(conversation.PoolProps(w.deps))
	w.t.Cleanup(func() { _ = w.system.Root.StopFuture(pid).Wait() })
	return conversation.NewPool(w.system.Root, []*actor.PID{pid})
}

// reply is what a client saw of a turn.
type reply struct {
	text   string
	served messages.Served
	end    messages.TurnOutcome
	chunks int
}

// read takes the stream to its end.
func read(m *messages.StartTurn) (r reply) {
	for c := range m.Chunks {
		r.chunks++
		switch c.Kind {
		case messages.ChunkOpened:
			r.served = *c.Served
		case messages.ChunkText:
			r.text += c.Text
		case messages.ChunkEnd:
			r.end = *c.End
		}
	}
	return r
}

// step is one thing that a scripted model does in a reply.
type step struct {
	chunk messages.Chunk
	err   error
	pause time.Duration
	panic bool
	hang  bool // until the call is cancelled
}

func say(text string) step { return step{chunk: messages.Chunk{Kind: messages.ChunkText, Text: text}} }

func stopped() step {
	return step{chunk: messages.Chunk{Kind: messages.ChunkFinish, Finish: messages.FinishStop}}
}

func used(input, output int) step {
	return step{chunk: messages.Chunk{Kind: messages.ChunkUsage, Usage: &messages.Usage{Input: input, Output: output}}}
}

func hello() []step { return []step{say("Hel"), say("lo"), stopped(), used(3, 2)} }

// errPanic is what a provider fails with that panics.
var errPanic = errors.New("a dialect's fault")

// models plays the script for every call, and remembers what it was asked.
type models struct {
	mu      sync.Mutex
	script  []step
	targets []messages.Target
	open    map[string]error         // by provider: refuses to answer
	heals   map[string]int           // by provider: after so many refusals it answers
	late    map[string]time.Duration // by provider: before it answers
	scripts map[string][]step        // by provider, instead of script
	calls   []messages.Call
	running int

	unparked bool // turns wait for them in goroutines of their own
}

// Permit allows what the request's allowance does, by the names as they are.
func (m *models) Permit(want messages.Routing) error {
	if !want.Allowed.Model(want.Model) {
		return &messages.Failure{Code: messages.CodePermission, What: "not for this key", NoRetry: true}
	}
	return nil
}

func (m *models) Route(want messages.Routing) ([]messages.Target, error) {
	if want.Model == "absent" {
		return nil, &messages.Failure{Code: messages.CodeModelNotFound, What: "no such model"}
	}
	if m.targets != nil {
		return m.targets, nil
	}
	return []messages.Target{{Provider: "p1", Model: "m1"}}, nil
}

func (m *models) Open(ctx context.Context, target messages.Target, call *messages.Call) (conversation.Answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, *call)
	if late := m.late[target.Provider]; late > 0 {
		m.mu.Unlock()
		select {
		case <-time.After(late):
		case <-ctx.Done():
		}
		m.mu.Lock()
		if ctx.Err() != nil {
			return nil, &messages.Failure{Code: messages.CodeCancelled}
		}
	}
	if err := m.open[target.Provider]; err != nil {
		if errors.Is(err, errPanic) {
			panic(err)
		}
		if left, known := m.heals[target.Provider]; known {
			if m.heals[target.Provider] = left - 1; left == 1 {
				delete(m.open, target.Provider)
			}
		}
		return nil, err
	}
	script := m.script
	if own, has := m.scripts[target.Provider]; has {
		script = own
	}
	m.running++
	opened := step{chunk: messages.Chunk{Kind: messages.ChunkOpened, Served: &messages.Served{Provider: target.Provider, Model: target.Model}}}
	return &answer{ctx: ctx, models: m, left: append([]step{opened}, script...)}, nil
}

// count is how many calls were made.
func (m *models) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.calls)
}

// asked is the text of what the call with the given number was sent.
func (m *models) asked(call int) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	texts := make([]string, 0, len(m.calls[call].Items))
	for i := range m.calls[call].Items {
		texts = append(texts, string(m.calls[call].Items[i].Role)+": "+m.calls[call].Items[i].Text())
	}
	return strings.Join(texts, " | ")
}

type answer struct {
	ctx    context.Context
	models *models
	left   []step
	parked bool
}

// parkFrom is how long a model may pause before the turn is parked.
const parkFrom = 100 * time.Millisecond

// Await implements conversation.Awaited. As a rule a turn is parked in long pauses.
func (a *answer) Await(w parking.Waiter) bool {
	if a.parked || len(a.left) == 0 || a.models.unparked {
		a.parked = false
		return false
	}
	next := &a.left[0]
	if next.hang {
		next.pause = time.Hour
	}
	if next.pause < parkFrom {
		return false
	}
	var resume sync.Once
	resumed := func() { resume.Do(w.Resume) }
	over := time.AfterFunc(next.pause, resumed)
	a.parked, next.pause, next.hang = true, 0, false
	context.AfterFunc(a.ctx, func() {
		over.Stop()
		resumed()
	})
	return true
}

func (a *answer) Next() (messages.Chunk, error) {
	if len(a.left) == 0 {
		return messages.Chunk{}, io.EOF
	}
	next := a.left[0]
	a.left = a.left[1:]
	if next.hang {
		next.pause = time.Hour
	}
	select {
	case <-time.After(next.pause):
	case <-a.ctx.Done():
	}
	if err := a.ctx.Err(); err != nil {
		return messages.Chunk{}, err
	}
	if next.panic {
		panic("a parser's fault")
	}
	return next.chunk, next.err
}

func (a *answer) Close() error {
	a.models.mu.Lock()
	defer a.models.mu.Unlock()
	a.models.running--
	return nil
}

type centPerToken struct{}

func (centPerToken) Charge(_ messages.Target, u messages.Usage, began time.Time) messages.Charge {
	return messages.Charge{Cost: messages.NanoDollars(u.Total()) * 1e7, Known: true, Price: "cent@" + began.UTC().Format(time.DateOnly)}
}

// ledger is one in memory.
type ledger struct {
	mu       sync.Mutex
	reserved map[string]int
	rows     []messages.UsageRow
}

func attemptName(tenant messages.TenantID, request messages.TurnID, attempt int) string {
	return fmt.Sprint(tenant, request, attempt)
}

func (l *ledger) Reserve(_ context.Context, r messages.Reservation) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reserved == nil {
		l.reserved = make(map[string]int)
	}
	l.reserved[attemptName(r.Row.Tenant, r.Row.Request, r.Row.Attempt)]++
	return nil
}

func (l *ledger) Settle(_ context.Context, row messages.UsageRow) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.reserved, attemptName(row.Tenant, row.Request, row.Attempt))
	l.rows = append(l.rows, row)
	return nil
}

func (l *ledger) Ended(*messages.UsageRow) {}

func (l *ledger) Release(row *messages.UsageRow) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.reserved, attemptName(row.Tenant, row.Request, row.Attempt))
}
