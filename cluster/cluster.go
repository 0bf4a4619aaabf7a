package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
	"example.com/parley/messages/remote"
)

// Registry is where the nodes meet: what it says is true for all of them. Its
// methods are safe for concurrent use. persistence/postgres implements it.
type Registry interface {
	// Join makes m a member, with a lease of ttl.
	Join(ctx context.Context, m messages.Member, ttl time.Duration) error
	// Renew extends the member's lease, removes those whose leases have run out,
	// and returns the rest. It fails with [messages.ErrRemoved] for one that is no
	// member any more. Where it fails behind having extended the lease, it returns
	// the members as well.
	Renew(ctx context.Context, id messages.MemberID, ttl time.Duration) ([]messages.Member, error)
	// Retire says that the member takes no more shards.
	Retire(ctx context.Context, id messages.MemberID) error
	// Leave ends the membership.
	Leave(ctx context.Context, id messages.MemberID) error
	// AwaitChanges calls changed when what Topology returns may have changed, until
	// ctx ends or it cannot tell any longer.
	AwaitChanges(ctx context.Context, changed func()) error
	// Topology returns the members, and all placements in the order of the shards.
	Topology(ctx context.Context) ([]messages.Member, []messages.Placement, error)
	// TakeShards makes the member the owner of shards that no member owns, and
	// returns those that it got. One that is not as seen any more is left out.
	TakeShards(ctx context.Context, id messages.MemberID, seen []messages.Placement) ([]messages.Placement, error)
	// GiveShards makes another member the owner of the member's own, likewise.
	GiveShards(ctx context.Context, from, to messages.MemberID, seen []messages.Placement) ([]messages.Placement, error)
	// RecoverShards ends the turns that earlier owners of shards left running.
	RecoverShards(ctx context.Context, owned func(messages.Shard) (messages.ShardEpoch, bool)) (int, error)
	// UnfinishedTurns are those that RecoverShards leaves running, since the next owner
	// of their shards is to take them up.
	UnfinishedTurns(ctx context.Context, owned func(messages.Shard) bool) ([]messages.UnfinishedTurn, error)
}

// Local is the actors of this node. Its methods never block. actors.System
// implements it.
type Local interface {
	// OpenShard has the shard take requests, under the epoch that this node owns it by.
	OpenShard(s messages.Shard, epoch messages.ShardEpoch)
	// CloseShard has it take no more. It answers on the message's Reply.
	CloseShard(s messages.Shard, m *messages.CloseShard)
	// Here brings a request to its conversation, whose shard is open. Where it was
	// closed meanwhile the request comes back to [Cluster.Return].
	Here(m messages.Addressed)
}

// Deps is what a node stands on.
type Deps struct {
	Self       messages.MemberID
	Version    string // of this binary
	Registry   Registry
	Registerer prometheus.Registerer
	Log        *slog.Logger // given ids and causes, never content
}

// Cluster is this node among the others. Its methods are safe for concurrent use.
type Cluster struct {
	cfg  Config
	deps Deps

	wire    *wire
	system  *actor.ActorSystem // of the relay alone
	relay   *actor.PID
	member  atomic.Bool // requests may be carried
	lease   *lease
	keeper  *keeper
	table   atomic.Pointer[topology] // never nil
	held    held
	metrics *metrics

	pumps   sync.WaitGroup // goroutines of requests that are on their way
	closed  chan struct{}  // nobody answers any more
	closing sync.Once
}

// NewMemberID names this process. No other ever has the same name.
func NewMemberID() messages.MemberID { return messages.MemberID("node_" + randomHex()) }

// Open listens for the other nodes, and joins nothing yet. Run does, and Close lets
// go of the address.
func Open(cfg Config, deps Deps) (*Cluster, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	wire, err := listen(cfg, deps.Self)
	if err != nil {
		return nil, fmt.Errorf("listen for other nodes: %w", err)
	}
	c := &Cluster{cfg: cfg, deps: deps, wire: wire, system: silentSystem(), closed: make(chan struct{})}
	c.table.Store(&topology{})
	c.metrics = newMetrics(deps.Registerer, c)
	c.relay = c.system.NewLocalPID(relayName)
	c.lease = &lease{
		registry: deps.Registry, self: deps.Self, ttl: cfg.Lease, beat: cfg.Heartbeat, log: deps.Log,
	}
	c.keeper = newKeeper(c)
	c.lease.renewed = c.keeper.lookSoon
	return c, nil
}

// relayName is that of the relay in its system.
const relayName = "relay"

// silentSystem logs nothing: a dead letter would be logged with its content.
func silentSystem() *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithDeadLetterThrottleCount(0), actor.WithDeadLetterThrottleInterval(time.Millisecond),
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
	)
}

// Close stops listening. Requests that are on their way fail.
func (c *Cluster) Close() {
	c.closing.Do(func() {
		c.member.Store(false)
		_ = c.system.Root.StopFuture(c.relay).Wait() // its own time-out is the only error
		close(c.closed)
		c.pumps.Wait()
		c.wire.close()
		c.system.Shutdown()
	})
}

