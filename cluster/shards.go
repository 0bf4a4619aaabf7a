package cluster

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"example.com/parley/messages"
)

// keeper makes this node own what it is to own. One goroutine runs it.
type keeper struct {
	registry Registry
	self     messages.MemberID
	log      *slog.Logger
	held     *held
	publish  func(*topology) // shows who owns what to everybody on this node
	local    Local           // set before it runs
	retiring atomic.Bool     // everything is to be given away
	forced   atomic.Bool     // also what is at work
	patience atomic.Int64    // until when what is at work is left alone, in nanoseconds since 1970
	told     bool            // the others know that it retires
	next     int             // where the giving goes on

	wake  chan struct{} // capacity 1
	ended chan struct{} // closed when it does not run any more
}

func newKeeper(c *Cluster) *keeper {
	return &keeper{
		registry: c.deps.Registry, self: c.deps.Self, log: c.deps.Log, held: &c.held, publish: c.publish,
		wake: make(chan struct{}, 1), ended: make(chan struct{}),
	}
}

// look has the keeper look at the table soon. It never waits.
func (k *keeper) look() {
	select {
	case k.wake <- struct{}{}:
	default: // it will anyway
	}
}

func (k *keeper) lookSoon([]messages.Member) { k.look() }

const (
	// givePause and giveBatch bound a hand-over to 500 shards a second, so that the
	// new owners' conversations do not all wake at once.
	givePause = 50 * time.Millisecond
	giveBatch = 25

	// tablePatience bounds one exchange with the table.
	tablePatience = 2 * time.Second
)

func (k *keeper) run(ctx context.Context) {
	defer close(k.ended)
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		case <-again.C:
		}
		more, err := k.keepUp(ctx)
		if err != nil && ctx.Err() == nil {
			k.log.Warn("the table of the shards could not be used", slog.Any("error", err))
		}
		if more {
			again.Reset(givePause)
		}
	}
}

// keepUp brings what is open here in line with the table, and the table in line
// with the plan, as far as that is this node's business. More is to be done at once
// where it gives shards away.
func (k *keeper) keepUp(ctx context.Context) (more bool, err error) {
	ctx, release := context.WithTimeout(ctx, tablePatience)
	defer release()
	if err := k.retire(ctx); err != nil {
		return true, err
	}
	members, placements, err := k.registry.Topology(ctx)
	if err != nil {
		return false, err
	}
	if !slices.ContainsFunc(members, func(m messages.Member) bool { return m.ID == k.self }) {
		k.abandon() // the lease will tell why
		return false, nil
	}
	k.closeLost(placements)
	k.publish(newTopology(members, placements))
	owners := plan(members, placements)
	if err := k.take(ctx, members, placements, owners); err != nil {
		return false, err
	}
	if err := k.open(ctx, placements); err != nil {
		return false, err
	}
	k.publish(newTopology(members, placements))
	return k.give(ctx, placements, owners)
}

// retire tells the others once, if this node is to leave.
func (k *keeper) retire(ctx context.Context) error {
	if k.told || !k.retiring.Load() {
		return nil
	}
	err := k.registry.Retire(ctx, k.self)
	k.told = err == nil
	return err
}

// closeLost closes what others own by now: their writes are as good as ours are
// not.
func (k *keeper) closeLost(placements []messages.Placement) {
	for _, p := range placements {
		if epoch := k.held.epoch(p.Shard); epoch > 0 && (p.Owner != k.self || p.Epoch != epoch) {
			k.close(p.Shard, true)
			k.log.Warn("a shard has another owner by now, and was closed", slog.Int("shard", int(p.Shard)), slog.String("owner", string(p.Owner)))
		}
	}
}

