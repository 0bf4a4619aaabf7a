package cache

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
	"unique"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/actors/cache/index"
	"example.com/parley/actors/cache/question"
	"example.com/parley/messages"
)

// shard is some tenants' part of the cache, as readers see it. What is kept
// survives its actor's restarts.
type shard struct {
	cache    *Cache
	index    index.Index
	denied   denied
	flights  flights
	accounts sync.Map // messages.TenantID -> *account
	bytes    atomic.Int64
	inbox    atomic.Pointer[func(any)] // to the actor; nil while it does not run
	state    state                     // the actor's alone
}

// accountOf is what is counted of a tenant.
func (s *shard) accountOf(tenant messages.TenantID) *account {
	if found, ok := s.accounts.Load(tenant); ok {
		return found.(*account) //nolint:forcetypeassert // nothing else is stored
	}
	made, _ := s.accounts.LoadOrStore(tenant, &account{})
	return made.(*account) //nolint:forcetypeassert // nothing else is stored
}

// tell sends to the actor. While it does not run what is sent is lost.
func (s *shard) tell(m any) {
	if inbox := s.inbox.Load(); inbox != nil {
		(*inbox)(m)
	}
}

// landed has a call's reply kept. Until that is done others may still join the
// call: nobody calls a model for a reply that is on its way into the index.
func (s *shard) landed(f *Flight, keep bool) {
	if !keep || s.inbox.Load() == nil {
		s.flights.remove(f)
		return
	}
	s.tell(&land{flight: f})
}

// await waits until a shard's actor has done what it was told.
func await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return &messages.Failure{
			Code: messages.CodeOverloaded, What: "the cache does not answer in time", Do: "try again", RetryAfter: time.Second, Cause: ctx.Err(),
		}
	}
}

// insert is a reply that is to be kept, and what is found by.
type insert struct {
	tenant       messages.TenantID
	asked        time.Time
	key          index.Key
	space        uint64
	same, strict uint64
	loose        []question.Word
	point        index.Point
	reply        *reply
	price        int64
	ttl          time.Duration
	text         string // of the question; empty where nobody judges
}

type (
	// land keeps the reply of a call that has ended.
	land struct{ flight *Flight }
	// drop takes an entry out for good.
	drop struct {
		messages.CacheDrop
		done chan<- struct{} // has room for one
	}
	// learn adds an entry of another node.
	learn struct{ entry *index.Entry }
	// discard takes an entry out that cannot be read.
	discard struct{ entry *index.Entry }
	// tick has what expired taken out.
	tick struct{ now time.Time }
	// relieve has the largest tenant give some bytes back.
	relieve struct{}
)

// state is what the actor knows beside the index.
type state struct {
	wheel   wheel
	tenants map[string]*holding
}

// keeper is the actor: the only one that writes to its shard. What it knows is in
// the shard, so that a restart loses nothing but the message that it failed at.
type keeper struct {
	shard *shard
	stop  func() // its clock
}

func newKeeper(s *shard) *keeper { return &keeper{shard: s} }

// tickEvery is how late an entry may be taken out; it is not served meanwhile.
const tickEvery = time.Second

// Receive implements actor.Actor.
func (k *keeper) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		k.start(ctx)
	case *land:
		k.land(m.flight, time.Now())
	case *learn:
		k.learn(m, time.Now())
	case *drop:
		k.drop(m)
		m.done <- struct{}{}
	case *empty:
		k.empty(m.tenant)
		m.done <- struct{}{}
	case *clearAll:
		k.clear()
		m.done <- struct{}{}
	case *discard:
		k.remove(m.entry, lostDamaged)
	case *tick:
		k.expire(m.now)
	case *relieve:
		k.relieve()
	case *actor.Stopping, *actor.Restarting:
		k.stop()
	}
}

// start opens the inbox, and starts the clock.
func (k *keeper) start(ctx actor.Context) {
	if k.shard.state.tenants == nil {
		k.shard.state = state{tenants: make(map[string]*holding), wheel: newWheel(time.Now())}
	}
	root, self := ctx.ActorSystem().Root, ctx.Self()
	running, stop := context.WithCancel(context.Background())
	var ticking sync.WaitGroup
	ticking.Go(func() { clock(running, func(now time.Time) { root.Send(self, &tick{now}) }) })
	k.stop = func() { // nothing is sent to an actor that is gone
		k.shard.inbox.Store(nil)
		stop()
		ticking.Wait()
	}
	send := func(m any) { root.Send(self, m) }
	k.shard.inbox.Store(&send)
}

// clock calls do every moment until ctx ends.
func clock(ctx context.Context, do func(now time.Time)) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			do(now)
		case <-ctx.Done():
			return
		}
	}
}