// Run makes this node a member, until ctx ends: then it gives its shards away, and
// leaves. It fails with [messages.ErrRemoved] once others have removed it.
func (c *Cluster) Run(ctx context.Context, local Local) error {
	if err := c.begin(ctx, local); err != nil {
		return err
	}
	defer c.end()
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	removed := make(chan error, 1)
	var parts sync.WaitGroup
	defer parts.Wait()
	defer stop()
	parts.Go(func() { removed <- c.lease.keep(working) })
	parts.Go(func() { c.listenForChanges(working) })
	parts.Go(func() { c.keeper.run(working) })
	parts.Go(func() { c.tick(working) })
	select {
	case err := <-removed:
		stop()
		<-c.keeper.ended
		c.keeper.abandon()
		return err
	case <-ctx.Done():
	}
	c.keeper.giveAll(context.WithoutCancel(ctx))
	return c.leave(context.WithoutCancel(ctx))
}

// begin joins, and lets requests in.
func (c *Cluster) begin(ctx context.Context, local Local) error {
	c.keeper.local = local
	if _, err := c.system.Root.SpawnNamed(newRelay(c, local), relayName); err != nil {
		return fmt.Errorf("start the relay: %w", err)
	}
	c.wire.open(linkEvents{
		heard: func(from *link, frame *remote.Frame) { c.tell(&heard{from: from, frame: frame}) },
		ended: func(l *link) { c.tell(&linkEnded{link: l}) },
	})
	c.member.Store(true)
	self := messages.Member{ID: c.deps.Self, Address: c.wire.address, Version: c.deps.Version}
	if err := c.lease.join(ctx, self); err != nil {
		return fmt.Errorf("join the cluster: %w", err)
	}
	c.deps.Log.Info("joined the cluster", slog.String("member", string(self.ID)), slog.String("address", self.Address))
	return nil
}

// end declines what waits, and what comes. Nobody looks after it any more.
func (c *Cluster) end() {
	c.member.Store(false)
	c.tell(&memberNoMore{})
}

// leavePatience bounds the last word to the database.
const leavePatience = 3 * time.Second

func (c *Cluster) leave(ctx context.Context) error {
	ctx, release := context.WithTimeout(ctx, leavePatience)
	defer release()
	if err := c.deps.Registry.Leave(ctx, c.deps.Self); err != nil {
		c.deps.Log.Warn("this node could not say that it leaves; the others find out when its lease runs out", slog.Any("error", err))
	}
	return nil
}

// reconnectPause is how long to wait before changes are listened for again. Until
// then every heartbeat looks for them.
const reconnectPause = time.Second

func (c *Cluster) listenForChanges(ctx context.Context) {
	for {
		err := c.deps.Registry.AwaitChanges(ctx, c.keeper.look)
		if ctx.Err() != nil {
			return
		}
		c.deps.Log.Warn("changes of the cluster are not told any more", slog.Any("error", err))
		select {
		case <-ctx.Done():
			return
		case <-time.After(reconnectPause):
		}
	}
}

// Retire has this node give its shards away, as they come to rest, and take no
// more. Those that are at work are left alone for as long as patience, also where Run
// is to end sooner. It never waits.
func (c *Cluster) Retire(patience time.Duration) {
	c.keeper.patience.Store(time.Now().Add(patience).UnixNano())
	c.keeper.retiring.Store(true)
	c.keeper.look()
}

// Ready returns nil while this node is a member, by all that it knows.
func (c *Cluster) Ready() error {
	if c.lease.runs() {
		return nil
	}
	return &messages.Failure{
		Code: messages.CodeStoreUnavailable, What: "this node is no member of the cluster, or cannot renew its membership: the database is out of reach",
		Do: "wait until the database is back", RetryAfter: time.Second,
	}
}

// Epoch is under which this node owns a shard; 0 where it does not.
func (c *Cluster) Epoch(s messages.Shard) messages.ShardEpoch { return c.held.epoch(s) }

// Carry takes a request for a conversation whose shard is not open here, and brings
// it to where it is. It returns false for all others.
func (c *Cluster) Carry(m messages.Addressed) bool {
	if c.held.epoch(messages.ShardOf(m.To())) > 0 {
		return false
	}
	c.Return(m)
	return true
}

// Return takes a request that a shard did not want, since it has closed.
func (c *Cluster) Return(m messages.Addressed) {
	if turn, is := m.(*messages.StartTurn); !c.member.Load() || is && turn.Spec.Handover != nil && turn.Spec.Handover.Stored {
		messages.Decline(m, notYet()) // the next owner of its shard finds for itself what is left there
		return
	}
	c.tell(&outgoing{m: m, since: time.Now()})
}

// Doubt says that the store refused a write to a conversation, since another owner
// may have its shard.
func (c *Cluster) Doubt(messages.ConversationRef) {
	c.metrics.stale.Inc()
	c.keeper.look()
}

func notYet() error {
	return &messages.Failure{
		Code: messages.CodeShuttingDown, What: "this node has not joined the cluster", Do: "send the request again", RetryAfter: time.Second,
	}
}
