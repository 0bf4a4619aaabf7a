// Package tenant knows whose requests are whose, and what they cost. Its actor
// owns what is remembered of keys; a request reads a snapshot of it and asks the
// store only for a key that was not seen lately.
//
//	tenant.go  the actor                        authenticate.go  what a request asks
//	load.go    the actor's goroutines           keyring.go       the snapshot
//	key.go     how a key reads (pure)           tries.go         wrong keys by address (pure)
//	uses.go    when keys were used last             allowance.go     what may be said of a key (pure)
//	price.go   what tokens cost (pure)          administration*.go  tenants and keys, made and ended
//	limiter.go what a request asks of limits    share.go  sharing.go  limits of several nodes
package tenant

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
)

// Deps is what the keys need.
type Deps struct {
	Store      KeySource
	Registerer prometheus.Registerer
}

// Keys tells who presents a key. It outlives its actor's restarts and is safe
// for concurrent use.
type Keys struct {
	cfg     Config
	store   KeySource
	metrics *metrics
	ring    *keyring
	uses    *uses
	era     uint64                    // counts the times that everything was forgotten; the actor's own
	tell    atomic.Pointer[func(any)] // to the actor
	spawned chan struct{}             // closed once there is one
	once    sync.Once                 // closes it
}

// New returns keys that know nothing yet. They need their actor, which is to be
// spawned from Props.
func New(cfg Config, deps Deps) (*Keys, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Keys{
		cfg: cfg, store: deps.Store, metrics: newMetrics(deps.Registerer), ring: newKeyring(), uses: newUses(), spawned: make(chan struct{}),
	}, nil
}

// Props returns the actor.
func (k *Keys) Props() *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor { return &keeper{keys: k, waiting: make(map[messages.KeyID][]chan<- answer)} })
}

// keeper is the actor. It alone writes the keyring.
type keeper struct {
	keys    *Keys
	waiting map[messages.KeyID][]chan<- answer // for questions that the store was asked
	version uint64                             // of the keys, as the store counts; 0 before it was heard
	heard   time.Time                          // when the store last said it
	tell    func(any)                          // to itself, from outside
	running context.Context                    // of the goroutines that it starts
	cancel  context.CancelFunc                 // ends them
}

// Receive implements actor.Actor.
func (k *keeper) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		k.begin(ctx)
	case *lookup:
		k.look(m)
	case *loaded:
		k.learn(m)
	case *versioned:
		k.compare(m)
	case *actor.Stopping, *actor.Restarting:
		k.end()
	}
}

// begin starts the watch over changes. What an actor before a restart knew may
// be out of date by the time that took.
func (k *keeper) begin(ctx actor.Context) {
	k.forget()
	k.heard = time.Now()
	k.running, k.cancel = context.WithCancel(context.Background())
	root, self := ctx.ActorSystem().Root, ctx.Self()
	k.tell = func(m any) { root.Send(self, m) }
	k.keys.tell.Store(&k.tell)
	k.keys.once.Do(func() { close(k.keys.spawned) })
	go k.keys.watch(k.running, k.tell)
}

// end stops the goroutines, and tells those who wait to come again.
func (k *keeper) end() {
	k.cancel()
	for id := range k.waiting {
		k.reply(id, answer{err: interrupted()})
	}
}

// maxWaiting bounds how many requests may wait for one key.
const maxWaiting = 1024

// look asks the store for a key, once for all who want to know.
func (k *keeper) look(m *lookup) {
	if found, ok := k.keys.ring.find(m.id); ok && found.fresh(time.Now()) {
		m.reply <- answer{known: found}
		return
	}
	others, asked := k.waiting[m.id]
	if len(others) >= maxWaiting || !asked && len(k.waiting) >= k.keys.cfg.MaxLoads {
		m.reply <- answer{err: tooManyLoads()}
		return
	}
	k.waiting[m.id] = append(others, m.reply)
	if !asked {
		go k.keys.load(k.running, m.id, k.keys.era, k.tell)
	}
}

// learn remembers what the store said, unless keys have changed since it was
// asked: then it may be out of date, and the next request asks again.
func (k *keeper) learn(m *loaded) {
	if m.answer.err == nil && m.era == k.keys.era {
		k.keys.ring.add(m.id, m.answer.known)
	}
	k.reply(m.id, m.answer)
}

func (k *keeper) reply(id messages.KeyID, a answer) {
	for _, waiting := range k.waiting[id] {
		waiting <- a
	}
	delete(k.waiting, id)
}

// compare forgets everything when keys have changed, or when nobody could say
// for too long whether they have.
func (k *keeper) compare(m *versioned) {
	now := time.Now()
	switch {
	case m.err != nil && now.Sub(k.heard) > k.keys.cfg.OutageGrace:
		k.forget()
	case m.err == nil && m.version != k.version:
		k.forget()
		k.version, k.heard = m.version, now
	case m.err == nil:
		k.heard = now
	}
	k.keys.metrics.age.Set(now.Sub(k.heard).Seconds())
}

func (k *keeper) forget() {
	k.keys.era++
	k.keys.ring.forget()
}
