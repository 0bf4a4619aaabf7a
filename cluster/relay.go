package cluster

import (
	"context"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
	"example.com/parley/messages/remote"
)

// relay is the actor through which the nodes speak. It decides and counts; chunks
// are moved by a goroutine a stream.
type relay struct {
	cluster *Cluster
	local   Local

	next    uint64           // the next call's number
	calls   map[uint64]*call // requests that others carry out for this node
	served  map[asker]*served
	waiting []*outgoing           // for somebody to own their shards
	watched map[string]*colleague // relays of others, by address and name
	pulses  pulses
}

// outgoing is a request that is to be brought to its conversation.
type outgoing struct {
	m     messages.Addressed
	since time.Time
	tried bool // another node may have begun it
	// handed is a turn that an earlier owner had, for a pump that sees to it should the
	// next one go down as well.
	handed bool
}

// What the relay is told from within this node.
type (
	topologyChanged struct{}
	tick            struct{ now time.Time }
	callEnded       struct{ call uint64 } // nobody reads it any more
	callLeft        struct{ call uint64 } // its client has gone
	servedEnded     struct{ from asker }
	memberNoMore    struct{} // of the cluster: everything ends
)

// newRelay starts where no earlier process at this address can have been.
func newRelay(c *Cluster, local Local) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor {
		return &relay{
			cluster: c, local: local, next: uint64(time.Now().UnixNano()), // #nosec G115 -- after 1970
			calls: make(map[uint64]*call), served: make(map[asker]*served), watched: make(map[string]*colleague),
		}
	}, append(c.relayProps, actor.WithDispatcher(c.runner))...)
}

// Receive implements actor.Actor.
func (r *relay) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *outgoing:
		r.route(ctx, m)
	case *topologyChanged:
		r.forgetRemoved()
		r.routeWaiting(ctx)
	case *tick:
		r.routeWaiting(ctx)
		r.expire(m.now)
		r.feelPulse(m.now)
	case *remote.Ask:
		r.serve(ctx, m)
	case *remote.Answer:
		r.take(ctx, m)
	case *remote.Batch:
		r.feed(ctx, m)
	case *remote.Credit:
		r.credit(ctx, m)
	case *remote.Gone:
		r.dismiss(ctx, m)
	case *remote.Pulse:
		r.cluster.say(ctx.Sender(), r.progressOf(ctx.Sender(), m))
	case *remote.Progress:
		r.compare(ctx.Sender(), m)
	case *callLeft:
		r.leave(m.call)
	case *callEnded:
		delete(r.calls, m.call)
	case *servedEnded:
		delete(r.served, m.from)
	case *actor.Terminated:
		r.lose(m.Who)
	case *memberNoMore, *actor.Stopping, *actor.Restarting:
		r.abandon()
	}
}

const (
	// routePatience is how long a request waits for its shard's next owner: the
	// lease of the last one, and what it takes to take over.
	routePatience = 5 * time.Second
	// handedPatience is how long a turn waits for it that an earlier owner had: its
	// client has read some of it, and nobody but this cluster can go on.
	handedPatience = 15 * time.Second
	// maxWaiting bounds those that wait.
	maxWaiting = 4096
)

// route brings a request to the node that owns its shard, which may be this one.
func (r *relay) route(ctx actor.Context, m *outgoing) {
	shard := messages.ShardOf(m.m.To())
	o := r.cluster.table.Load().owners[shard]
	switch {
	case r.cluster.held.epoch(shard) > 0:
		m.expectTraces()
		r.local.Here(m.m)
	case o.member == "" || o.member == r.cluster.deps.Self:
		r.await(m)
	default:
		r.ask(ctx, m, o)
	}
}

// await keeps a request until somebody owns its shard.
func (r *relay) await(m *outgoing) {
	if len(r.waiting) == maxWaiting || time.Since(m.since) > m.patience() {
		messages.Decline(m.m, ownerless(m.m.To()))
		return
	}
	r.cluster.metrics.waited.Inc()
	r.waiting = append(r.waiting, m)
}

// patience is how long a request waits for its shard's next owner.
func (m *outgoing) patience() time.Duration {
	if m.handed {
		return handedPatience
	}
	return routePatience
}

// routeWaiting tries again.
func (r *relay) routeWaiting(ctx actor.Context) {
	waiting := r.waiting
	r.waiting = nil
	for _, m := range waiting {
		if turn, is := m.m.(*messages.StartTurn); is && turn.Client != nil && turn.Client.Err() != nil {
			turn.Refuse(clientLeft())
			continue
		}
		r.route(ctx, m)
	}
}