// take makes this node the owner of what it is to own and nobody does.
func (k *keeper) take(ctx context.Context, members []messages.Member, placements []messages.Placement, owners []messages.MemberID) error {
	var wanted []messages.Placement
	for i, p := range placements {
		owned := slices.ContainsFunc(members, func(m messages.Member) bool { return m.ID == p.Owner })
		if owners[i] == k.self && !owned {
			wanted = append(wanted, p)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	taken, err := k.registry.TakeShards(ctx, k.self, wanted)
	for _, p := range taken {
		placements[p.Shard] = p
	}
	if len(taken) > 0 {
		k.log.Info("took shards over", slog.Int("count", len(taken)))
	}
	return err
}

// open opens what this node owns and has not opened, once nothing runs there that
// an earlier owner began.
func (k *keeper) open(ctx context.Context, placements []messages.Placement) error {
	fresh := func(s messages.Shard) (messages.ShardEpoch, bool) {
		p := placements[s]
		return p.Epoch, p.Owner == k.self && k.held.epoch(s) == 0
	}
	var opening []messages.Placement
	for _, p := range placements {
		if _, is := fresh(p.Shard); is {
			opening = append(opening, p)
		}
	}
	if len(opening) == 0 {
		return nil
	}
	cut, err := k.registry.RecoverShards(ctx, fresh)
	if err != nil {
		return err
	}
	if cut > 0 {
		k.log.Warn("turns were cut off by the end of the node that had them; they are kept as incomplete", slog.Int("count", cut))
	}
	left, err := k.unfinished(ctx, fresh)
	if err != nil {
		return err
	}
	for _, p := range opening {
		k.reopen(ctx, p, left[p.Shard])
	}
	return nil
}

// unfinished are the turns to take up in shards that are about to open. A node that
// ends leaves them to the next.
func (k *keeper) unfinished(ctx context.Context, fresh func(messages.Shard) (messages.ShardEpoch, bool)) (map[messages.Shard][]messages.UnfinishedTurn, error) {
	if k.forced.Load() {
		return nil, nil
	}
	found, err := k.registry.UnfinishedTurns(ctx, func(s messages.Shard) bool { _, is := fresh(s); return is })
	left := make(map[messages.Shard][]messages.UnfinishedTurn)
	for i := range found {
		shard := messages.ShardOf(found[i].Record.Ref)
		left[shard] = append(left[shard], found[i])
	}
	if len(found) > 0 {
		k.log.Info("turns in the background are taken up, whose owner did not live to end them", slog.Int("count", len(found)))
	}
	return left, err
}

// reopen lets requests in, behind the turns that were left.
func (k *keeper) reopen(ctx context.Context, p messages.Placement, left []messages.UnfinishedTurn) {
	k.local.OpenShard(p.Shard, p.Epoch)
	for i := range left {
		k.local.Here(left[i].Start(ctx))
	}
	k.held.set(p.Shard, p.Epoch)
}

// close has new requests wait for the next owner, or for this one.
func (k *keeper) close(s messages.Shard, force bool) (closed <-chan bool) {
	reply := make(chan bool, 1)
	k.held.set(s, 0)
	k.local.CloseShard(s, &messages.CloseShard{Force: force, Reply: reply})
	return reply
}

// give hands some of those over that others are to own. A shard that is at work
// stays, until it is not.
func (k *keeper) give(ctx context.Context, placements []messages.Placement, owners []messages.MemberID) (more bool, err error) {
	leaving := k.nextToGive(placements, owners)
	if len(leaving) == 0 {
		return false, nil
	}
	closed := k.closeAll(ctx, leaving)
	moved := make(map[messages.Shard]bool)
	for to, some := range byOwner(closed, owners) {
		given, giveErr := k.registry.GiveShards(ctx, k.self, to, some)
		if giveErr != nil { // it may have been done: the table will tell
			err = giveErr
			for _, p := range some {
				moved[p.Shard] = true
			}
		}
		for _, p := range given {
			placements[p.Shard], moved[p.Shard] = p, true
		}
	}
	for _, p := range leaving {
		if !moved[p.Shard] && !k.forced.Load() { // what was cut is looked for first, by open
			k.reopen(ctx, p, nil)
		}
	}
	return true, err
}

// nextToGive goes round, so that those at work keep nobody from being given.
func (k *keeper) nextToGive(placements []messages.Placement, owners []messages.MemberID) (leaving []messages.Placement) {
	n := len(placements)
	for i := range n {
		at := (k.next + i) % n
		if p := placements[at]; p.Owner == k.self && owners[at] != k.self && owners[at] != "" && k.held.epoch(p.Shard) == p.Epoch {
			if leaving = append(leaving, p); len(leaving) == giveBatch {
				k.next = (at + 1) % n
				break
			}
		}
	}
	return leaving
}

// closeAll returns those that have closed.
func (k *keeper) closeAll(ctx context.Context, leaving []messages.Placement) (closed []messages.Placement) {
	replies := make([]<-chan bool, len(leaving))
	for i, p := range leaving {
		replies[i] = k.close(p.Shard, k.forced.Load())
	}
	for i, reply := range replies {
		select {
		case done := <-reply:
			if done {
				closed = append(closed, leaving[i])
			}
		case <-ctx.Done():
			return closed
		}
	}
	return closed
}

func byOwner(placements []messages.Placement, owners []messages.MemberID) map[messages.MemberID][]messages.Placement {
	grouped := make(map[messages.MemberID][]messages.Placement)
	for _, p := range placements {
		grouped[owners[p.Shard]] = append(grouped[owners[p.Shard]], p)
	}
	return grouped
}

// givePatience bounds the last hand-over of a node that ends: 1,024 shards take two
// seconds.
const givePatience = 5 * time.Second

// giveAll returns when nothing is open here any more, or nobody takes it. What is at
// work then gets the time that it was promised.
func (k *keeper) giveAll(ctx context.Context) {
	promised := time.Unix(0, k.patience.Load())
	ctx, release := context.WithTimeout(ctx, max(0, time.Until(promised))+givePatience)
	defer release()
	k.retiring.Store(true)
	pause := time.NewTicker(givePause)
	defer pause.Stop()
	for {
		k.forced.Store(!time.Now().Before(promised))
		k.look()
		if !k.mayGive(ctx) {
			return
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
	}
}

// mayGive tells whether there is anything left to give, and anybody to take it.
func (k *keeper) mayGive(ctx context.Context) bool {
	members, placements, err := k.registry.Topology(ctx)
	return err == nil && slices.ContainsFunc(placements, func(p messages.Placement) bool { return p.Owner == k.self }) &&
		slices.ContainsFunc(members, func(m messages.Member) bool { return m.ID != k.self && !m.Leaving })
}

// abandon closes everything at once: it is others' by now.
func (k *keeper) abandon() {
	for s := range messages.Shard(messages.Shards) {
		if k.held.epoch(s) > 0 {
			k.close(s, true)
		}
	}
}
