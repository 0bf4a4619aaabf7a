// Package redis is what nodes share and may lose: the second level of the cache, and
// how much of limits each node may use. Redis may be down, slow, flushed, or full at
// any time, which costs hits and never a request.
//
//	records.go  what callers hold: lookups      write.go    the queue of what is written
//	follow.go   what other nodes kept           seal.go     records that nobody makes up
//	breaker.go  keeps a failing Redis away      limits.go   limits.lua  shares of limits
//
// # Keys
//
//	{prefix}:cache:1:entry:{tenant}:{hash}   a sealed record, with the time to live of its reply
//	{prefix}:cache:1:inserts                 stream: which entries are new
//	{prefix}:cache:1:drops                   stream: which pairs of requests must not share a reply
//	{prefix}:limit:1:nodes                   sorted set: who shares limits, by when it was heard last
//	{prefix}:limit:1:of:{hash}               hash: what is left of the limits of a tenant, key, model or address, and who leases what
package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"example.com/parley/messages"
)

// Deps is what the records need.
type Deps struct {
	Registerer prometheus.Registerer
	Log        *slog.Logger
}

// Records are cached replies that all nodes share. It is safe for concurrent use.
type Records struct {
	client  *redis.Client
	timeout time.Duration
	names   names
	seal    seal
	breaker breaker
	metrics *metrics
	log     *slog.Logger
	node    string // this one, among those that follow
	puts    chan put

	mu      sync.Mutex
	drops   []messages.CacheDrop // that Redis has not heard of yet, oldest first
	dropped chan struct{}        // has room for one: there are some
}

// Open returns records in the Redis that cfg names. It connects to nothing yet: a
// server starts without Redis, too.
func Open(cfg Config, deps Deps) (*Records, error) {
	client, err := newClient(cfg, cfg.PoolSize, cfg.MinIdle)
	if err != nil {
		return nil, err
	}
	sealed, err := newSeal(cfg.Secret)
	if err != nil {
		return nil, fmt.Errorf("seal records: %w", err)
	}
	return &Records{
		client: client, timeout: cfg.Timeout, names: newNames(cfg.Prefix), seal: sealed,
		metrics: newMetrics(deps.Registerer), log: deps.Log, node: rand.Text(),
		puts: make(chan put, mostPuts), dropped: make(chan struct{}, 1),
	}, nil
}

// Close gives the connections back. Run has returned by then.
func (r *Records) Close() error { return r.client.Close() }

// Run writes what was put and dropped, and tells node what other nodes did, until ctx
// ends.
func (r *Records) Run(ctx context.Context, node Node) error {
	var running sync.WaitGroup
	running.Go(func() { r.write(ctx) })
	running.Go(func() { r.follow(ctx, node) })
	running.Wait()
	return nil
}

// Get returns the record of a name; nil where there is none, or none that can be had
// in time.
func (r *Records) Get(ctx context.Context, name messages.CacheName) []byte {
	started := time.Now()
	if !r.breaker.allow(started) {
		r.metrics.reads.WithLabelValues(readSkipped).Inc()
		return nil
	}
	record, result := r.get(ctx, r.names.of(name))
	r.metrics.latency.Observe(time.Since(started).Seconds())
	r.metrics.reads.WithLabelValues(result).Inc()
	return record
}

func (r *Records) get(ctx context.Context, name string) (record []byte, result string) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	sealed, err := r.client.Get(ctx, name).Result()
	if errors.Is(err, redis.Nil) {
		r.breaker.report(nil, time.Now())
		return nil, readMiss
	}
	r.breaker.report(err, time.Now())
	if err != nil {
		return nil, readFailed
	}
	if record, err = r.seal.open(name, sealed); err != nil {
		return nil, readDamaged
	}
	return record, readHit
}