// colleague is the relay of another node.
type colleague struct {
	pid    *actor.PID
	member bool      // was one, as far as this node has read
	since  time.Time // it is watched
}

// strangerPatience is how long a peer may ask that is no member yet. It joins before it
// asks, so whoever reads the table behind that finds it there: a reading that had begun
// before takes tablePatience at most.
const strangerPatience = 10 * time.Second

// isGone tells whether a peer that is not in the table, which was read just now, is to
// be taken for one that does not come back. While the table cannot be read nobody is.
func (p *colleague) isGone() bool { return p.member || time.Since(p.since) > strangerPatience }

// watch has this relay told when a peer's is gone, or cannot be reached.
func (r *relay) watch(ctx actor.Context, peer *actor.PID) {
	if name := peer.String(); r.watched[name] == nil {
		r.watched[name] = &colleague{pid: peer, member: r.cluster.table.Load().has(peer), since: time.Now()}
		ctx.Watch(peer)
	}
}

// forgetRemoved closes the connections to nodes that are no members any more, and
// ends what depends on them. Those that were frozen would be waited for otherwise, and
// a watch that came in the same moment as a connection broke is lost. A node that this
// one has not read of yet has joined a moment ago, and may ask before that; if it is not
// read of for long, it is none.
func (r *relay) forgetRemoved() {
	now := r.cluster.table.Load()
	for name, peer := range r.watched {
		if now.has(peer.pid) {
			peer.member = true
			continue
		}
		if !peer.isGone() {
			continue
		}
		delete(r.watched, name)
		// A node that starts again has the address of the one before.
		if !slices.ContainsFunc(now.members, func(m messages.Member) bool { return m.Address == peer.pid.Address }) {
			r.cluster.remoting.forget(peer.pid.Address)
		}
		r.forsake(name)
	}
	for id, c := range r.calls {
		if !now.has(c.owner) {
			r.fail(id, c)
		}
	}
}

// forsake ends what is carried out for a peer that is gone.
func (r *relay) forsake(peer string) {
	for from, s := range r.served {
		if from.peer == peer {
			s.cancel()
		}
	}
}

// lose ends what depended on a peer that is gone.
func (r *relay) lose(peer *actor.PID) {
	delete(r.watched, peer.String())
	r.failAll(peer)
	r.forsake(peer.String())
	r.cluster.keeper.look()
}

// failAll ends the calls that a node carries out.
func (r *relay) failAll(owner *actor.PID) {
	for id, c := range r.calls {
		if c.owner.Equal(owner) {
			r.fail(id, c)
		}
	}
}

// abandon ends everything, since this node stops.
func (r *relay) abandon() {
	for _, m := range r.waiting {
		messages.Decline(m.m, notYet())
	}
	r.waiting = nil
	for id, c := range r.calls {
		c.since = time.Time{} // it is not tried again
		r.fail(id, c)
	}
	for _, s := range r.served {
		s.cancel()
	}
}

// expire ends calls that nobody answers.
func (r *relay) expire(now time.Time) {
	for id, c := range r.calls {
		if now.After(c.deadline) {
			c.since = time.Time{}
			r.fail(id, c)
		}
	}
}

// tickEvery is how soon what waits is looked at again, should nobody say that
// something has changed.
const tickEvery = 100 * time.Millisecond

func (c *Cluster) tick(ctx context.Context) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			c.remoting.root().Send(c.relay, &tick{now: now})
		case <-ctx.Done():
			return
		}
	}
}

// publish shows everybody on this node who owns what.
func (c *Cluster) publish(t *topology) {
	c.table.Store(t)
	c.remoting.root().Send(c.relay, &topologyChanged{})
}

func ownerless(ref messages.ConversationRef) error {
	return &messages.Failure{
		Code: messages.CodeStaleEpoch, What: "conversation " + string(ref.Conversation) + " is between two nodes of the cluster, and no node took it in time",
		Do: "send the request again", RetryAfter: time.Second,
	}
}

func ownerLost(ref messages.ConversationRef) error {
	return &messages.Failure{
		Code: messages.CodeRestarted, What: "the node that had conversation " + string(ref.Conversation) + " is gone; another takes it over",
		Do: "send the request again", RetryAfter: time.Second,
	}
}

func clientLeft() error {
	return &messages.Failure{Code: messages.CodeCancelled, What: "the client has gone", Do: "send the request again"}
}
