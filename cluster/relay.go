package cluster

import (
	"context"
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
	waiting []*outgoing                 // for somebody to own their shards
	links   map[messages.MemberID]*link // by which this node asks others
	peers   map[*link]*colleague        // of links either way
	warned  time.Time                   // of a link that broke
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
	heard struct {
		from  *link
		frame *remote.Frame
	}
	linkEnded       struct{ link *link }
	topologyChanged struct{}
	tick            struct{ now time.Time }
	callEnded       struct{ call uint64 } // nobody reads it any more
	callLeft        struct{ call uint64 } // its client has gone
	servedEnded     struct{ from asker }
	memberNoMore    struct{} // of the cluster: everything ends
)

// heardInARow is how many messages the relay hears before others may run, as the library
// has it.
const heardInARow = 300

// newRelay starts where no earlier process at this address can have been. It hears what it
// is told in the goroutine of whoever tells it, or in that which it is at something in:
// what a node says passes it without waking another goroutine. It never waits.
func newRelay(c *Cluster, local Local) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor {
		return &relay{
			cluster: c, local: local, next: uint64(time.Now().UnixNano()), // #nosec G115 -- after 1970
			calls: make(map[uint64]*call), served: make(map[asker]*served),
			links: make(map[messages.MemberID]*link), peers: make(map[*link]*colleague),
		}
	}, actor.WithDispatcher(actor.NewSynchronizedDispatcher(heardInARow)))
}

// Receive implements actor.Actor.
func (r *relay) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *outgoing:
		r.route(m)
	case *heard:
		r.hear(m.from, m.frame)
	case *linkEnded:
		r.lose(m.link)
	case *topologyChanged:
		r.forgetRemoved()
		r.routeWaiting()
	case *tick:
		r.routeWaiting()
		r.expire(m.now)
	case *callLeft:
		r.leave(m.call)
	case *callEnded:
		delete(r.calls, m.call)
	case *servedEnded:
		delete(r.served, m.from)
	case *memberNoMore, *actor.Stopping, *actor.Restarting:
		r.abandon()
	}
}

// hear takes what another node says.
func (r *relay) hear(from *link, frame *remote.Frame) {
	switch says := frame.GetSays().(type) {
	case *remote.Frame_Ask:
		r.serve(from, says.Ask)
	case *remote.Frame_Answer:
		r.take(from, says.Answer)
	case *remote.Frame_Batch:
		r.feed(from, says.Batch)
	case *remote.Frame_Credit:
		r.credit(from, says.Credit)
	case *remote.Frame_Gone:
		r.dismiss(from, says.Gone)
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
func (r *relay) route(m *outgoing) {
	shard := messages.ShardOf(m.m.To())
	o := r.cluster.table.Load().owners[shard]
	switch {
	case r.cluster.held.epoch(shard) > 0:
		m.expectTraces()
		r.local.Here(m.m)
	case o.member == "" || o.member == r.cluster.deps.Self:
		r.await(m)
	default:
		r.ask(m, o)
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
func (r *relay) routeWaiting() {
	waiting := r.waiting
	r.waiting = nil
	for _, m := range waiting {
		if turn, is := m.m.(*messages.StartTurn); is && turn.Client != nil && turn.Client.Err() != nil {
			turn.Refuse(clientLeft())
			continue
		}
		r.route(m)
	}
}

// colleague is another node, as a link leads to it.
type colleague struct {
	member bool      // was one, as far as this node has read
	since  time.Time // it is known
}

// strangerPatience is how long a peer may ask that is no member yet. It joins before it
// asks, so whoever reads the table behind that finds it there: a reading that had begun
// before takes tablePatience at most.
const strangerPatience = 10 * time.Second

// isGone tells whether a peer that is not in the table, which was read just now, is to
// be taken for one that does not come back. While the table cannot be read nobody is.
func (p *colleague) isGone() bool { return p.member || time.Since(p.since) > strangerPatience }

// linkTo is by which the owner of a shard is asked. It is made where there is none.
func (r *relay) linkTo(o owner) *link {
	l := r.links[o.member]
	if l == nil {
		l = r.cluster.wire.call(o.member, o.address)
		r.links[o.member] = l
		r.meet(l)
	}
	return l
}

// meet notes who is at the other end of a link.
func (r *relay) meet(l *link) {
	if r.peers[l] == nil {
		r.peers[l] = &colleague{member: r.cluster.table.Load().has(l.peer), since: time.Now()}
	}
}

// forgetRemoved ends the links to nodes that are no members any more, and what depends on
// them. Those that were frozen would be waited for otherwise. A node that this one has not
// read of yet has joined a moment ago, and may ask before that; if it is not read of for
// long, it is none.
func (r *relay) forgetRemoved() {
	now := r.cluster.table.Load()
	for l, peer := range r.peers {
		switch {
		case now.has(l.peer):
			peer.member = true
		case peer.isGone():
			l.end(errGoneMember)
			r.forget(l)
		}
	}
}

// warnEvery bounds what is logged of links that break: one to a node that is gone is made
// anew with each tick.
const warnEvery = time.Second

// lose is for a link that has ended.
func (r *relay) lose(l *link) {
	if peer := r.peers[l]; peer != nil && peer.member {
		r.cluster.metrics.broken.Inc()
		if now := time.Now(); now.Sub(r.warned) > warnEvery {
			r.warned = now
			r.cluster.deps.Log.Warn("a connection to another node broke, or could not be made", "member", string(l.peer), "error", l.cause())
		}
	}
	r.forget(l)
	r.cluster.keeper.look()
}

// forget ends what depended on a link.
func (r *relay) forget(l *link) {
	delete(r.peers, l)
	if r.links[l.peer] == l {
		delete(r.links, l.peer)
	}
	for id, c := range r.calls {
		if c.link == l {
			r.fail(id, c)
		}
	}
	for from, s := range r.served {
		if from.link == l {
			s.cancel()
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
			c.tell(&tick{now: now})
		case <-ctx.Done():
			return
		}
	}
}

// tell sends this node's relay a message.
func (c *Cluster) tell(m any) { c.system.Root.Send(c.relay, m) }

// publish shows everybody on this node who owns what.
func (c *Cluster) publish(t *topology) {
	c.table.Store(t)
	c.tell(&topologyChanged{})
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
