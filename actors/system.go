package actors

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors/admission"
	"example.com/parley/actors/conversation"
	"example.com/parley/actors/session"
	"example.com/parley/actors/shard"
	"example.com/parley/messages"
)

// Deps is what the tree stands on.
type Deps struct {
	Parts      []Part // spawned first, in order
	Journal    conversation.Journal
	Ledger     conversation.Ledger
	Models     conversation.Models
	Cache      conversation.Cache // nil where nothing is looked up
	Prices     conversation.Prices
	Limits     Limits             // nil where nobody is limited
	Capacity   admission.Capacity // of the providers; nil where they have no limits
	Elsewhere  Elsewhere          // nil on a node that is alone
	Processors float64            // whose time a container allows; 0 where none bounds it
	Registerer prometheus.Registerer
	Log        *slog.Logger // of failures; given ids and causes, never content
}

// System is the running tree. Its methods are safe for concurrent use.
type System struct {
	system *actor.ActorSystem
	root   *actor.PID
	health *health
	drill  bool // parts and conversations have failpoints
	limits Limits
	others Elsewhere // nil on a node that is alone
	doors  *doors    // likewise
	gate   *admission.Gate
	pool   *conversation.Pool
	shards [messages.Shards]*actor.PID
	deps   *conversation.Deps
	opener *session.Sessions
	lanes  *session.Deps
	swept  chan struct{} // closed when the sweeper has ended
	seen   chan struct{} // closed when the gate observes no more
	stop   context.CancelFunc
}

// spawnPatience bounds the making of one actor at the start.
const spawnPatience = 5 * time.Second

