package redis

import (
	"context"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"example.com/parley/messages"
)

const (
	mostPuts   = 1024   // that wait: some MB of replies
	mostDrops  = 10_000 // that wait; each was a person's decision
	batch      = 64     // puts that travel together
	mostEvents = 65_536 // that a stream remembers, about
	retryEvery = time.Second
	lastWrites = time.Second // for what waits when the server stops
)

// put is a record on its way to Redis.
type put struct {
	name   messages.CacheName
	record []byte
	ttl    time.Duration
}

// Put keeps a record for ttl, and lets the other nodes know. It does not wait: where
// too many wait already, the record is not kept.
func (r *Records) Put(name messages.CacheName, record []byte, ttl time.Duration) {
	select {
	case r.puts <- put{name, record, ttl}:
	default:
		r.metrics.writes.WithLabelValues(writeLost).Inc()
	}
}

// Drop takes a record out, and has every node forget it, and the pair. It does not
// wait; while Redis is gone it is tried again.
func (r *Records) Drop(drop messages.CacheDrop) {
	r.mu.Lock()
	if r.drops = append(r.drops, drop); len(r.drops) > mostDrops {
		r.drops = r.drops[1:]
		r.metrics.writes.WithLabelValues(writeLost).Inc()
	}
	r.mu.Unlock()
	select {
	case r.dropped <- struct{}{}:
	default:
	}
}

// write brings what waits to Redis, until ctx ends, and then what still waits.
func (r *Records) write(ctx context.Context) {
	retry := time.NewTicker(retryEvery)
	defer retry.Stop()
	writing, stop := outlasting(ctx, lastWrites)
	defer stop()
	for {
		var first []put
		select {
		case p := <-r.puts:
			first = append(first, p)
		case <-r.dropped:
		case <-retry.C:
		case <-ctx.Done():
			r.flush(writing, nil)
			return
		}
		r.flush(writing, first)
	}
}

// outlasting returns a context that ends a while after another one.
func outlasting(ctx context.Context, while time.Duration) (longer context.Context, stop func()) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	release := context.AfterFunc(ctx, func() { // a goroutine that ends with stop at the latest
		select {
		case <-time.After(while):
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() {
		release()
		cancel()
	}
}

// flush writes all that waits. A drop comes behind every record that was put before
// it: the drops are taken first, and written last.
func (r *Records) flush(ctx context.Context, puts []put) {
	r.mu.Lock()
	drops := r.drops
	r.drops = nil
	r.mu.Unlock()
	for {
		for len(puts) < batch {
			select {
			case p := <-r.puts:
				puts = append(puts, p)
				continue
			default:
			}
			break
		}
		if len(puts) == 0 {
			break
		}
		r.writePuts(ctx, puts)
		puts = puts[:0]
	}
	if len(drops) > 0 && !r.writeDrops(ctx, drops) {
		r.mu.Lock()
		r.drops = append(drops, r.drops...)
		r.mu.Unlock()
	}
}

func (r *Records) writePuts(ctx context.Context, puts []put) {
	result := writeKept
	_, err := r.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, p := range puts {
			name := r.names.of(p.name)
			pipe.Set(ctx, name, r.seal.close(name, p.record), p.ttl)
			r.announce(ctx, pipe, r.names.inserts, "entry", name)
		}
		return nil
	})
	if err != nil {
		result = writeFailed
		r.log.DebugContext(ctx, "replies were not written to redis", slog.Int("count", len(puts)), slog.Any("error", err))
	}
	r.metrics.writes.WithLabelValues(result).Add(float64(len(puts)))
}

func (r *Records) writeDrops(ctx context.Context, drops []messages.CacheDrop) (done bool) {
	_, err := r.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, d := range drops {
			pipe.Unlink(ctx, r.names.of(d.CacheName))
			r.announce(ctx, pipe, r.names.drops, "tenant", string(d.Tenant), "entry", digits(d.Entry), "asked", digits(d.Asked))
		}
		return nil
	})
	if err != nil {
		r.log.DebugContext(ctx, "drops were not written to redis; they will be tried again", slog.Int("count", len(drops)), slog.Any("error", err))
		return false
	}
	r.metrics.writes.WithLabelValues(writeKept).Add(float64(len(drops)))
	return true
}

// announce adds an event to a stream, with the node that it is of.
func (r *Records) announce(ctx context.Context, pipe redis.Pipeliner, stream string, fields ...string) {
	pipe.XAdd(ctx, &redis.XAddArgs{Stream: stream, MaxLen: mostEvents, Approx: true, Values: append(fields, "node", r.node)})
}
