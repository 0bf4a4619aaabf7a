// Package redis is what nodes share and may lose: the second level of the cache.
// Redis may be down, slow, flushed, or full at any time, which costs hits and never a
// request.
//
//	records.go  what callers hold: lookups      write.go    the queue of what is written
//	follow.go   what other nodes kept           seal.go     records that nobody makes up
//	breaker.go  keeps a failing Redis away      config.go  metrics.go
//
// # Keys
//
//	{prefix}:cache:1:entry:{tenant}:{hash}   a sealed record, with the time to live of its reply
//	{prefix}:cache:1:inserts                 stream: which entries are new
//	{prefix}:cache:1:drops                   stream: which pairs of requests must not share a reply
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
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

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

// ioTimeout is how long anything but a lookup may take.
const ioTimeout = 3 * time.Second

// Open returns records in the Redis that cfg names. It connects to nothing yet: a
// server starts without Redis, too.
func Open(cfg Config, deps Deps) (*Records, error) {
	options, err := redis.ParseURL(cfg.URL)
	if err != nil {
		return nil, errors.New("redis.url cannot be read") // what is in it stays in it
	}
	options.PoolSize, options.MinIdleConns = cfg.PoolSize, cfg.MinIdle
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = ioTimeout, ioTimeout, ioTimeout
	options.ContextTimeoutEnabled = true
	options.MaxRetries = -1 // a lookup has no time for that, and writes are tried again where they have to be
	options.DialerRetries = 1
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	quiet()
	sealed, err := newSeal(cfg.Secret)
	if err != nil {
		return nil, fmt.Errorf("seal records: %w", err)
	}
	return &Records{
		client: redis.NewClient(options), timeout: cfg.Timeout, names: newNames(cfg.Prefix), seal: sealed,
		metrics: newMetrics(deps.Registerer), log: deps.Log, node: rand.Text(),
		puts: make(chan put, mostPuts), dropped: make(chan struct{}, 1),
	}, nil
}

// quiet ends what the library writes to the standard error by itself, for the whole
// process: each failure reaches this package as an error too.
var quiet = sync.OnceFunc(logging.Disable)

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