// Start spawns the tree from the leaves up. Drain ends it.
func Start(cfg Config, deps Deps) (*System, error) {
	s := &System{
		system: actor.NewActorSystem(
			actor.WithDeadLetterThrottleCount(0), // a dead letter would be logged with its content
			actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		),
		health: newHealth(deps.Registerer), drill: cfg.Drill, limits: deps.Limits, others: deps.Elsewhere, doors: newDoors(deps.Elsewhere),
		swept: make(chan struct{}), seen: make(chan struct{}),
	}
	s.system.EventStream.Subscribe(declineDeadLetter)
	s.root = s.system.Root.Spawn(actor.PropsFromProducer(
		func() actor.Actor { return &tree{health: s.health, parts: make(map[string]*actor.PID)} }, actor.WithSupervisor(s.health.supervision())))
	s.deps = &conversation.Deps{
		Config: cfg.Conversation, Stream: cfg.Stream,
		Journal: deps.Journal, Ledger: deps.Ledger, Models: deps.Models, Cache: deps.Cache, Prices: deps.Prices,
		Metrics: conversation.NewMetrics(deps.Registerer), Log: deps.Log, Forward: s.deliver,
	}
	if s.others != nil {
		s.deps.ShardEpoch, s.deps.Doubt = s.doors.epoch, s.others.Doubt
	}
	if err := s.spawnAll(cfg, deps); err != nil {
		s.system.Shutdown()
		return nil, fmt.Errorf("start the actors: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go s.sweep(ctx, cfg.Shard.IdleAfter)
	go func() { // ends with ctx
		defer close(s.seen)
		s.gate.Observe(ctx, s.deps.Passed.Load, deps.Processors)
	}()
	return s, nil
}

func (s *System) spawnAll(cfg Config, deps Deps) error {
	for _, part := range deps.Parts {
		if _, err := s.spawn(part); err != nil {
			return err
		}
	}
	if err := s.spawnGate(cfg.Admission, deps); err != nil {
		return err
	}
	if err := s.spawnPool(deps.Registerer); err != nil {
		return err
	}
	if err := s.spawnShards(cfg.Shard, deps.Registerer); err != nil {
		return err
	}
	return s.spawnSessions(deps.Registerer)
}

func (s *System) spawnGate(cfg admission.Config, deps Deps) error {
	s.gate = admission.NewGate(cfg, deps.Capacity, s.deliver)
	registerer := deps.Registerer
	admission.Register(registerer, s.gate)
	pid, err := s.spawn(Part{Name: "admission", Props: newMailbox(registerer, "admission").of(s.gate.Props())})
	if err != nil {
		return err
	}
	s.gate.Attach(s.system.Root, pid)
	return nil
}

func (s *System) spawnPool(registerer prometheus.Registerer) error {
	waiting := newMailbox(registerer, "turns")
	members := make([]*actor.PID, conversation.PoolSize)
	for i := range members {
		pid, err := s.spawn(Part{Name: "turns-" + strconv.Itoa(i), Props: waiting.of(hearAtOnce(conversation.PoolProps(s.deps)))})
		if err != nil {
			return err
		}
		members[i] = pid
	}
	s.pool = conversation.NewPool(s.system.Root, members)
	return nil
}

func (s *System) spawnShards(cfg shard.Config, registerer prometheus.Registerer) error {
	metrics, waiting := shard.NewMetrics(registerer), newMailbox(registerer, "shard")
	child := answering(hearAtOnce(drilled[*faultIn](s.drill, conversation.Props(s.deps))))
	for i := range s.shards {
		pid, err := s.spawn(Part{Name: "shard-" + strconv.Itoa(i), Props: waiting.of(hearAtOnce(shard.Props(cfg, child, metrics, s.health.supervision(), s.doors.of(i))))})
		if err != nil {
			return err
		}
		s.shards[i] = pid
	}
	return nil
}

func (s *System) spawnSessions(registerer prometheus.Registerer) error {
	s.lanes = session.NewDeps(session.NewMetrics(registerer))
	child := newMailbox(registerer, "session").of(session.Props(s.lanes))
	parents := make([]*actor.PID, session.ParentCount)
	for i := range parents {
		pid, err := s.spawn(Part{Name: "sessions-" + strconv.Itoa(i), Props: session.ParentProps(s.lanes, child)})
		if err != nil {
			return err
		}
		parents[i] = pid
	}
	s.opener = session.NewSessions(s.system.Root, parents)
	return nil
}

func (s *System) spawn(part Part) (*actor.PID, error) {
	reply := make(chan spawned, 1)
	part.Props = drilled[*fault](s.drill, part.Props)
	s.system.Root.Send(s.root, &spawn{part: part, reply: reply})
	select {
	case answer := <-reply:
		if answer.err != nil {
			return nil, fmt.Errorf("spawn %s: %w", part.Name, answer.err)
		}
		return answer.pid, nil
	case <-time.After(spawnPatience):
		return nil, fmt.Errorf("spawn %s: no answer within %s", part.Name, spawnPatience)
	}
}

// Add spawns a part beside those that the system was started with.
func (s *System) Add(part Part) error {
	_, err := s.spawn(part)
	return err
}

// Retire stops a part for good. What was sent to it and not heard is lost.
func (s *System) Retire(name string) { s.system.Root.Send(s.root, &retire{name: name}) }

// Ready returns nil, or what keeps the actors from working.
func (s *System) Ready() error { return s.health.ready() }

// Drain refuses new turns, waits for the running ones until ctx ends, and stops
// the tree from the root down, which cuts what remains. What was cut is stored
// as partial before Drain returns.
func (s *System) Drain(ctx context.Context) {
	s.gate.Close()
	s.stop()
	<-s.swept
	<-s.seen
	s.wait(ctx)
	s.deps.Leaving.Store(true)
	_ = s.system.Root.StopFuture(s.root).Wait() // its own time-out is the only error
	cut, release := context.WithTimeout(context.WithoutCancel(ctx), drainPatience)
	defer release()
	s.wait(cut)
	s.lanes.Wait() // their contexts have ended, and they wait for nothing else
	s.deps.Workers.Close()
	s.system.Shutdown()
}

// drainPatience is how long turns that were cut may take to be stored.
const drainPatience = 15 * time.Second

// wait returns when no turn's goroutine runs, or when ctx ends.
func (s *System) wait(ctx context.Context) {
	idle := make(chan struct{})
	go func() { // ends with the last turn, each of which has a deadline
		s.deps.Workers.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-ctx.Done():
	}
}

// sweepsPerIdle is how often idle conversations are looked for within the time
// after which they count as idle.
const sweepsPerIdle = 4

// sweep lets the shards look for idle conversations, from one ticker.
func (s *System) sweep(ctx context.Context, idleAfter time.Duration) {
	defer close(s.swept)
	ticker := time.NewTicker(idleAfter / sweepsPerIdle)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			for _, pid := range s.shards {
				s.system.Root.Send(pid, &shard.Sweep{Now: now})
			}
		case <-ctx.Done():
			return
		}
	}
}
