// Package cache answers what was answered before. Its actors own what is kept, a
// shard of the tenants each; who asks reads what they published last, and waits for
// none of them.
//
//	cache.go     what callers hold                shard.go    the actor: the only writer
//	ask.go       how a request is looked up       eligible.go what is never looked up
//	key.go       what makes two requests one      question/   what a question asks (pure)
//	flight.go    a call that others wait for      index/      keys, signatures, vectors
//	replay.go    a kept reply, said again         embed/      texts to vectors
//	reply.go     a reply as it is kept            evict.go    who has to go (pure)
//	wheel.go     when they expire (pure)          frequency.go how often it is asked for (pure)
//	denied.go    pairs that were wrong            shared.go   what all nodes have
//	record.go    an entry on its way to them      background.go turns that nobody waits for
//	warm.go      lists of requests, asked ahead   ahead.go    what the cache foresees by itself
//	habits.go    which question follows (pure)    judge.go    what a model says of near misses
//	judged/      what is learnt of it (pure)      metrics.go
package cache

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/actors/cache/embed"
	"example.com/parley/messages"
)

// ErrUnshared says that a call which was waited for brings what is not for others.
// Nothing was told of it: the waiting turn makes a call of its own.
var ErrUnshared = errors.New("the reply that was waited for is not for others")

// shards is how many actors share the tenants. One of them keeps up with the
// inserts of any number of readers; several keep tenants out of each other's way.
const shards = 8

// Deps is what the cache needs.
type Deps struct {
	Embedder   embed.Embedder
	Routes     Routes // nil where names never lead elsewhere
	Shared     Shared // nil for a node that is alone
	Feed       Feed   // nil where nobody follows
	Denials    Denials
	Denied     []messages.CacheDrop // before this start
	Registerer prometheus.Registerer
}

// Routes says where public names lead. The router implements it.
type Routes interface {
	// Mark is another number when the name leads to other models than before.
	Mark(model string) uint64
}

// Cache is what callers hold. It outlives its actors' restarts, is safe for
// concurrent use, and works from the moment that it was made: before its actors are
// spawned nothing is kept.
type Cache struct {
	cfg      Config
	embedder embed.Embedder
	routes   Routes
	shared   Shared
	feed     Feed
	denials  Denials
	metrics  *metrics
	bodies   codec
	ahead    *ahead
	judge    *judge // nil where nobody judges
	shards   [shards]shard
	bytes    atomic.Int64 // of all shards
	calls    atomic.Int64 // to models, that are under way because nothing was found
}

// New returns an empty cache. Props are its actors.
func New(cfg Config, deps Deps) *Cache {
	c := &Cache{cfg: cfg, embedder: deps.Embedder, routes: deps.Routes, shared: deps.Shared, feed: deps.Feed, denials: deps.Denials, bodies: newCodec(), ahead: newAhead(cfg.Ahead), judge: newJudge(cfg.Judge)}
	for i := range c.shards {
		c.shards[i].cache = c
	}
	for _, d := range deps.Denied {
		c.shardOf(d.Tenant).denied.add(pairOf(d.Entry, d.Asked))
	}
	c.metrics = newMetrics(deps.Registerer, c)
	return c
}

// Props returns the cache's actors, by a name for each.
func (c *Cache) Props() map[string]*actor.Props {
	props := make(map[string]*actor.Props, len(c.shards))
	for i := range c.shards {
		s := &c.shards[i]
		props["cache-"+strconv.Itoa(i)] = actor.PropsFromProducer(func() actor.Actor { return newKeeper(s) })
	}
	return props
}

func (c *Cache) shardOf(tenant messages.TenantID) *shard {
	return &c.shards[messages.Hash(string(tenant))%shards]
}

// Answer is a reply as the cache tells it: kept, or of a call that runs. One
// goroutine uses it, and closes it.
type Answer interface {
	// Next returns the next chunk, the first of which is ChunkOpened, and io.EOF
	// after the last.
	Next() (messages.Chunk, error)
	Close() error
	// Saved is what the reply would have cost, once it has ended.
	Saved() messages.NanoDollars
}

// Asked is what came of asking.
type Asked struct {
	Outcome messages.CacheOutcome
	Answer  Answer  // nil where a model has to be asked
	Flight  *Flight // to be fed with the model's reply and ended; nil where it is nobody else's
}

// Drop takes the reply of a tenant out that a hit named, and sees to it that this
// pair of requests does not share one again. It fails with CodeCacheEntryAbsent, and
// where the pair cannot be kept as the store does; then nothing was dropped.
func (c *Cache) Drop(ctx context.Context, tenant messages.TenantID, id messages.CacheEntryID) error {
	entry, asked, ok := parseEntryID(id)
	d := messages.CacheDrop{CacheName: messages.CacheName{Tenant: tenant, Entry: entry}, Asked: asked, At: time.Now()}
	if !ok || !c.Knows(d.CacheName) && (c.shared == nil || c.shared.Get(ctx, d.CacheName) == nil) {
		return &messages.Failure{
			Code: messages.CodeCacheEntryAbsent, What: "there is no such reply in the cache",
			Do: "give the id that the reply's x-parley-cache-entry has; it may have expired", NoRetry: true,
		}
	}
	if d.Entry != d.Asked && c.denials != nil {
		if err := c.denials.Deny(ctx, d); err != nil {
			return err
		}
	}
	if c.shared != nil {
		c.shared.Drop(d)
	}
	done := make(chan struct{}, 1)
	c.shardOf(tenant).tell(&drop{CacheDrop: d, done: done})
	return await(ctx, done)
}

// Stats is a tenant's part of the cache.
func (c *Cache) Stats(tenant messages.TenantID) messages.CacheStats {
	return c.shardOf(tenant).accountOf(tenant).stats()
}