// land adds the reply of a call, and lets the call go.
func (k *keeper) land(f *Flight, now time.Time) {
	defer k.shard.flights.remove(f)
	f.mu.Lock()
	in := f.insert
	f.mu.Unlock()
	if in.asked.UnixNano() < k.shard.accountOf(in.tenant).emptied.Load() {
		return // what the tenant had then is forgotten, and this comes from it
	}
	e := &index.Entry{
		Key: in.key, Space: in.space, Same: in.same, Strict: in.strict, Loose: in.loose, At: in.point, Body: k.shard.cache.bodies.pack(in.reply),
		Tenant: unique.Make(string(in.tenant)), Created: seconds(now), Expires: seconds(now.Add(in.ttl)), Price: in.price,
	}
	k.add(e)
	if j := k.shard.cache.judge; j != nil {
		j.note(&in)
	}
	k.shard.cache.publish(e, in.ttl)
}

// seconds are since 1970, until 2106.
func seconds(t time.Time) uint32 { return uint32(t.Unix()) } // #nosec G115 -- positive, and small enough

// add keeps an entry, and lets others go for it where there is no room.
func (k *keeper) add(e *index.Entry) {
	if old := k.shard.index.Exact(&e.Key); old != nil {
		k.remove(old, lostReplaced)
	}
	h := k.holdingOf(e.Tenant.Value())
	k.shard.index.Add(e)
	k.shard.state.wheel.add(e)
	k.shard.account(e, 1)
	limit := int64(float64(k.shard.cache.cfg.MaxBytes) * k.shard.cache.cfg.TenantShare)
	h.add(e)
	k.shard.cache.tellKept(e)
	for h.bytes > limit {
		k.remove(h.loser(), lostForSpace)
	}
	k.shard.cache.relieve()
}

func (k *keeper) holdingOf(tenant string) *holding {
	h := k.shard.state.tenants[tenant]
	if h == nil {
		h = newHolding()
		k.shard.state.tenants[tenant] = h
	}
	return h
}

// remove takes an entry out, and counts why. One that is out already stays so.
func (k *keeper) remove(e *index.Entry, why lost) {
	h := k.shard.state.tenants[e.Tenant.Value()]
	if h == nil || !h.remove(e) {
		return
	}
	if len(h.entries) == 0 {
		delete(k.shard.state.tenants, e.Tenant.Value())
	}
	k.shard.index.Remove(e)
	k.shard.state.wheel.remove(e)
	k.shard.account(e, -1)
	if j := k.shard.cache.judge; j != nil {
		j.gone(e)
	}
	k.shard.cache.metrics.lost(why)
	counts := k.shard.accountOf(messages.TenantID(e.Tenant.Value()))
	switch why {
	case lostExpired:
		counts.expired.Add(1)
	case lostForSpace:
		counts.evicted.Add(1)
	}
}

// account counts an entry in, or out.
func (s *shard) account(e *index.Entry, sign int64) {
	size := sign * sizeOf(e)
	s.bytes.Add(size)
	s.cache.bytes.Add(size)
	counts := s.accountOf(messages.TenantID(e.Tenant.Value()))
	counts.entries.Add(sign)
	counts.bytes.Add(size)
	counts.made.Add(sign * int64(e.Created))
	s.cache.metrics.entries.Add(float64(sign))
}

// drop takes out what a hit named, and remembers the pair.
//
// A node that connects to the others is told all drops once more: those of long ago
// say nothing of what was kept since.
func (k *keeper) drop(m *drop) {
	if feed := k.shard.cache.feed; feed != nil {
		feed.Dropped(m.CacheDrop)
	}
	if m.Entry != m.Asked {
		k.shard.denied.add(pairOf(m.Entry, m.Asked))
	}
	if e := k.shard.index.Named(string(m.Tenant), m.Entry); e != nil && e.Created <= seconds(m.At.Add(clockSkew)) {
		k.remove(e, lostDropped)
	}
}

// clockSkew is how far the clocks of nodes may be apart.
const clockSkew = time.Minute

// expire takes out what is over.
func (k *keeper) expire(now time.Time) {
	k.shard.state.wheel.advance(now, func(e *index.Entry) { k.remove(e, lostExpired) })
}

// relieve asks the fullest shard for room while all together have too much.
func (c *Cache) relieve() {
	if c.bytes.Load() <= c.cfg.MaxBytes {
		return
	}
	fullest := &c.shards[0]
	for i := range c.shards {
		if c.shards[i].bytes.Load() > fullest.bytes.Load() {
			fullest = &c.shards[i]
		}
	}
	fullest.tell(&relieve{})
}

// relieve lets entries of the largest tenant go until there is room, or until
// another shard is the fullest one.
func (k *keeper) relieve() {
	for c := k.shard.cache; c.bytes.Load() > c.cfg.MaxBytes && k.shard.bytes.Load() > 0; {
		var largest *holding
		for _, h := range k.shard.state.tenants {
			if largest == nil || h.bytes > largest.bytes {
				largest = h
			}
		}
		if largest == nil {
			return
		}
		k.remove(largest.loser(), lostForSpace)
	}
}
